// A pass for tests only: packs random and extreme weights pair-safe, computes dot products as vpmaddubsw does, saturation
// included, and compares them with plain sums.
#include "TestPairSafe.h"

#include "SplitMix.h"

#include "qc/Conversion/PairSafe.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <algorithm>
#include <numeric>

using namespace mlir;

namespace qc {
namespace {
/// The same numbers on every host (std::normal_distribution is not).
struct Random : SplitMix {
  int64_t below(int64_t limit) { return static_cast<int64_t>(next() % static_cast<uint64_t>(limit)); }
  /// Roughly normal, deviation 1000.
  int64_t normal() {
    int64_t sum = 0;
    for (int i = 0; i < 12; ++i)
      sum += below(1001);
    return sum - 6000;
  }
};

enum Kind { Normal, Uniform, Highest, Lowest, Alternating, Sparse, Small, NumKinds };

std::vector<int8_t> makeWeights(Kind kind, int64_t channels, int64_t depth, Random &random) {
  std::vector<int8_t> weights(channels * depth);
  for (int64_t n = 0; n < channels; ++n) {
    int8_t *row = weights.data() + n * depth;
    if (kind == Normal) {
      // As quantization makes them: the largest of a channel is 127.
      std::vector<int64_t> values(depth);
      int64_t largest = 1;
      for (int64_t &value : values) {
        value = random.normal();
        largest = std::max(largest, std::abs(value));
      }
      for (int64_t k = 0; k < depth; ++k)
        row[k] = static_cast<int8_t>(values[k] * 127 / largest);
      continue;
    }
    for (int64_t k = 0; k < depth; ++k)
      row[k] = static_cast<int8_t>(kind == Uniform       ? random.below(256) - 128
                                   : kind == Highest     ? 127
                                   : kind == Lowest      ? -128
                                   : kind == Alternating ? (k % 2 ? 127 : -128)
                                   : kind == Small       ? random.below(15) - 7
                                                         : (random.below(8) ? 0 : random.below(256) - 128));
  }
  return weights;
}

int32_t saturate(int32_t value) { return std::clamp(value, -32768, 32767); }

/// One channel's worst activations first (the largest code where its weights are positive, then where they are negative), then
/// constant ones, then random ones.
std::vector<int8_t> makeActivations(const PairSafeProblem &p, int64_t number, int64_t channel, Random &random) {
  std::vector<int8_t> x(p.depth);
  for (int64_t k = 0; k < p.depth; ++k) {
    int64_t w = p.weights[channel * p.depth + k];
    int64_t code = number == 0   ? (w > 0 ? p.xMax : 0)
                   : number == 1 ? (w < 0 ? p.xMax : 0)
                   : number == 2 ? p.xMax
                   : number == 3 ? 0
                                 : random.below(p.xMax + 1);
    x[k] = static_cast<int8_t>(code - 128);
  }
  return x;
}

/// What the kernel computes from the codes minus 128 of one pixel, by the rules of the header.
std::vector<int32_t> compute(const PairSafeProblem &p, const PairSafeBlock &block, ArrayRef<int8_t> x) {
  constexpr uint8_t kFlip = 0x80;
  auto permute = [&](const PairSafeTerm &term, int i) -> uint8_t {
    if (term.shuffle[i] & 0x80)
      return 0;
    return static_cast<uint8_t>(x[term.source + term.shuffle[i]]);
  };
  std::vector<uint8_t> bytes;
  int64_t begin = 0;
  for (int64_t run : p.runs) {
    // What lies behind a run is arbitrary.
    for (int64_t i = 0; block.naturalQuads && i < (run + 3) / 4 * 4; ++i)
      bytes.push_back(i < run ? static_cast<uint8_t>(x[begin + i]) ^ kFlip : 0xA5);
    begin += run;
  }
  std::vector<uint8_t> panel(4 * block.panelQuads + 12);
  for (const PairSafeChunk &chunk : block.chunks)
    for (int i = 0; i < 16; ++i)
      panel[4 * chunk.quad + i] = permute(chunk.terms.front(), i) ^ kFlip;
  for (const PairSafeChunk &chunk : block.chunks)
    for (const PairSafeTerm &term : ArrayRef(chunk.terms).drop_front())
      for (int i = 0; i < 16; ++i)
        panel[4 * chunk.quad + i] ^= permute(term, i);
  bytes.insert(bytes.end(), panel.begin(), panel.end() - 12);

  std::vector<int32_t> sums(p.block);
  auto multiply = [&](int64_t q, int64_t n, int64_t half) {
    const int8_t *w = block.weights.data() + (q * p.block + n) * 4 + half;
    const uint8_t *a = bytes.data() + 4 * q + half;
    return saturate(a[0] * w[0] + a[1] * w[1]);
  };
  for (int64_t q = 0; q < block.getQuads(); ++q) {
    bool chained = q < block.fullQuads ? true : q < block.fullQuads + block.halfQuads && q % 4 < 2;
    for (int64_t n = 0; n < p.block; ++n)
      for (int64_t half : {0, 2})
        sums[n] += chained ? static_cast<int16_t>(multiply(q, n, half) + multiply(q + 1, n, half)) : multiply(q, n, half);
    q += chained;
  }
  return sums;
}

/// What natural order gives: pairs saturate, chains of quads wrap around.
std::string checkNatural(const PairSafeProblem &p, Random &random) {
  for (int64_t number = 0; number < 6; ++number) {
    int64_t channel = random.below(p.channels);
    std::vector<int8_t> x = makeActivations(p, number, channel, random);
    int64_t begin = 0, sum = 0, expected = 0;
    const int8_t *w = p.weights.data() + channel * p.depth;
    for (int64_t run : p.runs) {
      for (int64_t at = 0; at < run; at += 4 * p.chain)
        for (int64_t half : {0, 2}) {
          int16_t chain = 0;
          for (int64_t quad = at + half; quad < at + 4 * p.chain; quad += 4) {
            int32_t pair = 0;
            for (int64_t k = quad; k < std::min(quad + 2, run); ++k)
              pair += (x[begin + k] + 128) * w[begin + k];
            chain = static_cast<int16_t>(chain + saturate(pair));
          }
          sum += chain;
        }
      begin += run;
    }
    for (int64_t k = 0; k < p.depth; ++k)
      expected += (x[k] + 128) * w[k];
    if (sum != expected)
      return "natural chains of " + std::to_string(p.chain) + " give " + std::to_string(sum) + " instead of " +
             std::to_string(expected);
  }
  return {};
}

/// Empty, or the first difference.
std::string check(const PairSafeProblem &p, const PairSafePacking &packing, Random &random) {
  if (std::string wrong = verifyPairSafe(p, packing); !wrong.empty())
    return wrong;
  for (int64_t number = 0; number < 6; ++number)
    for (auto [i, block] : llvm::enumerate(packing.blocks)) {
      int64_t first = static_cast<int64_t>(i) * p.block, used = std::min(p.block, p.channels - first);
      std::vector<int8_t> x = makeActivations(p, number, first + random.below(used), random);
      std::vector<int32_t> sums = compute(p, block, x);
      for (int64_t n = 0; n < used; ++n) {
        int32_t expected = 0;
        for (int64_t k = 0; k < p.depth; ++k)
          expected += (x[k] + 128) * p.weights[(first + n) * p.depth + k];
        if (sums[n] != expected)
          return "channel " + std::to_string(first + n) + ": " + std::to_string(sums[n]) + " instead of " +
                 std::to_string(expected);
      }
    }
  return {};
}

struct TestPairSafe : PassWrapper<TestPairSafe, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestPairSafe)
  StringRef getArgument() const override { return "test-qc-pair-safe"; }
  StringRef getDescription() const override { return "for tests: compares pair-safe packed dot products with plain sums"; }

