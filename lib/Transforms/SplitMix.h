// Numbers that look random, the same on every host.
#ifndef QC_LIB_TRANSFORMS_SPLITMIX_H
#define QC_LIB_TRANSFORMS_SPLITMIX_H

#include <cstdint>

namespace qc {
/// Mixes the bits of `x`: Steele et al., Fast Splittable Pseudorandom Number Generators, 2014.
inline uint64_t mixBits(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The generator of that paper.
struct SplitMix {
  uint64_t state;
  uint64_t next() { return mixBits(state += 0x9e3779b97f4a7c15u); }
};
} // namespace qc

#endif // QC_LIB_TRANSFORMS_SPLITMIX_H
