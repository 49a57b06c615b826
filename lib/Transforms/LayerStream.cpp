// Inputs of contractions, streamed from layer to layer.
#include "LayerStream.h"
#include "qc/Dialect/QC/IR/StoredOps.h"
#include "qc/Dialect/QC/Schemes/Schemes.h"

#include "mlir/IR/Threading.h"

using namespace mlir;

namespace qc {
//===-- Contractions
//---------------------------------------------------------------------------------------------------------===//

/// True if `value` is a constant, or decoded from one.
static bool isConstantWeight(Value value) {
  if (auto stored = value.getDefiningOp<DecodeOp>())
    value = stored.getCodes();
  else if (Value codes = getDecodedCodes(value))
    value = codes;
  return bool(getConstant(value));
}

std::optional<Contraction> Contraction::get(Operation *op) {
  Contraction result;
  result.op = op;
  if (!isa<ConvOp, MatmulOp>(op) || !isConstantWeight(op->getOperand(1)))
    return std::nullopt;
  ArrayRef<int64_t> x = getShape(op->getOperand(0)), w = getShape(op->getOperand(1)), y = getShape(op->getResult(0));
  if (auto conv = dyn_cast<ConvOp>(op)) {
    result.groups = conv.getGroups();
    result.channels = w[0] / result.groups;
    result.depth = product(w.drop_front());
    result.inputChannels = x[1];
    size_t rank = x.size() - 2;
    for (size_t d = 0; d < rank; ++d) {
      size_t at = 3 - rank + d;
      result.size[at] = x[2 + d];
      result.kernel[at] = w[2 + d];
      result.outputs[at] = y[2 + d];
      result.strides[at] = conv.getStrides()[d];
      result.dilations[at] = conv.getDilations()[d];
      result.pads[at] = conv.getPads()[d];
    }
    result.positions = x[0] * product(y.drop_front(2));
    return result;
  }
  if (w.size() != 2)
    return std::nullopt;
  result.isProduct = true;
  result.depth = w[0];
  result.channels = w[1];
  result.positions = product(x.drop_back());
  return result;
}

/// Positions of the image that is flattened to the rows `x` of a product; 1 if none is. In memory the channels of each will lie
/// together (qc-assign-layout).
static int64_t getFlattenedPositions(Value x) {
  while (Operation *op = x.getDefiningOp()) {
    if (isa<ReshapeOp>(op)) {
      ArrayRef<int64_t> from = getShape(op->getOperand(0)), to = getShape(x);
      bool isFlat = from.size() > 2 && from[1] > 1 && to.size() == 2 && to[0] == from[0];
      return isFlat ? product(from.drop_front(2)) : 1;
    }
    if (!isa<quant::DequantizeCastOp, quant::QuantizeCastOp>(op))
      return 1;
    x = op->getOperand(0);
  }
  return 1;
}

std::vector<std::vector<int32_t>> Contraction::getFactorGroups(int64_t length) const {
  constexpr int64_t unit = 8, least = GroupedAttr::leastLength; // kernels take whole steps
  int64_t taps = isProduct ? getFlattenedPositions(op->getOperand(0)) : kernel[0] * kernel[1] * kernel[2];
  int64_t inputs = depth / std::max<int64_t>(taps, 1);
  length = std::min<int64_t>(length, llvm::alignTo(inputs, unit)); // longer ones are all inputs
  while (length >= least && inputs % length)
    length -= unit;
  if (groups != 1 || depth == 0 || length < least)
    return {};
  std::vector<std::vector<int32_t>> result(depth / length);
  for (int64_t k = 0; k < depth; ++k)
    result[k / taps / length * taps + k % taps].push_back(int32_t(k));
  return result;
}

void Contraction::gather(const float *x, int64_t position, double *row) const {
  if (isProduct) {
    std::copy_n(x + position * depth, depth, row);
    return;
  }
  std::array<int64_t, 3> start;
  int64_t rest = position;
  for (int d = 2; d >= 0; --d) {
    start[d] = rest % outputs[d] * strides[d] - pads[d];
    rest /= outputs[d];
  }
  int64_t plane = size[0] * size[1] * size[2];
  const float *image = x + rest * inputChannels * plane;
  for (int64_t c = 0; c < inputChannels; ++c, image += plane)
    for (int64_t k0 = 0, i0 = start[0]; k0 < kernel[0]; ++k0, i0 += dilations[0])
      for (int64_t k1 = 0, i1 = start[1]; k1 < kernel[1]; ++k1, i1 += dilations[1])
        for (int64_t k2 = 0, i2 = start[2]; k2 < kernel[2]; ++k2, i2 += dilations[2]) {
          bool inside = i0 >= 0 && i0 < size[0] && i1 >= 0 && i1 < size[1] && i2 >= 0 && i2 < size[2];
          *row++ = inside ? image[(i0 * size[1] + i1) * size[2] + i2] : 0;
        }
}

ConvolutionShape Contraction::getConvolution() const {
  if (isProduct)
    return {.inputs = depth, .outputs = channels, .results = {1, 1, positions}, .isProduct = true};
  return {groups, inputChannels / groups, channels, size, kernel, strides, dilations, pads, outputs};
}

std::vector<Contraction> getContractions(func::FuncOp function) {
  std::vector<Contraction> result;
  for (Operation &op : function.getBody().front())
    if (auto contraction = Contraction::get(&op))
      result.push_back(*contraction);
  return result;
}

//===-- The stream
//-----------------------------------------------------------------------------------------------------------===//

/// The value whose numbers `value` holds, in their smallest form: codes instead of what they decode to.
static Value getOrigin(Value value) {
  Value codes = getDecodedCodes(value);
  return codes ? codes : value;
}

static unsigned getBytes(Value value) { return getStorageBytes(getStorageType(getElementType(value))); }

/// Calls `take` for each value of the function's block that `op` or an op in its regions reads.
static void forEachOperand(Operation *op, llvm::function_ref<void(Value)> take) {
  Block *block = op->getBlock();
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (operand.getParentBlock() == block)
        take(operand);
  });
}

