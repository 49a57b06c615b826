// Convolutions and products: what they are, which dot kernel and tile they get.
#include "Contraction.h"
#include "Dots.h"
#include "PackedWeights.h"
#include "TileRun.h"

#include "llvm/ADT/StringExtras.h"

#include <numeric>

using namespace mlir;

namespace qc {
//===-- Shape --------------------------------------------------------------------------------------------------------------===//

/// A product of two activations, `[..., M, K] x [..., K, N]`. Neighbouring matrices on the left may share one on the right (heads
/// that share their keys): all rows of those are the rows of one image.
static FailureOr<SmallVector<ContractionShape, 1>> getProduct(ContractionShape s, KernelOp kernel, std::string &why) {
  auto matmul = cast<MatmulOp>(s.main);
  Value left = matmul.getLhs(), right = matmul.getRhs();
  auto lhs = getShape(left), rhs = getShape(right), out = getShape(matmul.getResult());
  auto refuse = [&](const Twine &reason) {
    why = reason.str();
    return failure();
  };
  s.rightCode = getElementType(right);
  s.zeroPoint = matmul.getLhsZeroPoint();
  s.rightZeroPoint = matmul.getRhsZeroPoint();
  // The step reads i16: codes of 16 bits have to be that already.
  auto fits = [](Type code, int64_t zeroPoint) {
    auto integer = dyn_cast<IntegerType>(code);
    return integer && (integer.getWidth() <= 8 ? std::abs(zeroPoint) <= 255
                                               : integer.getWidth() <= 16 && !integer.isUnsigned() && zeroPoint == 0);
  };
  if (!fits(s.code, s.zeroPoint) || !fits(s.rightCode, s.rightZeroPoint) || !getElementType(matmul.getResult()).isInteger(32))
    return refuse("its element types have no dot kernel");
  // A pair of products of two such codes may need all of 32 bits; one more would not fit.
  if (s.code.getIntOrFloatBitWidth() > 8 && s.rightCode.getIntOrFloatBitWidth() > 8)
    return refuse("both sides have 16 bits");
  if (!isa<BlockArgument>(left) || !isa<BlockArgument>(right) || left == right)
    return refuse("its sides are not two inputs of the kernel");
  if (lhs.size() < 2 || rhs.size() < 2 || out.size() != lhs.size())
    return refuse("a side is a vector");
  int64_t matrices = product(rhs.drop_back(2));
  auto leftBatch = lhs.drop_back(2), rightBatch = rhs.drop_back(2);
  SmallVector<int64_t> aligned(leftBatch.size() - std::min(leftBatch.size(), rightBatch.size()), 1);
  aligned.append(rightBatch.begin(), rightBatch.end());
  while (!aligned.empty() && aligned.back() == 1)
    aligned.pop_back();
  if (aligned.size() > leftBatch.size() || ArrayRef(aligned) != leftBatch.take_front(aligned.size()))
    return refuse("matrices of one side meet several of the other");
  s.input = left;
  s.right = right;
  s.positionRank = 1;
  s.inPerGroup = lhs.back();
  s.outPerGroup = rhs.back();
  s.batch = matrices;
  s.inW = s.outW = product(lhs.drop_back()) / std::max<int64_t>(matrices, 1);
  if (product(lhs) == 0 || product(rhs) == 0)
    return refuse("it is empty");
  return SmallVector<ContractionShape, 1>{s};
}

/// How the weights of a convolution or of a product are stored; nothing, and why, if no tile decodes them.
static std::optional<StoredShape> getStored(DecodeOp decode, bool isProduct, std::string &why) {
  StoredShape stored;
  stored.format = decode.getFormat();
  stored.fields = StoredFields(stored.format, decode.getBits());
  auto codes = getShape(decode.getCodes());
  unsigned inAxis = isProduct ? codes.size() - 2 : 1, outAxis = isProduct ? codes.size() - 1 : 0;
  stored.group = codes[inAxis];
  if (!getConstant(decode.getCodes())) {
    why = "its weights are not constant";
    return std::nullopt;
  }
  if (!decode.getScales())
    return stored;
  auto scales = getShape(decode.getScales());
  stored.scales = getConstant(decode.getScales());
  stored.group = getScaleBlock(codes[inAxis], scales[inAxis]);
  bool fits = stored.scales && scales[outAxis] == codes[outAxis] && (scales[inAxis] == 1 || stored.group % 32 == 0);
  // Taps that follow each other in memory begin with whole words.
  fits &= codes[inAxis] % std::max<int64_t>(stored.group, 1) == 0 || isProduct || product(codes.drop_front(2)) == 1;
  for (unsigned d = 0; d < scales.size(); ++d)
    fits &= d == inAxis || d == outAxis || scales[d] == 1;
  if (fits)
    return stored;
  why = "its weights' scales are not those of output channels and groups of 32 inputs";
  return std::nullopt;
}

FailureOr<SmallVector<ContractionShape, 1>> ContractionShape::get(KernelOp kernel, std::string &why) {
  ContractionShape s;
  auto refuse = [&](const Twine &reason) {
    why = reason.str();
    return failure();
  };
  for (Operation &op : kernel.getBody().front())
    if (isa<ConvOp, ConvTransposeOp, MatmulOp>(op))
      s.main = &op;
  if (!s.main)
    return refuse("there is no convolution and no product");
  Value weight = s.main->getOperand(1), acc = s.main->getResult(0);
  s.weight = getConstant(weight);
  if (auto decode = weight.getDefiningOp<DecodeOp>(); decode && !isa<ConvTransposeOp>(s.main)) {
    s.weight = getConstant(decode.getCodes());
    s.stored = getStored(decode, isa<MatmulOp>(s.main), why);
    if (!s.stored)
      return failure();
  }
  if (!s.weight && !isa<MatmulOp>(s.main))
    return refuse("its weights are not constant");
  if (s.main->getNumOperands() > 2) {
    s.bias = getConstant(s.main->getOperand(2));
    if (!s.bias)
      return refuse("its bias is not constant");
  }
  s.bound = cast<AccumulatorOpInterface>(s.main).getAccBound().value_or(0);
  s.code = getElementType(s.main->getOperand(0));
  Type element = getElementType(acc);
  if (!s.weight)
    return getProduct(s, kernel, why);
  bool integer = s.code.isInteger() && s.code.getIntOrFloatBitWidth() <= 16 && element.isInteger(32) &&
                 getElementType(weight).isInteger() && getElementType(weight).getIntOrFloatBitWidth() <= 8 &&
                 !getElementType(weight).isUnsignedInteger();
  if (!integer && !(s.code.isF32() && element.isF32() && getElementType(weight).isF32()))
    return refuse("its element types have no dot kernel");

  auto finish = [&]() -> FailureOr<SmallVector<ContractionShape, 1>> {
    if (auto length = kernel.getWeightGroup(); length && !(s.grouped = s.findGroups(*length)))
      return refuse("its weights have no factors in groups of " + Twine(*length));
    return SmallVector<ContractionShape, 1>{s};
  };
  if (auto matmul = dyn_cast<MatmulOp>(s.main)) {
    auto lhs = getShape(matmul.getLhs()), rhs = getShape(weight);
    if (product(rhs.drop_back(2)) != 1 || matmul.getLhsZeroPoint() || matmul.getRhsZeroPoint() ||
        getShape(acc).size() != lhs.size())
      return refuse("its right side has a batch or a zero point");
    if (!isa<BlockArgument>(matmul.getLhs()))
      return refuse("its input is not an input of the kernel");
    s.input = matmul.getLhs();
    s.positionRank = lhs.size() - 1;
    s.inPerGroup = lhs.back();
    s.outPerGroup = rhs.back();
    s.inW = s.outW = product(lhs.drop_back());
    s.centered = s.main->hasAttr(centeredName);
    return finish();
  }
  Value activations = s.main->getOperand(0);
  auto in = getShape(activations), out = getShape(acc), kernelShape = getShape(weight);
  unsigned spatial = in.size() - 2;
  if (spatial < 1 || spatial > 2)
    return refuse("it has " + Twine(spatial) + " spatial dimensions");
  s.input = getChannelsLastInput(activations);
  if (!s.input || !getChannelsLastResult(acc))
    return refuse("its activations are not channels last");
  s.positionRank = spatial + 1;
  s.batch = in[0];
  if (auto transposed = dyn_cast<ConvTransposeOp>(s.main)) {
    s.groups = transposed.getGroups();
    s.inPerGroup = kernelShape[0] / s.groups;
    s.outPerGroup = kernelShape[1];
    s.padValue = s.zeroPoint = transposed.getInputZeroPoint();
    if (auto code = dyn_cast<IntegerType>(s.code))
      if (auto [low, high] = getCodeLimits(code); s.zeroPoint < low || s.zeroPoint > high)
        return refuse("its zero point is no code");
    return splitTransposed(s, transposed);
  }
  auto conv = cast<ConvOp>(s.main);
  s.groups = conv.getGroups();
  s.inPerGroup = kernelShape[1];
  s.outPerGroup = kernelShape[0] / s.groups;
  s.padValue = conv.getPadValue();
  if (auto code = dyn_cast<IntegerType>(s.code))
    s.centered = code.getWidth() == 8 && std::abs(s.padValue - (code.isUnsigned() ? 128 : 0)) <= 16;
  auto set = [&](unsigned d, int64_t &inSize, int64_t &outSize, int64_t &kernel, int64_t &stride, int64_t &dilation,
                 int64_t &pad) {
    inSize = in[2 + d];
    outSize = out[2 + d];
    kernel = kernelShape[2 + d];
    stride = conv.getStrides()[d];
    dilation = conv.getDilations()[d];
    pad = conv.getPads()[d];
    s.pads |= pad != 0 || (outSize - 1) * stride + (kernel - 1) * dilation >= inSize;
  };
  if (spatial == 2)
    set(0, s.inH, s.outH, s.kernelH, s.strideH, s.dilationH, s.padTop);
  set(spatial - 1, s.inW, s.outW, s.kernelW, s.strideW, s.dilationW, s.padLeft);
  return finish();
}

/// `[O][C][taps]` (`[K][N]` of a product, `[C][O/groups][taps]` of a transposed convolution) to `[O][taps][C]`.
template <typename To, typename From>
static std::vector<To> reorder(const ContractionShape &s, size_t phase, ArrayRef<From> from) {
  int64_t outs = s.outC(), ins = s.inPerGroup, taps = s.taps();
  std::vector<To> to(outs * ins * taps);
  if (isa<MatmulOp>(s.main)) {
    // Tiles, so that neither side leaves the cache at each step.
    constexpr int64_t tile = 64;
    for (int64_t o0 = 0; o0 < outs; o0 += tile)
      for (int64_t c0 = 0; c0 < ins; c0 += tile)
        for (int64_t o = o0; o < std::min(o0 + tile, outs); ++o)
          for (int64_t c = c0; c < std::min(c0 + tile, ins); ++c)
            to[o * ins + c] = To(from[c * outs + o]);
    return to;
  }
  ArrayRef<int64_t> chosen = s.phases[phase].taps;
  bool isTransposed = isa<ConvTransposeOp>(s.main);
  int64_t all = int64_t(from.size()) / (outs * ins);
  for (int64_t o = 0; o < outs; ++o)
    for (int64_t c = 0; c < ins; ++c) {
      int64_t row = isTransposed ? (o / s.outPerGroup * ins + c) * s.outPerGroup + o % s.outPerGroup : o * ins + c;
      for (int64_t t = 0; t < taps; ++t)
        to[(o * taps + t) * ins + c] = To(from[row * all + (chosen.empty() ? t : chosen[t])]);
    }
  return to;
}
const std::vector<int8_t> &ContractionShape::getWeights(size_t phase) const {
  std::shared_ptr<std::vector<int8_t>> &ordered = phases[phase].orderedWeights;
  if (!ordered) {
    ordered = std::make_shared<std::vector<int8_t>>();
    IntView(weight).visit([&](auto values) { *ordered = reorder<int8_t>(*this, phase, values); });
  }
  return *ordered;
}
std::shared_ptr<const GroupedWeights> ContractionShape::findGroups() const {
  for (int64_t length : GroupedWeights::getLengths())
    if (std::shared_ptr<const GroupedWeights> found = findGroups(length))
      return found;
  return nullptr;
}
std::shared_ptr<const GroupedWeights> ContractionShape::findGroups(int64_t length) const {
  if (isFloat() || isProduct() || groups != 1 || phases.size() != 1 || inPerGroup == 0 || length < 1 || inPerGroup % length)
    return nullptr;
  return GroupedWeights::find(getWeights(), length);
}
std::vector<float> ContractionShape::getFloatWeights(size_t phase) const {
  SmallVector<float> storage;
  return reorder<float>(*this, phase, viewFloats(weight, storage));
}

std::vector<int32_t> ContractionShape::getStoredWeights(size_t phase) const {
  std::vector<int32_t> ordered;
  IntView(weight).visit([&](auto values) { ordered = reorder<int32_t>(*this, phase, values); });
  return ordered;
}
std::vector<float> ContractionShape::getStoredScales() const {
  SmallVector<float> storage;
  ArrayRef<float> values = viewFloats(stored->scales, storage);
  if (!isa<MatmulOp>(main))
    return values.vec();
  std::vector<float> scales;
  for (int64_t o = 0; o < outC(); ++o)
    for (int64_t g = 0; g < scaleGroups(); ++g)
      scales.push_back(values[g * outC() + o]);
  return scales;
}

Value ContractionShape::getBiases(Kernel &k, int64_t shift, int64_t slack) const {
  int64_t outs = outC(), depth = taps() * inPerGroup;
  if (isFloat()) {
    std::vector<float> values;
    for (size_t phase = 0; phase < phases.size(); ++phase) {
      size_t at = values.size();
      values.resize(at + outs + slack);
      if (bias)
        llvm::copy(getFloats(bias), values.begin() + at);
    }
    return k.constants.get(k.b, k.loc, values);
  }
  std::vector<int64_t> values;
  for (size_t phase = 0; phase < phases.size(); ++phase) {
    size_t at = values.size();
    values.resize(at + outs + slack);
    if (bias)
      llvm::copy(getInts(bias), values.begin() + at);
    if (int64_t added = isProduct() ? 0 : shift + zeroPoint) { // a product's zero points are taken off before
      const std::vector<int8_t> &from = getWeights(phase);
      for (int64_t o = 0; o < outs; ++o)
        values[at + o] -= added * std::accumulate(&from[o * depth], &from[o * depth] + depth, int64_t(0));
    }
  }
  // Modulo 2^32, as the accumulator: the final sum fits (acc_bound).
  for (int64_t &value : values)
    value = int32_t(uint32_t(uint64_t(value)));
  return k.constants.get(k.b, k.loc, k.b.getI32Type(), values);
}

//===-- Plan ---------------------------------------------------------------------------------------------------------------===//

/// The reduction as pieces that are contiguous in memory.
static PairSafeProblem getPairProblem(const ContractionPlan &p, ArrayRef<int8_t> weights, ArrayRef<int64_t> runs) {
  PairSafeProblem problem;
  problem.weights = weights;
  problem.channels = p.s.outPerGroup;
  problem.depth = p.s.taps() * p.s.inPerGroup;
  problem.runs = runs;
  problem.block = p.vectors * p.lanes;
  problem.chain = p.dot->chain;
  problem.lanes = p.lanes;
  problem.xMax = getLargestActivation(*p.dot, p.s.code);
  return problem;
}

SmallVector<size_t> getChunkPairs(const PairSafeBlock &block, int64_t runLength) {
  SmallVector<size_t> pairs;
  for (size_t i = 0; i + 1 < block.chunks.size(); ++i) {
    const PairSafeChunk &a = block.chunks[i], &b = block.chunks[i + 1];
    bool full = a.quads == 4 && b.quads == 4 && b.quad == a.quad + 4;
    int64_t first = a.terms.front().source, second = b.terms.front().source;
    if (full && second == first + 16 && first / runLength == second / runLength)
      pairs.push_back(i++);
  }
  return pairs;
}

/// The runs of the permuted form.
static void setPermutedRuns(ContractionPlan &p) {
  const ContractionShape &s = p.s;
  // Filling flips the topmost bit of i8; another shift is the panel's.
  p.panel = s.pads || p.runLength < 16 || getActivationShift(*p.dot, s.code) % 128;
  p.mergedTaps = s.kernelW == 1 || (p.panel && s.dilationW == 1);
  p.runLength = (p.mergedTaps ? s.kernelW : 1) * s.inPerGroup;
}

/// Where pairs are not safe in natural order: an order in which they are, read from a second panel that holds, for each block of
/// channels, the activations of some positions in that order.
static void permute(ContractionPlan &p, std::shared_ptr<PairSafePacking> packing) {
  setPermutedRuns(p);
  const std::vector<int8_t> &weights = p.s.getWeights();
  SmallVector<int64_t> runs(p.runs(), p.runLength);
  PairSafeProblem problem = getPairProblem(p, weights, runs);
  p.packing = packing ? packing : std::make_shared<PairSafePacking>(packPairSafe(problem, PairOrder::Permuted));
  p.unsafe = verifyPairSafe(problem, *p.packing);
  p.steps = 0;
  int64_t fewestPairs = std::numeric_limits<int64_t>::max();
  for (const PairSafeBlock &block : p.packing->blocks) {
    p.steps = std::max(p.steps, block.getQuads());
    int64_t further = 0;
    for (const PairSafeChunk &chunk : block.chunks)
      further += int64_t(chunk.terms.size()) - 1;
    fewestPairs = std::min(fewestPairs, int64_t(getChunkPairs(block, p.runLength).size()));
    p.furtherTerms = std::max(p.furtherTerms, further);
  }
  p.chunkPairs = fewestPairs;
  for (const PairSafeBlock &block : p.packing->blocks)
    p.singleChunks = std::max(p.singleChunks, int64_t(block.chunks.size()) - 2 * p.chunkPairs);
  // A chunk is stored as 16 bytes even where it has less.
  p.permutedStride = llvm::alignTo(p.steps * 4 + 12, 16);
  int64_t tiles = std::max<int64_t>(p.width() / p.rows, 1);
  p.permutedTiles = std::clamp<int64_t>(32 * 1024 / (p.permutedStride * p.rows), 1, std::max<int64_t>(12 / p.rows, 1));
  p.permutedTiles = std::min(p.permutedTiles, tiles);
}

/// True if 16 activations are loaded together and an instruction takes a lane (or half) of them.
static bool isByLane(const DotKernel &dot) {
  return dot.step == DotStep::SDOT || dot.step == DotStep::SDOTAhead || dot.step == DotStep::SMMLA;
}

/// A band of tiles, or a last one of fewer positions.
static int64_t getSumBytes(const ContractionPlan &p) {
  if (p.prescales())
    return llvm::alignTo(std::max<int64_t>(p.band, 1) * p.rows * p.s.scaleGroups() * 4, 64);
  if (p.dot->step != DotStep::VPMADDCODES && !p.isMarked())
    return 0;
  int64_t sums = p.s.grouped ? p.s.inPerGroup / p.s.grouped->length : 1; // of each group
  return llvm::alignTo(std::max<int64_t>(p.band, 1) * p.rows * sums * 4, 64);
}

ContractionPlan makePlan(const ContractionShape &s, const Isa &isa, const DotKernel &dot, int64_t rows, int64_t vectors,
                         bool permuted, std::shared_ptr<PairSafePacking> packing) {
  ContractionPlan p;
  p.s = s;
  p.dot = &dot;
  p.lanes = isa.lanes;
  p.rows = rows;
  p.vectors = vectors;
  p.flat = s.isPointwise() && !s.isProduct();
  bool asIs = s.isProduct() ? s.code.getIntOrFloatBitWidth() > 8 : readsDirectly(dot, s.code);
  if (p.decodes()) // a last step of fewer fields reads no more
    p.panel = s.taps() && (s.pads || p.prescales());
  else
    p.panel = s.taps() && (s.pads || !asIs || s.inPerGroup % dot.k0 || p.isMarked());
  p.pixelStride = s.inPerGroup; // of a panel; in a buffer the strides are the buffer's
  p.mergedTaps = s.kernelW == 1 || (p.panel && s.dilationW == 1);
  p.runLength = (p.mergedTaps ? s.kernelW : 1) * s.inPerGroup;
  p.steps = (p.runLength + dot.k0 - 1) / dot.k0;
  if (permuted)
    permute(p, std::move(packing));
  // More steps than the run has multiply weights of zero; a panel has room behind its end for them.
  bool byLane = isByLane(dot); // groups of steps, the last one shorter
  if (p.panel && p.steps >= 8 && !permuted && !byLane && !p.decodes())
    p.steps = llvm::alignTo(p.steps, 2);
  // Long bodies gain nothing where the loop's own instructions hide behind the arithmetic, and invite the scheduler to spill.
  int64_t longest = isa.arch == "x86" || !isa.hasVectors() ? 12 : isa.registers == 16 ? 12 : 48;
  if (isa.hasGroups()) // the larger the groups, the fewer are left for weights of several steps
    longest = std::min<int64_t>(2 * isa.registers - 2, 28);
  for (int64_t u : {4, 2, 3, 5})
    if ((s.grouped ? p.groupSteps() : p.steps) % u == 0 && rows * vectors * u <= longest) {
      p.unroll = u;
      break;
    }
  int64_t permutedBytes = permuted ? llvm::alignTo(p.permutedTiles * rows * p.permutedStride + 64, 64) : 0;
  if (s.isProduct()) // all vectors of a block are there, the last ones perhaps without channels
    p.rightBytes = llvm::alignTo((p.fullBlocks() * vectors + p.tailVectors()) * p.weightsPerVector() * 2, 64);
  if (!p.panel) {
    p.band = p.flat ? p.width() / rows : s.outH;
    p.sumBytes = getSumBytes(p);
    p.scratchBytes = permutedBytes + p.rightBytes + p.sumBytes;
    return p;
  }
  // A panel should leave room for the weights in the first-level cache; where the weights are large anyway, reading them once
  // more for every panel costs most.
  int64_t weightBytes = s.outC() * p.runs() * p.steps * dot.k0;
  int64_t budget = (weightBytes > 128 * 1024 ? 64 * 1024 : 16 * 1024) / (p.isMarked() ? 2 : 1),
          pixel = p.pixelStride * p.elementBytes();
  if (p.flat) {
    int64_t tiles = std::max<int64_t>(p.width() / rows, 1);
    p.band = std::clamp<int64_t>(budget / (rows * pixel), 1, tiles);
    p.panelRows = 1;
    p.panelWidth = p.band * rows;
  } else {
    p.panelWidth = (s.outW - 1) * p.stepW() + (s.kernelW - 1) * s.dilationW + 1;
    auto rowsOf = [&](int64_t band) { return (band - 1) * p.stepH() + (s.kernelH - 1) * s.dilationH + 1; };
    while (p.band < s.outH && rowsOf(p.band + 1) * p.panelWidth * pixel <= budget)
      ++p.band;
    // Equal bands copy fewer rows twice.
    p.band = (s.outH + (s.outH + p.band - 1) / p.band - 1) / ((s.outH + p.band - 1) / p.band);
    p.panelRows = rowsOf(p.band);
  }
  p.panelBytes = llvm::alignTo(p.panelRows * p.panelWidth * pixel + 4 * dot.k0 * p.elementBytes(), 64);
  if (p.isMarked()) // one i64 for what is at least eight elements
    p.markBytes = 2 * p.panelBytes;
  p.sumBytes = getSumBytes(p);
  p.scratchBytes = p.panelBytes + permutedBytes + p.rightBytes + p.markBytes + p.sumBytes;
  return p;
}

bool fitsRegisters(const DotKernel &dot, const Isa &isa, int64_t rows, int64_t vectors) {
  switch (dot.step) {
  case DotStep::SDOT:
  case DotStep::SDOTAhead:
    return rows * vectors + vectors + rows <= isa.registers;
  case DotStep::SMMLA:
    return (rows + 1) / 2 * 2 * vectors + (rows + 1) / 2 * 2 + 4 <= isa.registers;
  case DotStep::Widening:
    // Activations are scalars; codes of weights and those in 16 bits take less than one group.
    if (isa.hasGroups())
      return rows * vectors <=
             std::min<int64_t>(isa.registers - (vectors == 1 ? 1 : 2) * std::max<int64_t>(isa.registers / 8, 1), 14);
    return rows * vectors + vectors + rows <= isa.registers;
  case DotStep::SMLAD:
    return rows * vectors + vectors + rows <= isa.registers;
  case DotStep::VPMADDUBSW:
  case DotStep::VPMADDCODES:
    // A chain of two holds the weights of both steps; a longer one its sums in i16 while the accumulators wait in memory.
    return rows * vectors + (dot.chain == 2 ? 2 : 1) * vectors + 4 <= isa.registers;
  case DotStep::VPXOR: // signs and magnitudes of two steps, ones; marks are of one position
    return rows == 1 && vectors <= 6;
  case DotStep::VPSIGNB: // the activation, its magnitude, ones
    return rows * vectors + vectors + 4 <= isa.registers;
  case DotStep::Decode: // words stay for all their fields; activations, a vector of weights, a mask
    return rows * vectors + vectors + rows + 2 <= isa.registers;
  case DotStep::VPMADDWD:
  case DotStep::VPDPBUSD:
  case DotStep::FMA:
    return rows * vectors + vectors + 2 <= isa.registers;
  }
  return false;
}

/// Instructions of one tile whose activations are loaded 16 at a time.
static double getLaneCost(const ContractionPlan &p, int64_t rows, int64_t vectors) {
  bool matrices = p.dot->step == DotStep::SMMLA;
  int64_t group = matrices ? 2 : 4, groups = (p.steps + group - 1) / group, pairs = (rows + 1) / 2;
  // Two registers of weights are one load.
  double step = matrices ? pairs * 2 * vectors + vectors + pairs : rows * vectors + 0.5 * double(vectors);
  step += p.unpacking * double(vectors);
  double run = double(p.steps) * step + double(groups) * double(rows + 4) + 4;
  // What begins a tile, and stores it.
  return double(p.runs()) * run + double(rows * vectors) * (matrices ? 13 : 12) + 20;
}

/// Issue slots of one tile whose vectors are groups of registers: one for each instruction, two for each register that its vector
/// unit writes. So groups of eight pay where few rows share their weights, smaller ones where channels are few.
static double getGroupCost(const ContractionPlan &p, int64_t registers, int64_t rows, int64_t vectors) {
  double accs = double(rows * vectors), group = double(registers);
  // Weights are loaded and widened, activations are loaded as scalars.
  double step = accs + double(rows) + 2 * double(vectors) + 4 / double(p.unroll) + 2 * group * (accs + 0.75 * double(vectors));
  step += p.unpacking * double(vectors) * (1 + 0.5 * group); // of bytes
  return double(p.runs()) * (double(p.steps) * step + 6) + accs * (16 + 16 * group) + 20;
}

/// Cycles of a core with the isa's vector units and two loads that all tiles of a layer take per step (of lanes and groups: in
/// all).
double getCost(const ContractionPlan &p, const Isa &isa) {
  double units = double(isa.units);
  double arithmetic = p.dot->step == DotStep::VPMADDUBSW || p.dot->step == DotStep::VPMADDCODES ? 2 + 1.0 / double(p.dot->chain)
                      : p.dot->step == DotStep::VPXOR                                           ? 3.5
                      : p.dot->step == DotStep::VPSIGNB                                         ? 4
                      : p.dot->step == DotStep::VPMADDWD                                        ? 2
                                                                                                : 1;
  auto tile = [&](int64_t rows, int64_t vectors) {
    if (isByLane(*p.dot))
      return getLaneCost(p, rows, vectors);
    if (p.dot->step == DotStep::Widening && isa.hasGroups())
      return getGroupCost(p, 32 / isa.registers, rows, vectors);
    if (p.decodes()) { // two or three operations make a vector of weights, for all rows; the next sum waits four cycles
      double operations = double(rows * vectors + rows) + (p.prescales() ? 2 : 3) * double(vectors);
      return double(p.dot->k0) * std::max({operations / units, double(rows + vectors) / 2, 4.0});
    }
    // Loop control and the epilogue's fixed part weigh on small tiles.
    double operations = double(rows * vectors) * arithmetic + double(vectors) * p.unpacking;
    double step = std::max(operations / units, double(rows + vectors) / 2) + 0.4;
    // Positions that follow each other find the weights of a block in the first-level cache, if these leave room.
    bool reloads = p.isMarked() && !p.s.isSingle() && p.weightsPerVector() * vectors > 24 * 1024;
    return reloads ? 1.25 * step : step;
  };
  int64_t width = p.width(), lines = p.flat ? 1 : p.s.batch * p.s.outH;
  double sum = 0;
  auto column = [&](int64_t vectors) {
    double cost = double(width / p.rows) * tile(p.rows, vectors);
    return width % p.rows ? cost + tile(width % p.rows, vectors) + 0.5 : cost;
  };
  sum += double(p.fullBlocks()) * column(p.vectors);
  if (int64_t tail = p.tailVectors())
    sum += column(tail) + 0.5;
  return sum * double(lines * p.s.groups);
}

/// The same for all parts of a main op, by what each has to multiply and to store.
static double getCost(ArrayRef<ContractionPlan> plans, const Isa &isa) {
  if (plans.size() == 1)
    return getCost(plans.front(), isa);
  double sum = 0;
  for (const ContractionPlan &p : plans) {
    bool inAll = isByLane(*p.dot) || (p.dot->step == DotStep::Widening && isa.hasGroups());
    sum += getCost(p, isa) * double(p.s.phases.size()) * (inAll ? 1 : double(p.runs() * p.steps + 4));
  }
  return sum;
}

/// True if no pair of weights can saturate in natural order.
static bool isPairSafe(const ContractionShape &s, const Isa &isa, const DotKernel &dot) {
  if (s.groups != 1)
    return false;
  if (!s.taps())
    return true;
  ContractionPlan p = makePlan(s, isa, dot, 1, 2, /*permuted=*/false);
  SmallVector<int64_t> runs(p.runs(), p.runLength);
  return llvm::all_of(llvm::seq(s.phases.size()),
                      [&](size_t phase) { return isPairSafe(getPairProblem(p, s.getWeights(phase), runs)); });
}

/// True if no weight is -128.
static bool hasNoLowest(const ContractionShape &s) {
  return llvm::all_of(llvm::seq(s.phases.size()), [&](size_t phase) { return !llvm::is_contained(s.getWeights(phase), -128); });
}

/// True if the weights are packed by default, chains of their codes stay in i16, and groups of eight steps are whole.
static bool hasFewBits(const ContractionShape &s, const Isa &isa, const DotKernel &dot) {
  int64_t whole = std::max<int64_t>(4 * isa.lanes, dot.k0 * 8);
  if (!s.isPointwise() || s.isProduct() || s.groups != 1 || s.phases.size() != 1 || s.inPerGroup % whole)
    return false;
  WeightCode code = s.grouped ? s.grouped->code : WeightCode::find({ArrayRef<int8_t>(s.getWeights())}, /*needsZero=*/false);
  return code.isFewBits() && dot.chain * 2 * ((int64_t(1) << code.bits) - 1) * 128 <= 32767 &&
         s.weight.getNumElements() * (8 - code.bits) >= 8 * leastSavedBytes;
}

/// True if the sums of a group of weights can be multiplied with their factor.
static bool takesGroups(const DotKernel &dot, int64_t length) {
  return dot.needs == DotProof::Nothing ? dot.step != DotStep::SMMLA && length % dot.k0 == 0
                                        : dot.needs == DotProof::FewBits && dot.k0 * dot.chain == length;
}

/// True if the row multiplies f32 with weights as these are stored.
static bool isFloatRow(const ContractionShape &s, const DotKernel &dot) {
  return s.stored ? dot.step == DotStep::Decode && dot.k0 == s.stored->fields.fields() : dot.step == DotStep::FMA;
}

std::string checkDot(ArrayRef<ContractionShape> parts, const Isa &isa, const DotKernel &dot, bool permuted) {
  const ContractionShape &s = parts.front();
  if (s.isFloat() && !isFloatRow(s, dot))
    return s.stored ? "it decodes weights of other widths" : "it multiplies other element types";
  if (!s.isFloat() && (dot.step == DotStep::FMA || dot.step == DotStep::Decode))
    return "it multiplies other element types";
  if (!dot.isFor(isa))
    return "it belongs to " + llvm::join(llvm::split(dot.isas, '|'), ", ") + ", not to " + isa.name.str();
  if (permuted &&
      (dot.needs != DotProof::PairSafe || s.groups != 1 || dot.chain > 2 || parts.size() != 1 || s.phases.size() != 1))
    return "only one group of pairs that need a proof has an order, and only chains of up to two have one";
  if (s.grouped && !takesGroups(dot, s.grouped->length))
    return "its sums cannot stop behind each group of weights";
  if (!takesCodes(dot, s.code) || (s.isProduct() && !takesCodes(dot, IntegerType::get(s.code.getContext(), 16))))
    return "it does not multiply codes of 16 bits";
  if (permuted || dot.needs == DotProof::Nothing)
    return "";
  if (hasMarks(dot))
    return s.isPointwise() && !s.isProduct() && s.groups == 1 && s.inPerGroup % 32 == 0
               ? ""
               : "its panel has marks for groups of 32 activations of one pixel";
  if (dot.needs == DotProof::FewBits)
    return parts.size() == 1 && hasFewBits(s, isa, dot) ? ""
                                                        : "it takes weights of one tap whose codes have too few bits for a chain "
                                                          "to leave i16, in whole groups of eight steps";
  if (dot.needs == DotProof::NoLowest)
    return llvm::all_of(parts, hasNoLowest) ? "" : "it changes the signs of weights, which -128 does not survive";
  return llvm::all_of(parts, [&](const ContractionShape &s) { return isPairSafe(s, isa, dot); })
             ? ""
             : "a pair of its weights can saturate";
}

/// A row for the isa whose proof the weights pass: the first that does in natural order, if it costs less in another order.
struct DotChoice {
  const DotKernel *dot = nullptr;
  std::shared_ptr<PairSafePacking> packing; ///< of the permuted form
};

static DotChoice chooseDot(ArrayRef<ContractionShape> parts, const Isa &isa) {
  const ContractionShape &s = parts.front();
  DotChoice choice;
  double lowest = 0;
  for (const DotKernel &dot : getDotKernels()) {
    // Where there are no vectors, plain loops multiply f32; they would need all stored weights in memory.
    if (s.isFloat() ? !isFloatRow(s, dot) || !(isa.hasVectors() || s.stored) : dot.isas.empty() || !dot.isFor(isa))
      continue;
    if (!takesCodes(dot, s.isProduct() ? IntegerType::get(s.code.getContext(), 16) : s.code) ||
        (s.grouped && !takesGroups(dot, s.grouped->length)))
      continue;
    if (dot.needs == DotProof::Nothing)
      return choice.dot ? choice : DotChoice{&dot, nullptr};
    if (dot.needs == DotProof::FewBits) {
      if (s.outPerGroup >= isa.lanes && checkDot(parts, isa, dot, /*permuted=*/false).empty())
        return {&dot, nullptr};
      continue;
    }
    if (dot.needs == DotProof::NoLowest || hasMarks(dot)) {
      if (s.outPerGroup < 8 || !checkDot(parts, isa, dot, /*permuted=*/false).empty())
        continue;
      if (s.isSingle() && (s.centered || !hasMarks(dot)))
        return {&dot, nullptr};
      // Several positions have cheaper steps where their weights have an order that costs little; short runs do not repay marks.
      if (s.centered && hasMarks(dot) && s.inPerGroup >= 128) {
        ContractionPlan p = makePlan(s, isa, dot, 1, 2, /*permuted=*/false);
        PairSafeProblem problem = getPairProblem(p, s.getWeights(), {p.runLength});
        problem.chain = 1;
        // 3.5 instead of 3 instructions, one of them no multiplication; measured, with loads that one position does not share.
        double cost = 1.05 * estimateNatural(problem);
        if (!choice.dot || cost < lowest) {
          choice = {&dot, nullptr};
          lowest = cost;
        }
      }
      continue;
    }
    if (s.groups != 1)
      continue;
    if (parts.size() != 1 || s.phases.size() != 1) { // have no order
      if (checkDot(parts, isa, dot, /*permuted=*/false).empty())
        return {&dot, nullptr};
      continue;
    }
    const std::vector<int8_t> &weights = s.getWeights();
    ContractionPlan p = makePlan(s, isa, dot, 1, 2, /*permuted=*/false);
    SmallVector<int64_t> runs(p.runs(), p.runLength);
    PairSafeProblem problem = getPairProblem(p, weights, runs);
    // Pairs that are safe as they are need no copy for each block; chains in natural order come first in the table.
    if (isPairSafe(problem) && !(choice.dot && lowest < estimateNatural(problem)))
      return {&dot, nullptr};
    // A single position reads its weights once: widening is not what it waits for.
    if (dot.chain > (s.isSingle() ? 1 : 2) || s.outPerGroup < 8)
      continue;
    setPermutedRuns(p);
    runs.assign(p.runs(), p.runLength);
    problem = getPairProblem(p, weights, runs);
    auto packing = std::make_shared<PairSafePacking>(packPairSafe(problem, PairOrder::Permuted));
    bool chained = llvm::any_of(packing->blocks, [](const PairSafeBlock &b) { return b.fullQuads + b.halfQuads > 0; });
    if (dot.chain > 1 && !chained)
      continue;
    double cost = estimatePairSafe(problem, *packing);
    // A single position widens each weight for itself alone.
    double widened = estimateWidened(problem) * (s.isSingle() ? 1.1 : 1);
    if (cost < widened && (!choice.dot || cost < lowest)) {
      choice = {&dot, packing};
      lowest = cost;
    }
  }
  return choice;
}

WeightCode getWeightCode(ArrayRef<ContractionPlan> plans) {
  SmallVector<ArrayRef<int8_t>> weights;
  bool needsZero = false;
  for (const ContractionPlan &p : plans) {
    if (p.packing || p.s.isFloat() || p.s.isProduct())
      return {};
    if (p.s.grouped)
      return p.s.grouped->code;
    needsZero |= p.steps * p.dot->k0 > p.runLength;
    for (size_t phase = 0; phase < p.s.phases.size(); ++phase)
      weights.push_back(p.s.getWeights(phase));
  }
  return WeightCode::find(weights, needsZero);
}

int64_t getScratchBytes(ArrayRef<ContractionPlan> plans) {
  int64_t most = 0;
  for (const ContractionPlan &p : plans)
    most = std::max(most, p.scratchBytes);
  return most;
}

std::string planContraction(KernelOp op, const Isa &isa) {
  std::string why;
  auto parts = ContractionShape::get(op, why);
  if (failed(parts))
    return why;
  Value acc = parts->front().main->getResult(0);
  if (Value last = getChannelsLastResult(acc); last && !llvm::isa<MatmulOp>(parts->front().main))
    acc = last;
  why = Epilogue::check(acc);
  if (!why.empty())
    return why;
  // Factors of groups, where they make few bits of weights that have more.
  if (ContractionShape &s = parts->front(); parts->size() == 1 && s.weight && s.weight.getNumElements() >= 8 * leastSavedBytes)
    s.grouped = s.findGroups();
  DotChoice choice = chooseDot(*parts, isa);
  if (!choice.dot)
    return "no dot kernel of " + isa.name.str() + " multiplies its types";
  bool permuted = choice.packing != nullptr;
  // The largest tile that some part can fill.
  int64_t channels = parts->front().outPerGroup, mostRows = 1;
  for (const ContractionShape &s : *parts) {
    int64_t all = s.batch * s.outH * s.outW;
    bool oneLine = !s.isProduct() && (s.isPointwise() || (s.taps() == 1 && !s.pads));
    mostRows = std::max(mostRows, oneLine ? all : s.outW);
  }
  auto makePlans = [&](const Isa &used, const DotKernel &dot, int64_t rows, int64_t vectors) {
    return llvm::map_to_vector<1>(
        *parts, [&](const ContractionShape &s) { return makePlan(s, used, dot, rows, vectors, /*permuted=*/false); });
  };
  SmallVector<const DotKernel *> candidates{choice.dot};
  if (choice.dot->step == DotStep::SMMLA)
    candidates.push_back(findDotKernel("aarch64.sdot.i8mm"));
  int64_t tileRows = isa.hasGroups() ? 14 : 8;
  SmallVector<std::pair<const DotKernel *, Isa>> forms;
  for (const DotKernel *candidate : candidates)
    for (int64_t lanes : candidate->step == DotStep::Widening ? isa.getLaneChoices() : SmallVector<int64_t, 4>{isa.lanes})
      forms.push_back({candidate, isa.withLanes(lanes)});
  SmallVector<ContractionPlan, 1> best;
  auto search = [&](const WeightCode &code) {
    double least = 0;
    best.clear();
    for (const auto &[candidate, used] : forms)
      for (int64_t tile = 0; tile < 8 * tileRows; ++tile) {
        int64_t vectors = tile / tileRows + 1, rows = tile % tileRows + 1;
        // The sums of a group lie beside those of all groups; longer chains leave the latter in memory anyway.
        bool twice = parts->front().grouped && candidate->chain == 1;
        if (!fitsRegisters(*candidate, used, twice ? 2 * rows : rows, vectors) && rows * vectors > 1)
          continue;
        if ((vectors - 1) * used.lanes >= channels || rows > mostRows)
          continue;
        // The order belongs to blocks of two vectors (of up to four for a single position): more channels leave fewer pairs safe.
        if (permuted && vectors != std::min<int64_t>((channels + isa.lanes - 1) / isa.lanes, parts->front().isSingle() ? 4 : 2))
          continue;
        SmallVector<ContractionPlan, 1> plans = makePlans(used, *candidate, rows, vectors);
        for (ContractionPlan &p : plans)
          p.unpacking =
              code.isPacked() ? countUnpacking(code, canInterleave(p, code.bits), candidate->step == DotStep::VPMADDCODES) : 0;
        double cost = getCost(plans, used);
        if (best.empty() || cost < least) {
          best = std::move(plans);
          least = cost;
        }
      }
    return least;
  };
  WeightCode code;
  if (!permuted)
    code = getWeightCode(makePlans(isa, *choice.dot, 1, 1));
  if (!code.isFewBits() || parts->front().weight.getNumElements() * (8 - code.bits) < 8 * leastSavedBytes)
    code = {};
  double cost = search(code);
  // Five and six bits save little: not where they would cost time. One row waits for its weights, a microcontroller has few
  // bytes.
  if (code.isPacked() && code.bits > 4 && choice.dot->needs != DotProof::FewBits && isa.hasVectors() &&
      !parts->front().isSingle()) {
    if (cost > 1.1 * search({}))
      code = {};
    else
      search(code);
  }
  const ContractionPlan first = best.front();
  if (permuted)
    best = {makePlan(parts->front(), isa, *first.dot, first.rows, first.vectors, /*permuted=*/true,
                     choice.packing->block == first.vectors * isa.lanes ? choice.packing : nullptr)};
  op.setDot(first.dot->name);
  op.setPermuted(permuted);
  SmallVector<int64_t> tile{first.rows, first.vectors};
  if (first.lanes != isa.lanes)
    tile.push_back(first.lanes);
  op.setTile(tile);
  op.setScratchBytes(getScratchBytes(best));
  if (code.isPacked())
    op.setWeightBits(getWeightCode(best).bits);
  if (first.s.grouped)
    op.setWeightGroup(first.s.grouped->length);
  return "";
}

static Division divide(const ContractionPlan &p) {
  const ContractionShape &s = p.s;
  Division d;
  d.positions = p.flat ? (p.width() + p.rows - 1) / p.rows : s.batch * s.outH;
  d.channels = s.groups > 1 ? s.groups : p.blocks();
  double width = p.flat ? double(std::min(p.rows, p.width())) : double(s.outW);
  double depth = double(s.taps() * s.inPerGroup), channels = double(s.outC()) / double(d.channels);
  channels *= double(s.phases.size());
  d.cycles = width * depth * channels / double(p.lanes * (p.decodes() ? 1 : p.dot->k0));
  // Few positions wait for the weights.
  d.cycles = std::max(d.cycles, depth * channels / 8 / double(d.positions));
  if (p.panel) {
    d.fill = double(p.flat ? p.rows : p.panelWidth * p.stepH()) * double(p.pixelStride) / 16;
    if (s.groups > 1)
      std::swap(d.fill, d.fillChannels);
    d.overlap = p.flat ? 0 : std::max<int64_t>((s.kernelH - 1) * s.dilationH + 1 - s.strideH, 0) / s.strideH;
  }
  return d;
}

void Division::add(const Division &next) {
  auto total = [](const Division &d) { return double(d.positions * d.channels) * d.cycles; };
  double sum = total(*this) + total(next);
  positions = std::max(positions, next.positions);
  channels = std::max(channels, next.channels);
  cycles = sum / double(positions * channels);
  fill += next.fill;
  fillChannels += next.fillChannels;
  overlap = std::max(overlap, next.overlap);
}

Division divideContraction(KernelOp op, const Isa &isa) {
  std::string why;
  auto parts = ContractionShape::get(op, why);
  auto decision = getDotDecision(op);
  Division d;
  if (failed(parts) || !decision)
    return d;
  for (const ContractionShape &shape : *parts)
    d.add(divide(makePlan(shape, isa, *decision->dot, decision->rows, decision->vectors, op.getPermuted())));
  return d;
}
} // namespace qc
