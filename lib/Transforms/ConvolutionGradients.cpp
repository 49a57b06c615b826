// As products of matrices: what this file instantiates of Eigen must not be taken for the other files' instances, so it has
// another name here.
#define Eigen EigenForWideVectors
#include <Eigen/Core>

#include "ConvolutionGradients.h"
#include "FixedBlocking.h"

namespace qc {
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<Matrix>;
using ConstView = Eigen::Map<const Matrix>;

namespace {
struct Sizes {
  explicit Sizes(const ConvolutionShape &s)
      : taps(s.kernel[0] * s.kernel[1] * s.kernel[2]), plane(s.sizes[0] * s.sizes[1] * s.sizes[2]),
        positions(s.results[0] * s.results[1] * s.results[2]) {}
  int64_t taps, plane, positions;
};

/// The matrix of one group's windows would be its input.
bool isPlain(const ConvolutionShape &s) {
  const std::array<int64_t, 3> ones = {1, 1, 1};
  return s.kernel == ones && s.strides == ones && s.pads == std::array<int64_t, 3>{0, 0, 0} && s.sizes == s.results;
}

/// Calls `f(row, column, count, index)` for runs of the matrix of windows [inputs * taps, positions] along the last dimension:
/// `count` numbers from `column` of `row` are those from `index` of the group's input, `strides[2]` apart.
template <typename F> void forEachRun(const ConvolutionShape &s, const Sizes &n, F f) {
  int64_t row = 0;
  for (int64_t c = 0; c < s.inputs; ++c)
    for (int64_t k0 = 0; k0 < s.kernel[0]; ++k0)
      for (int64_t k1 = 0; k1 < s.kernel[1]; ++k1)
        for (int64_t k2 = 0; k2 < s.kernel[2]; ++k2, ++row) {
          // Positions of the last dimension whose element lies inside.
          int64_t start = k2 * s.dilations[2] - s.pads[2], stride = s.strides[2];
          int64_t low = start >= 0 ? 0 : (-start + stride - 1) / stride;
          int64_t high = start >= s.sizes[2] ? 0 : std::min(s.results[2], (s.sizes[2] - 1 - start) / stride + 1);
          if (low >= high)
            continue;
          for (int64_t p0 = 0; p0 < s.results[0]; ++p0) {
            int64_t i0 = p0 * s.strides[0] + k0 * s.dilations[0] - s.pads[0];
            if (i0 < 0 || i0 >= s.sizes[0])
              continue;
            for (int64_t p1 = 0; p1 < s.results[1]; ++p1) {
              int64_t i1 = p1 * s.strides[1] + k1 * s.dilations[1] - s.pads[1];
              if (i1 < 0 || i1 >= s.sizes[1])
                continue;
              f(row, (p0 * s.results[1] + p1) * s.results[2] + low, high - low,
                c * n.plane + (i0 * s.sizes[1] + i1) * s.sizes[2] + low * stride + start);
            }
          }
        }
}

void gatherWindows(const ConvolutionShape &s, const Sizes &n, const float *x, std::vector<float> &windows) {
  windows.assign(s.inputs * n.taps * n.positions, 0.0f);
  forEachRun(s, n, [&](int64_t row, int64_t column, int64_t count, int64_t index) {
    float *to = &windows[row * n.positions + column];
    const float *from = x + index;
    for (int64_t i = 0; i < count; ++i)
      to[i] = from[i * s.strides[2]];
  });
}

/// Calls `f(group, windows)` for each group with the matrix of its windows, [inputs * taps, positions].
template <typename F>
void forEachGroup(const ConvolutionShape &s, const Sizes &n, const float *x, std::vector<float> &scratch, F f) {
  for (int64_t g = 0; g < s.groups; ++g) {
    const float *group = x + g * s.inputs * n.plane;
    if (!isPlain(s)) {
      gatherWindows(s, n, group, scratch);
      group = scratch.data();
    }
    f(g, group);
  }
}
} // namespace

/// One input and one output per group: too little for products of matrices.
static bool isDepthwise(const ConvolutionShape &s) { return !s.isProduct && s.inputs == 1 && s.outputs == 1; }

void convolve(const ConvolutionShape &s, const float *x, const float *w, float *y, std::vector<float> &scratch) {
  fixBlocking();
  Sizes n(s);
  if (s.isProduct) {
    View(y, n.positions, s.outputs).noalias() = ConstView(x, n.positions, s.inputs) * ConstView(w, s.inputs, s.outputs);
    return;
  }
  if (isDepthwise(s)) {
    std::fill_n(y, s.groups * n.positions, 0.0f);
    for (int64_t g = 0; g < s.groups; ++g)
      forEachRun(s, n, [&](int64_t row, int64_t column, int64_t count, int64_t index) {
        float *to = y + g * n.positions + column, weight = w[g * n.taps + row];
        const float *from = x + g * n.plane + index;
        for (int64_t i = 0; i < count; ++i)
          to[i] += weight * from[i * s.strides[2]];
      });
    return;
  }
  int64_t depth = s.inputs * n.taps;
  forEachGroup(s, n, x, scratch, [&](int64_t g, const float *group) {
    View(y + g * s.outputs * n.positions, s.outputs, n.positions).noalias() =
        ConstView(w + g * s.outputs * depth, s.outputs, depth) * ConstView(group, depth, n.positions);
  });
}

void addConvolutionGradients(const ConvolutionShape &s, const float *x, const float *w, const float *dy, float *dx, float *dw,
                             std::vector<float> &scratch) {
  fixBlocking();
  Sizes n(s);
  if (s.isProduct) {
    ConstView rows(x, n.positions, s.inputs), weights(w, s.inputs, s.outputs), gradient(dy, n.positions, s.outputs);
    if (dw)
      View(dw, s.inputs, s.outputs).noalias() += rows.transpose() * gradient;
    if (dx)
      View(dx, n.positions, s.inputs).noalias() += gradient * weights.transpose();
    return;
  }
  if (isDepthwise(s)) {
    for (int64_t g = 0; g < s.groups; ++g)
      forEachRun(s, n, [&](int64_t row, int64_t column, int64_t count, int64_t index) {
        const float *gradient = dy + g * n.positions + column, *from = x + g * n.plane + index;
        if (dw) {
          std::array<float, 8> partial = {}; // lanes, so that vectors sum in a stated order
          for (int64_t i = 0; i < count; ++i)
            partial[i % 8] += gradient[i] * from[i * s.strides[2]];
          float sum = 0;
          for (float each : partial)
            sum += each;
          dw[g * n.taps + row] += sum;
        }
        if (!dx)
          return;
        float *to = dx + g * n.plane + index, weight = w[g * n.taps + row];
        for (int64_t i = 0; i < count; ++i)
          to[i * s.strides[2]] += weight * gradient[i];
      });
    return;
  }
  int64_t depth = s.inputs * n.taps;
  auto add = [&](int64_t g, const float *group) {
    ConstView weights(w + g * s.outputs * depth, s.outputs, depth),
        gradient(dy + g * s.outputs * n.positions, s.outputs, n.positions);
    if (dw)
      View(dw + g * s.outputs * depth, s.outputs, depth).noalias() += gradient * ConstView(group, depth, n.positions).transpose();
    if (!dx)
      return;
    float *groupGradient = dx + g * s.inputs * n.plane;
    if (isPlain(s)) {
      View(groupGradient, depth, n.positions).noalias() += weights.transpose() * gradient;
      return;
    }
    scratch.resize(depth * n.positions);
    View(scratch.data(), depth, n.positions).noalias() = weights.transpose() * gradient;
    forEachRun(s, n, [&](int64_t row, int64_t column, int64_t count, int64_t index) {
      const float *from = &scratch[row * n.positions + column];
      float *to = groupGradient + index;
      for (int64_t i = 0; i < count; ++i)
        to[i * s.strides[2]] += from[i];
    });
  };
  if (dw)
    return forEachGroup(s, n, x, scratch, add);
  for (int64_t g = 0; g < s.groups; ++g) // without the windows
    add(g, nullptr);
}
} // namespace qc
