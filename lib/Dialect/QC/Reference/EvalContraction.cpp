// Convolutions and matrix products.
//
// Each is one loop nest over a number type: f32, or integers of which the quantized domain feeds `code - zero_point` and the
// integer domain raw codes. So the two domains reach the same codes on different ways, which is what makes their agreement a
// test.
#include "EvalInternal.h"

using namespace mlir;
using namespace qc;
using namespace qc::reference;

namespace {
/// Sizes and steps over three spatial dimensions; missing ones, in front, have size 1.
struct Geometry {
  int64_t batch, groups, inChannels, outChannels; ///< channels per group
  int64_t in[3], out[3], kernel[3], stride[3], pad[3], dilation[3];
};

void setSpatial(int64_t (&to)[3], ArrayRef<int64_t> from, int64_t missing) {
  for (size_t i = 0; i < 3; ++i)
    to[i] = i + from.size() < 3 ? missing : from[i + from.size() - 3];
}

template <typename OpTy> Geometry getGeometry(OpTy op, int64_t inChannels, int64_t outChannels) {
  auto x = getShape(op.getInput()), w = getShape(op.getWeight()), y = getShape(op.getResult());
  Geometry g{x[0], int64_t(op.getGroups()), inChannels, outChannels, {}, {}, {}, {}, {}, {}};
  setSpatial(g.in, x.drop_front(2), 1);
  setSpatial(g.out, y.drop_front(2), 1);
  setSpatial(g.kernel, w.drop_front(2), 1);
  setSpatial(g.stride, op.getStrides(), 1);
  setSpatial(g.dilation, op.getDilations(), 1);
  setSpatial(g.pad, op.getPads().take_front(x.size() - 2), 0);
  return g;
}

/// Calls `f(i0, i1, i2)` for all indices below the sizes.
template <typename F> void forEach3(const int64_t (&sizes)[3], F f) {
  for (int64_t i0 = 0; i0 < sizes[0]; ++i0)
    for (int64_t i1 = 0; i1 < sizes[1]; ++i1)
      for (int64_t i2 = 0; i2 < sizes[2]; ++i2)
        f(i0, i1, i2);
}

int64_t position3(const int64_t (&sizes)[3], int64_t i0, int64_t i1, int64_t i2) { return (i0 * sizes[1] + i1) * sizes[2] + i2; }
int64_t volume(const int64_t (&sizes)[3]) { return sizes[0] * sizes[1] * sizes[2]; }

/// y[n,o,p] = bias[o] + sum over c, k of x[n,c,p*stride - pad + k*dilation] * w[o,c,k]; `outside` stands around x.
template <typename T>
std::vector<T> convolve(const Geometry &g, const std::vector<T> &x, const std::vector<T> &w, const std::vector<T> &bias,
                        T outside) {
  int64_t channels = g.groups * g.outChannels, inSize = volume(g.in), kernelSize = volume(g.kernel);
  std::vector<T> y;
  y.reserve(g.batch * channels * volume(g.out));
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t o = 0; o < channels; ++o) {
      const T *xGroup = &x[(n * g.groups + o / g.outChannels) * g.inChannels * inSize];
      const T *wChannel = &w[o * g.inChannels * kernelSize];
      forEach3(g.out, [&](int64_t p0, int64_t p1, int64_t p2) {
        T sum = bias.empty() ? T(0) : bias[o];
        for (int64_t c = 0; c < g.inChannels; ++c)
          forEach3(g.kernel, [&](int64_t k0, int64_t k1, int64_t k2) {
            int64_t i0 = p0 * g.stride[0] - g.pad[0] + k0 * g.dilation[0];
            int64_t i1 = p1 * g.stride[1] - g.pad[1] + k1 * g.dilation[1];
            int64_t i2 = p2 * g.stride[2] - g.pad[2] + k2 * g.dilation[2];
            bool inside = i0 >= 0 && i0 < g.in[0] && i1 >= 0 && i1 < g.in[1] && i2 >= 0 && i2 < g.in[2];
            T value = inside ? xGroup[c * inSize + position3(g.in, i0, i1, i2)] : outside;
            sum += value * wChannel[c * kernelSize + position3(g.kernel, k0, k1, k2)];
          });
        y.push_back(sum);
      });
    }
  return y;
}

/// y[n,o,i*stride - pad + k*dilation] += x[n,c,i] * w[c,o,k], starting from bias[o].
template <typename T>
std::vector<T> convolveTransposed(const Geometry &g, const std::vector<T> &x, const std::vector<T> &w,
                                  const std::vector<T> &bias) {
  int64_t channels = g.groups * g.outChannels, inSize = volume(g.in), outSize = volume(g.out), kernelSize = volume(g.kernel);
  std::vector<T> y(g.batch * channels * outSize, T(0));
  if (!bias.empty())
    for (size_t i = 0; i < y.size(); ++i)
      y[i] = bias[i / outSize % channels];
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t c = 0; c < g.groups * g.inChannels; ++c)
      for (int64_t o = 0; o < g.outChannels; ++o) {
        T *yChannel = &y[(n * channels + c / g.inChannels * g.outChannels + o) * outSize];
        const T *xChannel = &x[(n * g.groups * g.inChannels + c) * inSize];
        const T *wTaps = &w[(c * g.outChannels + o) * kernelSize];
        forEach3(g.in, [&](int64_t i0, int64_t i1, int64_t i2) {
          forEach3(g.kernel, [&](int64_t k0, int64_t k1, int64_t k2) {
            int64_t p0 = i0 * g.stride[0] - g.pad[0] + k0 * g.dilation[0];
            int64_t p1 = i1 * g.stride[1] - g.pad[1] + k1 * g.dilation[1];
            int64_t p2 = i2 * g.stride[2] - g.pad[2] + k2 * g.dilation[2];
            if (p0 >= 0 && p0 < g.out[0] && p1 >= 0 && p1 < g.out[1] && p2 >= 0 && p2 < g.out[2])
              yChannel[position3(g.out, p0, p1, p2)] +=
                  xChannel[position3(g.in, i0, i1, i2)] * wTaps[position3(g.kernel, k0, k1, k2)];
          });
        });
      }
  return y;
}