  void runOnOperation() override {
    testExactness();
    testOverhead();
    testRefusals();
  }

  void testExactness() {
    const SmallVector<SmallVector<int64_t>> shapes = {{1},
                                                      {2},
                                                      {3},
                                                      {5},
                                                      {15},
                                                      {16},
                                                      {17},
                                                      {31},
                                                      {33},
                                                      {64},
                                                      {65},
                                                      {100},
                                                      {9, 9, 9},
                                                      {21, 21, 21, 21, 21, 21, 21},
                                                      {48, 48, 48},
                                                      {72, 72},
                                                      {1, 1, 1, 1, 1},
                                                      {320}};
    Random random{1};
    int64_t cases = 0, chained = 0, safe = 0;
    for (const SmallVector<int64_t> &runs : shapes)
      for (int kind = 0; kind < NumKinds; ++kind)
        for (int64_t block : {8, 16, 24, 32})
          for (int64_t xMax : {255, 254, 200, 127, 1})
            for (PairOrder order : {PairOrder::Natural, PairOrder::Permuted}) {
              PairSafeProblem p;
              p.runs = runs;
              p.depth = std::accumulate(runs.begin(), runs.end(), int64_t(0));
              p.channels = 1 + random.below(2 * block);
              p.block = block;
              p.xMax = xMax;
              std::vector<int8_t> weights = makeWeights(static_cast<Kind>(kind), p.channels, p.depth, random);
              p.weights = weights;
              PairSafePacking packing = packPairSafe(p, order);
              std::string wrong = check(p, packing, random);
              if (wrong.empty() && order == PairOrder::Permuted) {
                p.chain = 2;
                packing = packPairSafe(p, order);
                wrong = check(p, packing, random);
                for (const PairSafeBlock &b : packing.blocks)
                  chained += b.fullQuads + b.halfQuads > 0;
              }
              for (p.chain = 2; wrong.empty() && p.chain <= 8; p.chain *= 2)
                if (isPairSafe(p)) {
                  wrong = checkNatural(p, random);
                  ++safe;
                }
              p.chain = 1;
              if (wrong.empty() && order == PairOrder::Natural &&
                  isPairSafe(p) != (packing.getQuads() == PairSafePacking::getMinimalQuads(p)))
                wrong = "isPairSafe disagrees with the corrections";
              if (!wrong.empty())
                llvm::outs() << "depth " << p.depth << " kind " << kind << " block " << block << " xMax " << xMax << ": " << wrong
                             << "\n";
              ++cases;
            }
    llvm::outs() << cases << " packings compared, " << chained << " blocks with chains, " << safe << " chains in natural order\n";
  }

