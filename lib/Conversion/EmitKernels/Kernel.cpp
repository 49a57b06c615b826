// Index arithmetic, vectors and constants of kernels under construction.
#include "Kernel.h"

#include "mlir/Dialect/MemRef/Utils/MemRefUtils.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA1.h"

using namespace mlir;

namespace qc {
//===-- Constants ----------------------------------------------------------------------------------------------------------===//

ConstantPool::ConstantPool(ModuleOp module) : symbols(module), body(module.getBody()) {}

template <typename T> Value ConstantPool::getOf(OpBuilder &b, Location loc, Type element, ArrayRef<T> values) {
  auto memory = MemRefType::get({int64_t(values.size())}, element);
  auto hash = llvm::SHA1::hash(ArrayRef(reinterpret_cast<const uint8_t *>(values.data()), values.size() * sizeof(T)));
  std::string key;
  llvm::raw_string_ostream(key) << memory << StringRef(reinterpret_cast<const char *>(hash.data()), hash.size());
  FlatSymbolRefAttr &name = known[key];
  if (!name) {
    OpBuilder top = OpBuilder::atBlockBegin(body);
    auto type = RankedTensorType::get(memory.getShape(), element);
    auto global = memref::GlobalOp::create(top, loc, "kernel_constant", b.getStringAttr("private"), memory,
                                           makeElements(type, values), /*constant=*/true, b.getI64IntegerAttr(64));
    symbols.insert(global);
    name = FlatSymbolRefAttr::get(global.getSymNameAttr());
  }
  return memref::GetGlobalOp::create(b, loc, memory, name.getValue());
}

Value ConstantPool::get(OpBuilder &b, Location loc, Type element, ArrayRef<int64_t> values) {
  // As wide as they are in memory, so that equal constants of different origin are one.
  if (element.isInteger(8))
    return getOf(b, loc, element, ArrayRef<int8_t>(SmallVector<int8_t>(values.begin(), values.end())));
  return getOf(b, loc, element, values);
}
Value ConstantPool::get(OpBuilder &b, Location loc, ArrayRef<int8_t> values) {
  return getOf(b, loc, b.getIntegerType(8), values);
}
Value ConstantPool::get(OpBuilder &b, Location loc, ArrayRef<float> values) { return getOf(b, loc, b.getF32Type(), values); }

//===-- Buffers ------------------------------------------------------------------------------------------------------------===//

bool Flat::isCollapsible() const {
  for (size_t i = 0; i + 2 < sizes.size(); ++i)
    if (sizes[i] != 1 && strides[i] != strides[i + 1] * sizes[i + 1])
      return false;
  return true;
}

Flat Flat::collapse() const {
  Flat flat{memory, {1, 1}, {1, 1}, code};
  if (sizes.empty())
    return flat;
  flat.sizes = {product(ArrayRef(sizes).drop_back()), sizes.back()};
  flat.strides = {sizes.size() > 1 ? strides[sizes.size() - 2] : sizes.back(), 1};
  return flat;
}

static FailureOr<Flat> flatten(Kernel &k, Value buffer, Type code) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  if (!type || failed(type.getStridesAndOffset(strides, offset)) || llvm::any_of(strides, ShapedType::isDynamic) ||
      ShapedType::isDynamic(offset) || (!strides.empty() && strides.back() != 1 && type.getShape().back() != 1))
    return k.op.emitError("has a buffer whose strides are not known: ") << buffer.getType();
  if (!strides.empty())
    strides.back() = 1;
  int64_t extent = 1;
  for (auto [size, stride] : llvm::zip(type.getShape(), strides))
    extent += (size - 1) * stride;
  auto layout = StridedLayoutAttr::get(type.getContext(), offset, {1});
  auto flat =
      offset ? MemRefType::get({extent}, type.getElementType(), layout) : MemRefType::get({extent}, type.getElementType());
  Value memory =
      memref::ReinterpretCastOp::create(k.b, k.loc, flat, buffer, offset, ArrayRef<int64_t>{extent}, ArrayRef<int64_t>{1});
  return Flat{memory, llvm::to_vector(type.getShape()), strides, code};
}

FailureOr<Flat> Kernel::getInput(Value argument) {
  auto block = cast<BlockArgument>(argument);
  return flatten(*this, op.getInputs()[block.getArgNumber()], getElementType(argument));
}

FailureOr<Flat> Kernel::getResult(unsigned i) {
  auto yield = cast<YieldOp>(op.getBody().front().getTerminator());
  return flatten(*this, op.getInits()[i], getElementType(yield.getValues()[i]));
}