LayerStream::LayerStream(func::FuncOp function, int64_t samples) : function(function), samples(samples) {
  for (BlockArgument argument : function.getArguments())
    stored[argument] = allocate(argument);
}

LayerStream::Stored LayerStream::allocate(Value value) const {
  Stored result;
  result.stride = llvm::alignTo(getBytes(value) * cast<ShapedType>(value.getType()).getNumElements(), 64);
  if (samples)
    result.data = std::make_shared<Buffer>(result.stride * samples);
  return result;
}

std::vector<Value> LayerStream::getLive(Operation *op) const {
  llvm::SetVector<Value> live;
  for (Operation &reader : llvm::make_range(op->getIterator(), op->getBlock()->end()))
    forEachOperand(&reader, [&](Value operand) {
      Value value = getOrigin(operand);
      Operation *producer = value.getDefiningOp();
      if (!isConstantWeight(value) && (!producer || producer->isBeforeInBlock(op)))
        live.insert(value);
    });
  return std::vector<Value>(live.begin(), live.end());
}

size_t LayerStream::measure(Operation *previous, Operation *op) {
  llvm::SetVector<Value> values;
  values.insert_range(getLive(op));
  if (previous)
    values.insert_range(getLive(previous));
  else
    values.insert_range(function.getArguments());
  size_t bytes = 0;
  for (Value value : values)
    bytes += llvm::alignTo(getBytes(value) * cast<ShapedType>(value.getType()).getNumElements(), 64);
  return bytes;
}

char *LayerStream::getInput(unsigned index, int64_t i) {
  Stored &input = stored[function.getArgument(index)];
  return input.data->data + i * input.stride;
}

LogicalResult LayerStream::advance(Operation *op) {
  std::vector<Value> live = getLive(op), computed;
  for (Value value : live)
    if (!stored.contains(value))
      computed.push_back(value);
  if (!computed.empty()) {
    // The ops between what is stored and what is to be computed.
    llvm::SetVector<Value> arguments;
    llvm::DenseSet<Operation *> needed;
    SmallVector<Value> open(computed.begin(), computed.end());
    while (!open.empty()) {
      Value value = open.pop_back_val();
      if (stored.contains(value))
        arguments.insert(value);
      else if (Operation *producer = value.getDefiningOp(); needed.insert(producer).second)
        forEachOperand(producer, [&](Value operand) { open.push_back(operand); });
    }
    OwningOpRef<ModuleOp> module = ModuleOp::create(function.getLoc());
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    auto part = func::FuncOp::create(
        builder, function.getLoc(), "run_f32",
        builder.getFunctionType(TypeRange(ValueRange(arguments.getArrayRef())), TypeRange(ValueRange(computed))));
    IRMapping mapping;
    Block *body = part.addEntryBlock();
    mapping.map(arguments.getArrayRef(), body->getArguments());
    builder.setInsertionPointToStart(body);
    for (Operation &each : *op->getBlock())
      if (needed.contains(&each))
        builder.clone(each, mapping);
    func::ReturnOp::create(builder, function.getLoc(),
                           llvm::map_to_vector(computed, [&](Value value) { return mapping.lookup(value); }));
    FailureOr<std::unique_ptr<Network>> network = Network::compile(std::move(module));
    if (failed(network))
      return failure();
    std::vector<Stored> results;
    for (Value value : computed)
      results.push_back(allocate(value));
    size_t tasks = std::min<size_t>(samples, op->getContext()->getNumThreads());
    parallelFor(op->getContext(), 0, tasks, [&](size_t task) {
      Buffer arena((*network)->getArenaBytes());
      for (int64_t i = samples * task / tasks; i < int64_t(samples * (task + 1) / tasks); ++i) {
        SmallVector<char *> pointers;
        for (Value argument : arguments) {
          const Stored &input = stored.find(argument)->second;
          pointers.push_back(input.data->data + i * input.stride);
        }
        for (Stored &result : results)
          pointers.push_back(result.data->data + i * result.stride);
        pointers.push_back(arena.data);
        (*network)->run(pointers);
      }
    });
    for (auto [value, result] : llvm::zip_equal(computed, results))
      stored[value] = std::move(result);
  }
  llvm::DenseSet<Value> kept(live.begin(), live.end());
  stored.remove_if([&](auto &entry) { return !kept.contains(entry.first); });
  return success();
}

void LayerStream::read(Value value, int64_t i, std::vector<float> &values) const {
  Value origin = getOrigin(value);
  const Stored &from = stored.find(origin)->second;
  const char *data = from.data->data + i * from.stride;
  values.resize(cast<ShapedType>(value.getType()).getNumElements());
  auto type = dyn_cast<quant::UniformQuantizedType>(getElementType(origin));
  if (!type) {
    std::memcpy(values.data(), data, values.size() * sizeof(float));
    return;
  }
  auto decode = [&](auto code) {
    for (size_t k = 0; k < values.size(); ++k) {
      std::memcpy(&code, data + k * sizeof(code), sizeof(code));
      values[k] = float(double(int64_t(code) - type.getZeroPoint()) * type.getScale());
    }
  };
  if (getBytes(origin) == 2)
    type.isSigned() ? decode(int16_t()) : decode(uint16_t());
  else
    type.isSigned() ? decode(int8_t()) : decode(uint8_t());
}
} // namespace qc
