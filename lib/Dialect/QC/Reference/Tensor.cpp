// Plain arrays.
#include "qc/Dialect/QC/Reference/Tensor.h"