  void testOverhead() {
    Random random{2};
    for (int64_t block : {16, 32})
      for (auto [channels, depth] : {std::pair<int64_t, int64_t>{128, 64}, {64, 576}, {64, 1152}, {32, 4608}}) {
        PairSafeProblem p;
        p.runs = depth;
        p.depth = depth;
        p.channels = channels;
        p.block = block;
        std::vector<int8_t> weights = makeWeights(Normal, channels, depth, random);
        p.weights = weights;
        auto percent = [&](PairOrder order) {
          int64_t minimal = PairSafePacking::getMinimalQuads(p);
          return (packPairSafe(p, order).getQuads() - minimal) * 100 / minimal;
        };
        llvm::outs() << "normal weights, block " << block << ", depth " << depth << ": natural order +"
                     << percent(PairOrder::Natural) << " %, permuted +" << percent(PairOrder::Permuted) << " %";
        p.chain = 2;
        PairSafePacking packing = packPairSafe(p, PairOrder::Permuted);
        int64_t full = 0, half = 0;
        for (const PairSafeBlock &b : packing.blocks) {
          full += b.fullQuads;
          half += b.halfQuads;
        }
        llvm::outs() << ", in chains " << (full + half / 2) * 100 / packing.getQuads() << " %\n";
      }
  }