/// y[b..., m, n] = bias[n] + sum over k of a[b..., m, k] * b[b..., k, n], batch dimensions broadcast.
template <typename T>
std::vector<T> multiply(Shape aShape, Shape bShape, Shape yShape, const std::vector<T> &a, const std::vector<T> &b,
                        const std::vector<T> &bias) {
  int64_t rows = yShape[yShape.size() - 2], columns = yShape.back(), depth = aShape.back();
  std::vector<T> y;
  forEachIndex(yShape.drop_back(2), [&](Shape batch, int64_t) {
    const T *aMatrix = &a[broadcastPosition(batch, aShape.drop_back(2)) * rows * depth];
    const T *bMatrix = &b[broadcastPosition(batch, bShape.drop_back(2)) * depth * columns];
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t n = 0; n < columns; ++n) {
        T sum = bias.empty() ? T(0) : bias[n];
        for (int64_t k = 0; k < depth; ++k)
          sum += aMatrix[m * depth + k] * bMatrix[k * columns + n];
        y.push_back(sum);
      }
  });
  return y;
}

std::vector<int64_t> subtract(std::vector<int64_t> values, int64_t zero) {
  for (int64_t &v : values)
    v -= zero;
  return values;
}

/// Runs a loop nest in the domain of the op. `run(x, w, bias, outside)` is the nest; `channelAxis` is the result's axis of output
/// channels; the zero points and `outside` are those of the integer domain.
template <typename OpTy, typename Run>
Result evaluateContraction(OpTy op, Operands operands, int64_t channelAxis, int64_t xZero, int64_t wZero, int64_t outside,
                           Run run) {
  Tensor result = makeResult(op);
  const Tensor &x = operands[0], &w = operands[1];
  switch (getDomain(result.type)) {
  case Domain::Float:
    result.floats = run(x.floats, w.floats, operands.size() > 2 ? operands[2].floats : std::vector<float>(), 0.0f);
    clampFloats(op, result.floats);
    return result;
  case Domain::Integer: {
    std::vector<int64_t> xs = subtract(x.ints, xZero), ws = subtract(w.ints, wZero);
    std::vector<int64_t> bias = operands.size() > 2 ? operands[2].ints : std::vector<int64_t>();
    if (failed(checkAccumulators(op, run(getMagnitudes(xs), getMagnitudes(ws), getMagnitudes(bias), std::abs(outside)))))
      return failure();
    result.ints = run(xs, ws, bias, outside);
    return result;
  }
  case Domain::Quantized: {
    // N5: one rounding of the exact sum of (x - z_x) * (w - z_w) + bias, whose scale is s_x * s_w[channel].
    auto target = getTarget(op);
    auto xScale = getScale(op, x);
    if (failed(target) || failed(xScale))
      return failure();
    std::vector<int64_t> bias = operands.size() > 2 ? getCentered(operands[2]) : std::vector<int64_t>();
    std::vector<int64_t> sums = run(getCentered(x), getCentered(w), bias, int64_t(0));
    auto wScales = getScheme(w.type).getScaleValues();
    int64_t channels = result.type.getShape()[channelAxis];
    if (wScales.size() != 1 && int64_t(wScales.size()) != channels)
      return op.emitError() << "weight has " << wScales.size() << " scales for " << channels << " output channels";
    forEachIndex(result.type.getShape(), [&](Shape index, int64_t i) {
      double wScale = wScales[wScales.size() == 1 ? 0 : index[channelAxis]];
      result.ints[i] = target->round(sums[i], *xScale * wScale / target->scale);
    });
    return result;
  }
  }
  return failure();
}
} // namespace

Result reference::evaluateOp(ConvOp op, Operands operands) {
  auto w = getShape(op.getWeight());
  Geometry geometry = getGeometry(op, w[1], w[0] / int64_t(op.getGroups()));
  return evaluateContraction(op, operands, 1, 0, 0, op.getPadValue(),
                             [&](const auto &x, const auto &weight, const auto &bias, auto outside) {
                               return convolve(geometry, x, weight, bias, outside);
                             });
}

Result reference::evaluateOp(ConvTransposeOp op, Operands operands) {
  auto w = getShape(op.getWeight());
  Geometry geometry = getGeometry(op, w[0] / int64_t(op.getGroups()), w[1]);
  return evaluateContraction(
      op, operands, 1, op.getInputZeroPoint(), 0, 0,
      [&](const auto &x, const auto &weight, const auto &bias, auto) { return convolveTransposed(geometry, x, weight, bias); });
}

Result reference::evaluateOp(MatmulOp op, Operands operands) {
  auto a = getShape(op.getLhs()), b = getShape(op.getRhs()), y = getShape(op.getResult());
  return evaluateContraction(
      op, operands, y.size() - 1, op.getLhsZeroPoint(), op.getRhsZeroPoint(), 0,
      [&](const auto &x, const auto &weight, const auto &bias, auto) { return multiply(a, b, y, x, weight, bias); });
}
