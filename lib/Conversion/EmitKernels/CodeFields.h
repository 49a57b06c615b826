// Where codes of few bits lie in words.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_CODEFIELDS_H
#define QC_LIB_CONVERSION_EMITKERNELS_CODEFIELDS_H

#include "llvm/ADT/SmallVector.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace qc {
/// `codes` codes of `bits` bits that fill `words` words of `wordBits` bits, the fewest that can. Each word holds as many whole
/// ones as fit, from bit 0 on: a shift and a mask unpack one of them. The bits that are left at the top of the words, taken one
/// after the other, make up the last few codes, low bits first.
struct CodeFields {
  CodeFields(int64_t bits, int64_t wordBits)
      : bits(bits), wordBits(wordBits), codes(wordBits / std::gcd(bits, wordBits)), words(bits / std::gcd(bits, wordBits)) {}

  /// `count` bits of word `word`, from bit `from` on, are those of a code from bit `to` on.
  struct Piece {
    int64_t word, from, count, to;
  };
  llvm::SmallVector<Piece, 4> getPieces(int64_t code) const {
    int64_t perWord = wordBits / bits, first = perWord * bits, left = wordBits - first;
    if (code < words * perWord)
      return {{code / perWord, code % perWord * bits, bits, 0}};
    llvm::SmallVector<Piece, 4> pieces;
    for (int64_t to = 0, at = (code - words * perWord) * bits; to < bits;) {
      int64_t count = std::min(left - at % left, bits - to);
      pieces.push_back({at / left, first + at % left, count, to});
      at += count;
      to += count;
    }
    return pieces;
  }

  int64_t bits, wordBits, codes, words;
};
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_CODEFIELDS_H
