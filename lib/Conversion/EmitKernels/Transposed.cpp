// Transposed convolutions as ordinary ones of stride 1. Outputs r, r + stride, r + 2*stride, ... read the taps `t` for which
// r + pad - t*dilation is a multiple of the stride, and each such tap reads input (r + pad - t*dilation) / stride + i for the
// i-th of them. So nothing is multiplied by the zeros between inputs, and each output is stored once.
#include "Contraction.h"

using namespace mlir;

namespace qc {
namespace {
/// One of two dimensions of the outputs `first`, `first` + stride, ...
struct Phase {
  int64_t first = 0, out = 1, in = 1, kernel = 1, dilation = 1, crop = 0, pad = 0;
  bool pads = false;
  SmallVector<int64_t> taps; ///< in the order of the inputs that they read

  bool hasShapeOf(const Phase &o) const {
    return out == o.out && in == o.in && kernel == o.kernel && dilation == o.dilation && crop == o.crop && pad == o.pad;
  }
};

SmallVector<Phase> getPhases(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad) {
  SmallVector<Phase> phases;
  for (int64_t first = 0; first < std::min(stride, out); ++first) {
    Phase phase;
    phase.first = first;
    phase.out = (out - first + stride - 1) / stride;
    int64_t begin = 0, last = 0;
    for (int64_t tap = kernel - 1; tap >= 0; --tap) {
      int64_t reach = first + pad - tap * dilation, at = reach / stride;
      // A tap that reads only what lies outside adds nothing.
      if (reach % stride || at + phase.out <= 0 || at >= in)
        continue;
      if (phase.taps.empty())
        begin = at;
      else
        phase.dilation = at - last;
      last = at;
      phase.taps.push_back(tap);
    }
    phase.kernel = phase.taps.size();
    phase.crop = std::max<int64_t>(begin, 0);
    phase.pad = std::max<int64_t>(-begin, 0);
    phase.in = in - phase.crop;
    phase.pads = phase.pad || last - phase.crop + phase.out > phase.in;
    phases.push_back(phase);
  }
  return phases;
}
} // namespace

SmallVector<ContractionShape, 1> splitTransposed(const ContractionShape &common, ConvTransposeOp op) {
  auto in = getShape(op.getInput()), out = getShape(op.getResult()), kernel = getShape(op.getWeight());
  unsigned spatial = in.size() - 2;
  auto phasesOf = [&](unsigned d) {
    return getPhases(in[2 + d], out[2 + d], kernel[2 + d], op.getStrides()[d], op.getDilations()[d], op.getPads()[d]);
  };
  SmallVector<Phase> rows{Phase()}, columns = phasesOf(spatial - 1);
  rows.front().taps = {0};
  if (spatial == 2)
    rows = phasesOf(0);
  struct Part {
    Phase y, x;
    ContractionShape shape;
  };
  std::vector<Part> parts;
  for (const Phase &row : rows)
    for (const Phase &column : columns) {
      Phase y = row, x = column;
      ContractionPhase phase{y.first, x.first, {}, {}};
      for (int64_t ty : y.taps)
        for (int64_t tx : x.taps)
          phase.taps.push_back(ty * kernel.back() + tx);
      if (phase.taps.empty()) // nothing but the bias
        for (Phase *axis : {&y, &x}) {
          axis->kernel = axis->crop = axis->pad = 0;
          axis->in = axis == &y && spatial == 1 ? 1 : in[axis == &y ? 2 : 1 + spatial];
          axis->dilation = 1;
          axis->pads = false;
        }
      auto part = llvm::find_if(parts, [&](const Part &part) { return part.y.hasShapeOf(y) && part.x.hasShapeOf(x); });
      if (part != parts.end()) {
        part->shape.phases.push_back(phase);
        continue;
      }
      ContractionShape s = common;
      s.inH = y.in;
      s.inW = x.in;
      s.outH = y.out;
      s.outW = x.out;
      s.kernelH = y.kernel;
      s.kernelW = x.kernel;
      s.dilationH = y.dilation;
      s.dilationW = x.dilation;
      s.padTop = y.pad;
      s.padLeft = x.pad;
      s.cropTop = y.crop;
      s.cropLeft = x.crop;
      s.pads = y.pads || x.pads;
      s.outStepH = spatial == 2 ? op.getStrides().front() : 1;
      s.outStepW = op.getStrides().back();
      s.phases = {phase};
      parts.push_back({y, x, s});
    }
  return llvm::map_to_vector<1>(parts, [](Part &part) { return std::move(part.shape); });
}

SmallVector<Value> PhaseCursor::place(Kernel &k, const ContractionShape &s, Value image, Value y, Value x) const {
  SmallVector<Value> position{image};
  if (s.positionRank == 3)
    position.push_back(k.add(k.mul(y, s.outStepH), firstH));
  position.push_back(k.add(k.mul(x, s.outStepW), firstW));
  return position;
}

void forEachPhase(Kernel &k, const ContractionShape &s, int64_t weights, int64_t biases,
                  llvm::function_ref<void(const PhaseCursor &)> body) {
  if (s.phases.size() == 1)
    return body({k.index(0), k.index(0), k.index(s.phases.front().firstH), k.index(s.phases.front().firstW)});
  std::vector<int64_t> firsts;
  for (const ContractionPhase &phase : s.phases)
    firsts.insert(firsts.end(), {phase.firstH, phase.firstW});
  Value table = k.constants.get(k.b, k.loc, k.b.getI32Type(), firsts);
  k.loop(s.phases.size(), [&](Value phase) {
    auto first = [&](int64_t i) -> Value {
      return arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(), k.loadScalar(table, k.add(k.mul(phase, 2), i)));
    };
    body({k.mul(phase, weights), k.mul(phase, biases), first(0), first(1)});
  });
}
} // namespace qc
