// Convolutions and their gradients in f32, in a file of their own that is compiled for wider vectors.
#ifndef QC_LIB_TRANSFORMS_CONVOLUTIONGRADIENTS_H
#define QC_LIB_TRANSFORMS_CONVOLUTIONGRADIENTS_H

#include <array>
#include <cstdint>
#include <vector>

namespace qc {
/// A convolution of one image over three spatial dimensions (1 where there are fewer): x is [groups * inputs, sizes...], w
/// [groups * outputs, inputs, kernel...], y [groups * outputs, results...]. A product of matrices x [results[2], inputs] times w
/// [inputs, outputs] is another layout of the same, `isProduct`.
struct ConvolutionShape {
  int64_t groups = 1, inputs = 1, outputs = 1;
  std::array<int64_t, 3> sizes = {1, 1, 1}, kernel = {1, 1, 1}, strides = {1, 1, 1}, dilations = {1, 1, 1}, pads = {0, 0, 0},
                         results = {1, 1, 1};
  bool isProduct = false;
};

/// y = x * w. Sums run in an order that depends on the shape alone. `scratch` keeps memory from one call to the next.
void convolve(const ConvolutionShape &shape, const float *x, const float *w, float *y, std::vector<float> &scratch);

/// From dy, the gradient of a number by y: adds that by w to `dw` and that by x to `dx`, unless null.
void addConvolutionGradients(const ConvolutionShape &shape, const float *x, const float *w, const float *dy, float *dx, float *dw,
                             std::vector<float> &scratch);
} // namespace qc

#endif // QC_LIB_TRANSFORMS_CONVOLUTIONGRADIENTS_H