Value Kernel::getScratch(Type element, int64_t offset, int64_t count) {
  Value bytes = op.getInits().back();
  auto type = MemRefType::get({count}, element);
  Value at = slot ? add(mul(slot, op.getScratchBytes()), offset) : index(offset);
  return memref::ViewOp::create(b, loc, type, bytes, at, ValueRange());
}

//===-- Indices ------------------------------------------------------------------------------------------------------------===//

Value Kernel::index(int64_t value) { return arith::ConstantIndexOp::create(b, loc, value); }

Value Kernel::add(Value x, Value y) {
  auto a = getConstantIntValue(x), c = getConstantIntValue(y);
  if (a && c)
    return index(*a + *c);
  if (a && *a == 0)
    return y;
  if (c && *c == 0)
    return x;
  return arith::AddIOp::create(b, loc, x, y);
}

Value Kernel::sub(Value x, Value y) {
  auto a = getConstantIntValue(x), c = getConstantIntValue(y);
  if (a && c)
    return index(*a - *c);
  return c && *c == 0 ? x : arith::SubIOp::create(b, loc, x, y).getResult();
}

Value Kernel::mul(Value x, int64_t y) {
  if (auto a = getConstantIntValue(x))
    return index(*a * y);
  return y == 1 ? x : arith::MulIOp::create(b, loc, x, index(y)).getResult();
}

Value Kernel::min(Value x, Value y) {
  auto a = getConstantIntValue(x), c = getConstantIntValue(y);
  if (a && c)
    return index(std::min(*a, *c));
  return arith::MinSIOp::create(b, loc, x, y);
}

Value Kernel::max(Value x, Value y) {
  auto a = getConstantIntValue(x), c = getConstantIntValue(y);
  if (a && c)
    return index(std::max(*a, *c));
  return arith::MaxSIOp::create(b, loc, x, y);
}

Value Kernel::offset(ValueRange positions, ArrayRef<int64_t> strides) {
  Value sum = index(0);
  for (auto [position, stride] : llvm::zip(positions, strides))
    sum = add(sum, mul(position, stride));
  return sum;
}

//===-- Tasks --------------------------------------------------------------------------------------------------------------===//

Range Kernel::divide(Part part, int64_t count) {
  bool isChannels = part == Part::Channels;
  isDivided[isChannels] = true;
  auto tasks = op.getTasks();
  int64_t parts = tasks ? (*tasks)[isChannels] : 1, channels = tasks ? (*tasks)[1] : 1;
  if (parts == 1)
    return {index(0), index(count), count};
  Value number = task;
  if (isChannels && (*tasks)[0] > 1)
    number = arith::RemUIOp::create(b, loc, task, index(channels));
  else if (!isChannels && channels > 1)
    number = arith::DivUIOp::create(b, loc, task, index(channels));
  auto limit = [&](Value number) -> Value {
    if (count % parts == 0)
      return mul(number, count / parts);
    return arith::DivUIOp::create(b, loc, mul(number, count), index(parts));
  };
  return {limit(number), limit(add(number, 1)), count};
}

Range Kernel::divideRows(int64_t batch, int64_t rows, Value image) {
  Range all = divide(Part::Positions, batch * rows);
  if (getConstantIntValue(all.low))
    return {index(0), index(rows), rows};
  if (batch == 1)
    return all;
  Value first = mul(image, rows);
  return {max(sub(all.low, first), index(0)), min(sub(all.high, first), index(rows)), rows};
}

void Kernel::loop(const Range &range, int64_t full, llvm::function_ref<void(Value iv)> body, llvm::function_ref<void()> last) {
  Value high = full == range.count ? range.high : min(range.high, index(full));
  loop(range.low, high, 1, {}, [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
  if (full < range.count)
    atEnd(range, last);
}

void Kernel::atEnd(const Range &range, llvm::function_ref<void()> body) {
  if (getConstantIntValue(range.high))
    return body();
  Value isLast = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, range.high, index(range.count));
  auto choice = scf::IfOp::create(b, loc, isLast, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  body();
}

std::string Kernel::getUndivided() {
  auto tasks = op.getTasks();
  for (unsigned i : {0, 1})
    if (tasks && (*tasks)[i] > 1 && !isDivided[i])
      return i ? "channels" : "positions";
  return "";
}

//===-- Vectors ------------------------------------------------------------------------------------------------------------===//

static Type elementOf(Value memory) { return cast<MemRefType>(memory.getType()).getElementType(); }

Value Kernel::load(Value memory, Value offset, int64_t count) {
  return vector::LoadOp::create(b, loc, VectorType::get({count}, elementOf(memory)), memory, offset);
}
Value Kernel::loadScalar(Value memory, Value offset) { return memref::LoadOp::create(b, loc, memory, offset); }
void Kernel::store(Value vector, Value memory, Value offset) { vector::StoreOp::create(b, loc, vector, memory, offset); }
void Kernel::storeScalar(Value scalar, Value memory, Value offset) { memref::StoreOp::create(b, loc, scalar, memory, offset); }

Value Kernel::splat(Type element, int64_t value, int64_t count) {
  auto type = VectorType::get({count}, element);
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getIntegerAttr(element, value)));
}
Value Kernel::splat(double value, int64_t count) {
  auto type = VectorType::get({count}, b.getF32Type());
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, b.getF32FloatAttr(value)));
}
Value Kernel::broadcast(Value scalar, int64_t count) {
  return vector::BroadcastOp::create(b, loc, VectorType::get({count}, scalar.getType()), scalar);
}