  /// Each damage to a packing that the proof has to notice.
  void testRefusals() {
    Random random{3};
    PairSafeProblem p;
    int64_t runs[] = {40, 40};
    p.runs = runs;
    p.depth = 80;
    p.channels = 32;
    std::vector<int8_t> weights = makeWeights(Normal, p.channels, p.depth, random);
    p.weights = weights;
    auto refuse = [&](llvm::StringRef what, auto &&damage, PairOrder order = PairOrder::Permuted) {
      PairSafePacking packing = packPairSafe(p, order);
      damage(packing.blocks[1]);
      llvm::outs() << what << ": " << verifyPairSafe(p, packing) << "\n";
    };
    refuse("nothing", [](PairSafeBlock &) {});
    refuse("weight", [](PairSafeBlock &b) { b.weights[5] ^= 1; });
    refuse("saturating pair", [](PairSafeBlock &b) { b.weights[0] = b.weights[1] = 127; });
    refuse("shuffle", [](PairSafeBlock &b) { std::swap(b.chunks[0].terms[0].shuffle[0], b.chunks[0].terms[0].shuffle[2]); });
    refuse("lost slot", [](PairSafeBlock &b) { b.chunks[0].terms[0].shuffle[0] = 0x80; });
    refuse("double slot", [](PairSafeBlock &b) { b.chunks[0].terms.push_back(b.chunks[0].terms[0]); });
    refuse("across runs", [](PairSafeBlock &b) { b.chunks[0].terms[0].source = 30; });
    refuse("outside", [](PairSafeBlock &b) { b.chunks[0].terms[0].source = 80; });
    refuse("gap", [](PairSafeBlock &b) { b.chunks[1].quad += 1; });
    refuse("missing chunk", [](PairSafeBlock &b) { b.chunks.pop_back(); });
    refuse("missing weights", [](PairSafeBlock &b) { b.weights.pop_back(); });
    refuse("order", [](PairSafeBlock &b) { b.naturalQuads = 1; });
    p.chain = 2;
    int64_t deep[] = {320, 320}; // deep channels are what chains are found in
    std::vector<int8_t> more = makeWeights(Normal, p.channels, 640, random);
    PairSafeProblem q = p;
    q.runs = deep;
    q.depth = 640;
    q.weights = more;
    auto refuseChain = [&](llvm::StringRef what, auto &&damage) {
      PairSafePacking packing = packPairSafe(q, PairOrder::Permuted);
      damage(packing.blocks[1]);
      llvm::outs() << what << ": " << verifyPairSafe(q, packing) << "\n";
    };
    refuseChain("chains", [](PairSafeBlock &b) {});
    // Each pair stays safe, the two of a chain do not.
    refuseChain("saturating chain",
                [](PairSafeBlock &b) { b.weights[0] = b.weights[16 * 4] = 127, b.weights[1] = b.weights[16 * 4 + 1] = 0; });
    refuseChain("longer chains", [](PairSafeBlock &b) { b.fullQuads += b.halfQuads, b.halfQuads = 0; });
    refuseChain("ragged chains", [](PairSafeBlock &b) { b.fullQuads -= 2; });
    refuseChain("too many chains", [](PairSafeBlock &b) { b.halfQuads = 4000; });
    p.chain = 1;
    PairSafePacking packing = packPairSafe(p, PairOrder::Permuted);
    packing.blocks.pop_back();
    llvm::outs() << "missing block: " << verifyPairSafe(p, packing) << "\n";
    p.chain = 3;
    llvm::outs() << "chains of 3: " << verifyPairSafe(p, packPairSafe(p, PairOrder::Permuted)) << "\n";
    p.chain = 1;
    p.block = 12;
    llvm::outs() << "block of 12: " << verifyPairSafe(p, packPairSafe(p, PairOrder::Permuted)) << "\n";
  }
};
} // namespace

void registerTestPairSafe() { PassRegistration<TestPairSafe>(); }
} // namespace qc