Value Kernel::bitcast(Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  if (type.getElementType() == element)
    return vector;
  int64_t bits = type.getNumElements() * type.getElementTypeBitWidth();
  return vector::BitCastOp::create(b, loc, VectorType::get({bits / int64_t(element.getIntOrFloatBitWidth())}, element), vector);
}

Value Kernel::slice(Value vector, int64_t first, int64_t count) {
  if (cast<VectorType>(vector.getType()).getNumElements() == count)
    return vector;
  return vector::ShuffleOp::create(b, loc, vector, vector, llvm::to_vector(llvm::seq<int64_t>(first, first + count)));
}

Value Kernel::concat(ArrayRef<Value> vectors) {
  SmallVector<Value> level(vectors);
  while (level.size() > 1) {
    SmallVector<Value> next;
    for (size_t i = 0; i + 1 < level.size(); i += 2) {
      int64_t n = cast<VectorType>(level[i].getType()).getNumElements();
      next.push_back(vector::ShuffleOp::create(b, loc, level[i], level[i + 1], llvm::to_vector(llvm::seq<int64_t>(0, 2 * n))));
    }
    level = next;
  }
  return level.front();
}

static Type like(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? VectorType::get(vector.getShape(), element) : element;
}

Value Kernel::extend(Value value, Type code, Type to) {
  if (getElementTypeOrSelf(value) == to)
    return value;
  auto integer = dyn_cast<IntegerType>(code);
  bool isUnsigned = integer && (integer.isUnsigned() || integer.getWidth() == 1);
  if (isUnsigned)
    return arith::ExtUIOp::create(b, loc, like(value.getType(), to), value);
  return arith::ExtSIOp::create(b, loc, like(value.getType(), to), value);
}

Value Kernel::truncate(Value value, Type to) {
  if (getElementTypeOrSelf(value) == to)
    return value;
  return arith::TruncIOp::create(b, loc, like(value.getType(), to), value);
}

Value Kernel::getPointer(Value memory, Value offset) {
  auto type = cast<MemRefType>(memory.getType());
  auto [strides, first] = type.getStridesAndOffset();
  Type i64 = b.getI64Type(), pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memory);
  Value address = arith::IndexCastOp::create(b, loc, i64, base);
  base = LLVM::IntToPtrOp::create(b, loc, pointer, address);
  Value at = arith::IndexCastOp::create(b, loc, i64, add(offset, first));
  return LLVM::GEPOp::create(b, loc, pointer, type.getElementType(), base, ValueRange{at});
}

Value Kernel::intrinsic(StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), operands).getResults();
}

Value Kernel::hide(Value value) {
  Type i64 = b.getI64Type();
  Value number = arith::IndexCastOp::create(b, loc, i64, value);
  Value hidden = LLVM::InlineAsmOp::create(b, loc, i64, number, "", "=r,0", /*has_side_effects=*/false, /*is_align_stack=*/false,
                                           LLVM::tailcallkind::TailCallKind::None, LLVM::AsmDialectAttr(), ArrayAttr())
                     .getRes();
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), hidden);
}

//===-- Loops --------------------------------------------------------------------------------------------------------------===//

SmallVector<Value> Kernel::loop(Value low, Value high, int64_t step, ValueRange init, LoopFn body) {
  auto first = getConstantIntValue(low), last = getConstantIntValue(high);
  if (first && last && *last <= *first)
    return SmallVector<Value>(init);
  if (first && last && *last - *first <= step)
    return body(low, init);
  auto loop = scf::ForOp::create(b, loc, low, high, index(step), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(b, loc, next);
  // The tiles are unrolled by hand; more only costs code.
  MLIRContext *context = b.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(context, BoolAttr::get(context, true), {}, {}, {}, {}, {}, {});
  loop->setAttr("llvm.loop_annotation",
                LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}));
  return SmallVector<Value>(loop.getResults());
}

SmallVector<Value> Kernel::loop(int64_t count, int64_t step, ValueRange init, LoopFn body) {
  return loop(index(0), index(count), step, init, body);
}
} // namespace qc
