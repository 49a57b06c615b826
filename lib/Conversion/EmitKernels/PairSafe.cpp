// Pairing of the reduction index so that vpmaddubsw is exact, and the proof that it is.
#include "qc/Conversion/PairSafe.h"

#include "PairChains.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>

namespace qc {
namespace {
constexpr int64_t kWindow = 16;   // bytes that one pshufb permutes
constexpr int64_t kGroup = 64;    // rows that are matched together where their windows do not suffice
constexpr uint8_t kNoByte = 0x80; // pshufb writes zero

/// What w_a + w_b may be. One number serves both weights because xMax <= 255 makes each limit at least 128: a single weight, and
/// two of different sign, always fit.
struct Limits {
  explicit Limits(int64_t xMax) : high(32767 / xMax), low(-(32768 / xMax)) {}
  bool holds(int sum) const { return sum <= high && sum >= low; }
  int high, low;
};

bool isWellFormed(const PairSafeProblem &p) {
  int64_t sum = 0;
  for (int64_t run : p.runs) {
    if (run <= 0)
      return false;
    sum += run;
  }
  return p.channels > 0 && p.depth > 0 && sum == p.depth && p.block > 0 && p.block % 8 == 0 && p.xMax >= 1 && p.xMax <= 255 &&
         llvm::isPowerOf2_64(static_cast<uint64_t>(p.chain)) && p.weights.size() >= static_cast<size_t>(p.channels * p.depth);
}

/// A maximum matching in a graph of at most 64 vertices: Edmonds' algorithm, neighbours as bit sets. It starts from the pairs
/// that are given, then greedily, which leaves little to augment.
class Matching {
public:
  Matching(llvm::ArrayRef<uint64_t> neighbours, llvm::ArrayRef<int> start = {}) : adjacent(neighbours), count(neighbours.size()) {
    mate.fill(-1);
    llvm::copy(start, mate.begin());
    matchGreedily();
    for (int v = 0; v < count; ++v)
      if (mate[v] < 0)
        augment(v);
  }
  /// The partner, or -1.
  int getMate(int v) const { return mate[v]; }

private:
  static uint64_t bit(int v) { return uint64_t(1) << v; }

  /// The vertex of `set` with the fewest neighbours in `free`, but at least one; -1 if there is none.
  int findPoorest(uint64_t set, uint64_t free) const {
    int best = -1, degree = 65;
    for (; set; set &= set - 1) {
      int v = llvm::countr_zero(set), d = llvm::popcount(adjacent[v] & free);
      if (d && d < degree)
        best = v, degree = d;
    }
    return best;
  }

  /// Who has the fewest free neighbours chooses first, and takes the one with the fewest.
  void matchGreedily() {
    uint64_t free = 0;
    for (int v = 0; v < count; ++v)
      if (mate[v] < 0)
        free |= bit(v);
    for (int v; (v = findPoorest(free, free)) >= 0;) {
      int partner = findPoorest(adjacent[v] & free, free);
      mate[v] = partner;
      mate[partner] = v;
      free &= ~(bit(v) | bit(partner));
    }
  }

  /// The base where the alternating paths from `a` and `b` to the root meet.
  int meet(int a, int b) const {
    uint64_t seen = 0;
    while (true) {
      a = base[a];
      seen |= bit(a);
      if (mate[a] < 0)
        break;
      a = parent[mate[a]];
    }
    while (true) {
      b = base[b];
      if (seen & bit(b))
        return b;
      b = parent[mate[b]];
    }
  }

  void markBlossom(int v, int top, int child, uint64_t &blossom) {
    while (base[v] != top) {
      blossom |= bit(base[v]) | bit(base[mate[v]]);
      parent[v] = child;
      child = mate[v];
      v = parent[mate[v]];
    }
  }

  /// Looks for an alternating path from a free vertex to another one, and swaps the pairs on it.
  void augment(int root) {
    uint64_t reached = bit(root);
    parent.fill(-1);
    for (int v = 0; v < count; ++v)
      base[v] = v;
    std::array<int, kGroup> queue;
    int head = 0, tail = 0;
    queue[tail++] = root;
    while (head < tail) {
      int v = queue[head++];
      for (uint64_t rest = adjacent[v]; rest; rest &= rest - 1) {
        int to = llvm::countr_zero(rest);
        if (base[v] == base[to] || mate[v] == to)
          continue;
        if (to == root || (mate[to] >= 0 && parent[mate[to]] >= 0)) {
          int top = meet(v, to);
          uint64_t blossom = 0;
          markBlossom(v, top, to, blossom);
          markBlossom(to, top, v, blossom);
          for (int u = 0; u < count; ++u)
            if (blossom & bit(base[u])) {
              base[u] = top;
              if (!(reached & bit(u))) {
                reached |= bit(u);
                queue[tail++] = u;
              }
            }
        } else if (parent[to] < 0) {
          parent[to] = v;
          if (mate[to] < 0) {
            for (int u = to; u >= 0;) {
              int previous = parent[u], next = mate[previous];
              mate[u] = previous;
              mate[previous] = u;
              u = next;
            }
            return;
          }
          reached |= bit(mate[to]);
          queue[tail++] = mate[to];
        }
      }
    }
  }

  llvm::ArrayRef<uint64_t> adjacent;
  int count;
  std::array<int, kGroup> mate, parent, base;
};

/// A slot of the panel before it has a place: an index and its weights.
struct Slot {
  int64_t index = -1;
  int64_t source = 0; ///< of the term that fetches it
  llvm::SmallVector<int8_t, 32> weights;
};

/// Up to sixteen neighbouring indices of one run.
struct Window {
  int64_t begin = 0, size = 0;
  int64_t source = 0; ///< where the sixteen bytes that hold it begin
};

/// Packs one block of channels.
class BlockPacker {
public:
  BlockPacker(const PairSafeProblem &problem, int64_t firstChannel)
      : p(problem), limits(problem.xMax), first(firstChannel), used(std::min(problem.block, problem.channels - firstChannel)) {
    if (p.chain > 1)
      chains.emplace(limits.high, -limits.low, p.block);
  }

  PairSafeBlock run(PairOrder order) {
    int64_t begin = 0;
    llvm::SmallVector<Window, 4> group;
    auto flush = [&] {
      loadGroup(group);
      order == PairOrder::Natural ? packNaturally() : packPermuted();
      group.clear();
    };
    for (int64_t length : p.runs) {
      for (int64_t at = 0; at < length; at += kWindow) {
        int64_t size = std::min(kWindow, length - at);
        // The last window of a run ends with the run, so that sixteen bytes can be read.
        int64_t source = begin + (size < kWindow ? std::max<int64_t>(0, length - kWindow) : at);
        Window window{begin + at, size, source};
        if (order == PairOrder::Permuted && packChains(window))
          continue;
        group.push_back(window);
        if (group.size() * kWindow == kGroup || order == PairOrder::Natural)
          flush();
      }
      begin += length;
    }
    if (!group.empty())
      flush();
    packCorrections();
    prependChains();
    return std::move(result);
  }

private:
  using Pair = std::array<int, 2>;

  /// Weights of the windows' indices, an index a row, and rows of zeros up to a multiple of four.
  void loadGroup(llvm::ArrayRef<Window> group) {
    windows.assign(group.begin(), group.end());
    windowOf.clear();
    for (auto [w, window] : llvm::enumerate(windows))
      windowOf.append(window.size, static_cast<int>(w));
    real = static_cast<int>(windowOf.size());
    rows = (real + 3) / 4 * 4;
    windowOf.resize(rows, windowOf.back());
    matrix.assign(rows * p.block, 0);
    for (int64_t n = 0; n < used; ++n) {
      int16_t *to = matrix.data() + n;
      for (const Window &window : windows) {
        const int8_t *from = p.weights.data() + (first + n) * p.depth + window.begin;
        for (int64_t k = 0; k < window.size; ++k, to += p.block)
          *to = from[k];
      }
    }
  }

  int16_t *getRow(int row) { return matrix.data() + row * p.block; }

  /// True if the two rows may be neighbours in every channel.
  bool isSafe(int a, int b) {
    const int16_t *x = getRow(a), *y = getRow(b);
    // Eight channels a step without a branch inside, for the vectorizer.
    const int16_t high = static_cast<int16_t>(limits.high), low = static_cast<int16_t>(limits.low);
    std::array<int16_t, 8> wrong{};
    for (int64_t n = 0; n < p.block; n += 8)
      for (int i = 0; i < 8; ++i) {
        int16_t sum = static_cast<int16_t>(x[n + i] + y[n + i]);
        wrong[i] |= static_cast<int16_t>((std::max(sum, high) ^ high) | (std::min(sum, low) ^ low));
      }
    std::array<uint64_t, 2> halves;
    std::memcpy(halves.data(), wrong.data(), sizeof(halves));
    return !(halves[0] | halves[1]);
  }

  void setNeighbours(int a, int b) {
    if (!isSafe(a, b))
      return;
    neighbours[a] |= uint64_t(1) << b;
    neighbours[b] |= uint64_t(1) << a;
  }

  void packNaturally() {
    for (int i = 0; i < rows; i += 2)
      correctPair(i, i + 1);
    result.naturalQuads += rows / 4;
    for (int i = 0; i < rows; i += 4)
      appendQuad({i, i + 1, i + 2, i + 3});
  }

  void appendQuad(const std::array<int, 4> &quad) { appendQuad(quad, result.weights); }
  void appendQuad(const std::array<int, 4> &quad, std::vector<int8_t> &weights) {
    size_t at = weights.size();
    weights.resize(at + 4 * p.block);
    for (int j = 0; j < 4; ++j)
      for (int64_t n = 0; n < p.block; ++n)
        weights[at + 4 * n + j] = static_cast<int8_t>(getRow(quad[j])[n]);
  }

  /// Takes a window whose rows form chains, all or half of them, out of what is paired.
  bool packChains(const Window &window) {
    if (!chains || window.size != kWindow)
      return false;
    loadGroup(window);
    PairChains::Order order;
    int groups = chains->choose(matrix, order);
    if (groups == 0)
      return false;
    // Two groups are two quads: the first halves of both quads are one group, the second halves the other.
    for (int at = 0; at < 2 * groups / 4; ++at) {
      PairChains::Order::iterator from = order.begin() + 8 * at;
      std::array<int, 8> rows{from[0], from[1], from[4], from[5], from[2], from[3], from[6], from[7]};
      std::copy(rows.begin(), rows.end(), from);
    }
    Chained &to = groups == 4 ? full : half;
    PairSafeChunk &chunk = to.chunks.emplace_back();
    for (size_t slot = 0; slot < kWindow; ++slot)
      fetch(chunk, slot, window.begin + order[slot], window.source);
    for (size_t slot = 0; slot < kWindow; slot += 4)
      appendQuad({order[slot], order[slot + 1], order[slot + 2], order[slot + 3]}, to.weights);
    return true;
  }

  void prependChains() {
    result.fullQuads = static_cast<int64_t>(full.chunks.size()) * 4;
    result.halfQuads = static_cast<int64_t>(half.chunks.size()) * 4;
    if (result.fullQuads + result.halfQuads == 0)
      return;
    full.chunks.insert(full.chunks.end(), half.chunks.begin(), half.chunks.end());
    full.chunks.insert(full.chunks.end(), result.chunks.begin(), result.chunks.end());
    full.weights.insert(full.weights.end(), half.weights.begin(), half.weights.end());
    full.weights.insert(full.weights.end(), result.weights.begin(), result.weights.end());
    result.chunks = std::move(full.chunks);
    result.weights = std::move(full.weights);
    result.panelQuads = 0;
    for (PairSafeChunk &chunk : result.chunks) {
      chunk.quad = result.panelQuads;
      result.panelQuads += chunk.quads;
    }
  }

  /// Pairs rows [begin, end) with as few tests as possible: each with the first that is safe, and a last exchange with a pair for
  /// two that remain. False, and no row paired, if that does not do.
  bool matchQuickly(int begin, int end, llvm::MutableArrayRef<int> mate) {
    std::array<int, 2> left{-1, -1};
    int numLeft = 0;
    auto pair = [&](int a, int b) {
      mate[a] = b;
      mate[b] = a;
    };
    auto fail = [&] {
      std::fill(mate.begin() + begin, mate.begin() + end, -1);
      return false;
    };
    for (int a = begin; a < end; ++a) {
      for (int b = a + 1; b < end && mate[a] < 0; ++b)
        if (mate[b] < 0 && isSafe(a, b))
          pair(a, b);
      if (mate[a] >= 0)
        continue;
      if (numLeft == 2)
        return fail();
      left[numLeft++] = a;
    }
    if (numLeft == 0)
      return true;
    for (int a = begin; a < end && numLeft == 2; ++a) {
      int b = mate[a];
      if (b >= 0 && isSafe(left[0], a) && isSafe(left[1], b)) {
        pair(left[0], a);
        pair(left[1], b);
        return true;
      }
    }
    return fail();
  }

  /// Pairs as many of the rows [begin, end) as possible; true if that is all.
  bool matchWindow(int begin, int end, llvm::MutableArrayRef<int> mate) {
    neighbours.fill(0);
    for (int a = begin; a < end; ++a)
      for (int b = a + 1; b < end; ++b)
        setNeighbours(a, b);
    std::array<uint64_t, kWindow + 3> local{};
    for (int a = begin; a < end; ++a)
      local[a - begin] = neighbours[a] >> begin;
    Matching matching(llvm::ArrayRef<uint64_t>(local.data(), end - begin));
    bool perfect = true;
    for (int a = begin; a < end; ++a)
      if (int to = matching.getMate(a - begin); to >= 0)
        mate[a] = begin + to;
      else
        perfect = false;
    return perfect;
  }

  /// Each window is matched alone, which nearly always suffices and makes its chunk a single shuffle. If not, pairs across two,
  /// then four windows come in: each may cost a term more, where a correction costs a slot and a term.
  void packPermuted() {
    std::array<int, kGroup> mate;
    mate.fill(-1);
    bool perfect = true;
    for (int begin = 0, end; begin < real; begin = end) {
      for (end = begin; end < rows && windowOf[end] == windowOf[begin]; ++end)
        ;
      if (!matchQuickly(begin, end, mate))
        perfect &= matchWindow(begin, end, mate);
    }
    for (int span = 2; !perfect && span / 2 < static_cast<int>(windows.size()); span *= 2) {
      neighbours.fill(0);
      for (int a = 0, end = 0; a < rows; ++a) {
        if (a == end)
          while (end < rows && windowOf[end] / span == windowOf[a] / span)
            ++end;
        for (int b = a + 1; b < end; ++b)
          setNeighbours(a, b);
      }
      Matching matching(llvm::ArrayRef<uint64_t>(neighbours.data(), rows), llvm::ArrayRef<int>(mate.data(), rows));
      perfect = true;
      for (int a = 0; a < rows; ++a) {
        mate[a] = matching.getMate(a);
        perfect &= mate[a] >= 0;
      }
    }
    if (!perfect) {
      // What is left over is paired all the same; the number is even because `rows` is.
      int single = -1;
      for (int a = 0; a < rows; ++a) {
        if (mate[a] >= 0)
          continue;
        if (single < 0) {
          single = a;
          continue;
        }
        mate[a] = single;
        mate[single] = a;
        correctPair(single, a);
        single = -1;
      }
    }
    layOut(mate);
  }

  /// Spreads the pairs over chunks so that a window's pairs share one, and a pair across windows joins one of its windows.
  void layOut(llvm::ArrayRef<int> mate) {
    constexpr size_t kPairs = kWindow / 2;
    size_t total = rows / 2;
    llvm::SmallVector<llvm::SmallVector<Pair, 8>, 4> chunks((total + kPairs - 1) / kPairs);
    auto room = [&](size_t c) { return std::min(kPairs, total - c * kPairs) - chunks[c].size(); };
    auto uses = [&](size_t c, int window) {
      return llvm::any_of(chunks[c], [&](Pair x) { return windowOf[x[0]] == window || windowOf[x[1]] == window; });
    };
    llvm::SmallVector<llvm::SmallVector<Pair, 8>, 4> inside(windows.size());
    llvm::SmallVector<Pair, 8> rest;
    for (int a = 0; a < rows; ++a)
      if (a < mate[a])
        (windowOf[a] == windowOf[mate[a]] ? inside[windowOf[a]] : rest).push_back({a, mate[a]});
    for (auto &pairs : inside) {
      size_t c = 0;
      while (c < chunks.size() && room(c) < pairs.size())
        ++c;
      (c < chunks.size() ? chunks[c] : rest).append(pairs.begin(), pairs.end());
    }
    for (Pair pair : rest) {
      size_t best = 0;
      int bestScore = -1;
      for (size_t c = 0; c < chunks.size(); ++c) {
        int score = uses(c, windowOf[pair[0]]) + uses(c, windowOf[pair[1]]);
        if (room(c) && score > bestScore)
          best = c, bestScore = score;
      }
      chunks[best].push_back(pair);
    }
    for (auto &pairs : chunks)
      appendChunk(pairs);
  }

  void appendChunk(llvm::ArrayRef<Pair> pairs) {
    PairSafeChunk &chunk = startChunk(static_cast<int64_t>(pairs.size()) / 2);
    for (size_t i = 0; i < 2 * pairs.size(); ++i)
      if (int row = pairs[i / 2][i % 2]; row < real)
        fetch(chunk, i, getIndex(row), windows[windowOf[row]].source);
    // A chunk of nothing but filling still has a place in the panel.
    if (chunk.terms.empty())
      chunk.terms.push_back(makeTerm(windows.front().source));
    for (size_t i = 0; i < pairs.size(); i += 2)
      appendQuad({pairs[i][0], pairs[i][1], pairs[i + 1][0], pairs[i + 1][1]});
  }

  int64_t getIndex(int row) const {
    for (const Window &window : windows) {
      if (row < window.size)
        return window.begin + row;
      row -= static_cast<int>(window.size);
    }
    return -1;
  }

  PairSafeChunk &startChunk(int64_t quads) {
    PairSafeChunk &chunk = result.chunks.emplace_back();
    chunk.quad = result.panelQuads;
    chunk.quads = quads;
    result.panelQuads += quads;
    return chunk;
  }

  static PairSafeTerm makeTerm(int64_t source) {
    PairSafeTerm term;
    term.source = source;
    term.shuffle.fill(kNoByte);
    return term;
  }

  /// Lets a slot of the chunk read an index.
  static void fetch(PairSafeChunk &chunk, size_t slot, int64_t index, int64_t source) {
    auto *term = llvm::find_if(chunk.terms, [&](const PairSafeTerm &t) { return t.source == source; });
    if (term == chunk.terms.end()) {
      chunk.terms.push_back(makeTerm(source));
      term = &chunk.terms.back();
    }
    term->shuffle[slot] = static_cast<uint8_t>(index - source);
  }

  /// Moves what is too much in the second row of a pair into a correction.
  void correctPair(int a, int b) {
    if (isSafe(a, b))
      return;
    Slot rest;
    rest.index = getIndex(b);
    rest.source = windows[windowOf[b]].source;
    rest.weights.assign(p.block, 0);
    for (int64_t n = 0; n < p.block; ++n) {
      int wa = getRow(a)[n];
      int16_t &wb = getRow(b)[n];
      int kept = std::clamp(wa + wb, limits.low, limits.high) - wa;
      rest.weights[n] = static_cast<int8_t>(wb - kept);
      wb = static_cast<int16_t>(kept);
    }
    corrections.push_back(std::move(rest));
  }

  bool isSafe(const Slot &a, const Slot &b) const {
    for (int64_t n = 0; n < p.block; ++n)
      if (!limits.holds(a.weights[n] + b.weights[n]))
        return false;
    return true;
  }

  /// Corrections pair up in the order of their indices where that is safe (it nearly always is: few channels of each are not
  /// zero), so that a chunk gathers from few windows.
  void packCorrections() {
    result.corrections = static_cast<int64_t>(corrections.size());
    std::vector<std::array<const Slot *, 2>> pairs;
    size_t firstOpen = 0; // pairs before it are full
    for (const Slot &slot : corrections) {
      auto *open = std::find_if(pairs.data() + firstOpen, pairs.data() + pairs.size(),
                                [&](auto &pair) { return !pair[1] && isSafe(*pair[0], slot); });
      if (open == pairs.data() + pairs.size())
        pairs.push_back({&slot, nullptr});
      else
        (*open)[1] = &slot;
      while (firstOpen < pairs.size() && pairs[firstOpen][1])
        ++firstOpen;
    }
    for (size_t at = 0; at < pairs.size(); at += kWindow / 2)
      packCorrectionChunk(llvm::ArrayRef(pairs).slice(at, std::min<size_t>(kWindow / 2, pairs.size() - at)));
  }

  void packCorrectionChunk(llvm::ArrayRef<std::array<const Slot *, 2>> pairs) {
    PairSafeChunk &chunk = startChunk(static_cast<int64_t>(pairs.size() + 1) / 2);
    size_t base = result.weights.size();
    result.weights.resize(base + chunk.quads * p.block * 4);
    for (size_t i = 0; i < 2 * pairs.size(); ++i) {
      const Slot *slot = pairs[i / 2][i % 2];
      if (!slot)
        continue;
      fetch(chunk, i, slot->index, slot->source);
      for (int64_t n = 0; n < p.block; ++n)
        result.weights[base + (i / 4 * p.block + n) * 4 + i % 4] = slot->weights[n];
    }
  }

  const PairSafeProblem &p;
  Limits limits;
  int64_t first, used;
  llvm::SmallVector<Window, 4> windows; // of the group at hand
  llvm::SmallVector<int, kGroup> windowOf;
  int real = 0, rows = 0; // rows with an index, and with the filling
  std::vector<int16_t> matrix;
  std::array<uint64_t, kGroup> neighbours;
  std::vector<Slot> corrections;
  struct Chained {
    std::vector<PairSafeChunk> chunks;
    std::vector<int8_t> weights;
  };
  std::optional<PairChains> chains;
  Chained full, half;
  PairSafeBlock result;
};

/// The run that holds an index: [begin, end).
std::pair<int64_t, int64_t> findRun(llvm::ArrayRef<int64_t> runs, int64_t index) {
  int64_t begin = 0;
  for (int64_t length : runs) {
    if (index < begin + length)
      return {begin, begin + length};
    begin += length;
  }
  return {begin, begin};
}

/// Which index each slot of a block reads, -1 for none; or what is wrong with the chunks.
std::string readSlots(const PairSafeProblem &p, const PairSafeBlock &block, std::vector<int64_t> &slots) {
  slots.clear();
  if (block.naturalQuads) {
    int64_t begin = 0;
    for (int64_t length : p.runs) {
      for (int64_t i = 0; i < (length + 3) / 4 * 4; ++i)
        slots.push_back(i < length ? begin + i : -1);
      begin += length;
    }
    if (static_cast<int64_t>(slots.size()) != 4 * block.naturalQuads)
      return "the natural quads do not cover the runs";
  }
  int64_t next = 0;
  for (const PairSafeChunk &chunk : block.chunks) {
    if (chunk.quad != next || chunk.quads < 1 || chunk.quads > 4 || chunk.terms.empty())
      return "the chunks do not tile the panel";
    next += chunk.quads;
    std::array<int64_t, kWindow> index;
    index.fill(-1);
    for (const PairSafeTerm &term : chunk.terms) {
      auto [begin, end] = findRun(p.runs, term.source);
      if (term.source < 0 || term.source >= p.depth)
        return "a term reads from outside the reduction";
      if (term.source + kWindow > end && term.source != begin)
        return "a term reads across the end of a run";
      for (int64_t i = 0; i < kWindow; ++i) {
        if (term.shuffle[i] & kNoByte)
          continue;
        if (term.shuffle[i] >= kWindow || term.source + term.shuffle[i] >= end)
          return "a shuffle takes a byte from behind its run";
        if (index[i] >= 0)
          return "two terms fill the same slot";
        index[i] = term.source + term.shuffle[i];
      }
    }
    // Chunks may be stored and or-ed as sixteen bytes: what lies behind a short one is not its own.
    if (std::any_of(index.begin() + 4 * chunk.quads, index.end(), [](int64_t i) { return i >= 0; }))
      return "a term writes behind its chunk";
    slots.insert(slots.end(), index.begin(), index.begin() + 4 * chunk.quads);
  }
  if (next != block.panelQuads)
    return "the chunks do not tile the panel";
  return {};
}

std::string verifyBlock(const PairSafeProblem &p, const PairSafeBlock &block, int64_t first) {
  std::vector<int64_t> slots;
  if (std::string wrong = readSlots(p, block, slots); !wrong.empty())
    return wrong;
  if (static_cast<int64_t>(block.weights.size()) != block.getQuads() * p.block * 4)
    return "there are not as many weights as slots";
  int64_t full = block.fullQuads, chained = full + block.halfQuads;
  if (full < 0 || block.halfQuads < 0 || full % 4 || chained % 4 || chained > block.panelQuads || (chained && p.chain != 2) ||
      (chained && block.naturalQuads))
    return "the chains are no part of the panel";
  std::vector<int32_t> sums(p.depth);
  for (int64_t n = 0; n < p.block; ++n) {
    std::fill(sums.begin(), sums.end(), 0);
    for (size_t slot = 0; slot < slots.size(); slot += 2) {
      const int8_t *pair = block.weights.data() + (slot / 4 * p.block + n) * 4 + slot % 4;
      int64_t high = 0, low = 0;
      for (int i = 0; i < 2; ++i) {
        (pair[i] > 0 ? high : low) += p.xMax * pair[i];
        if (slots[slot + i] >= 0)
          sums[slots[slot + i]] += pair[i];
        else if (pair[i] != 0)
          return "a slot without an index has a weight";
      }
      if (high > 32767 || low < -32768)
        return "channel " + std::to_string(first + n) + ", slot " + std::to_string(slot) + ": the pair's sum can leave i16";
      // The pair at the same place of the next quad.
      if (int64_t quad = static_cast<int64_t>(slot) / 4; quad < chained && quad % 4 % (quad < full ? 2 : 4) == 0) {
        const int8_t *next = pair + p.block * 4;
        for (int i = 0; i < 2; ++i)
          (next[i] > 0 ? high : low) += p.xMax * next[i];
        if (high > 32767 || low < -32768)
          return "channel " + std::to_string(first + n) + ", slot " + std::to_string(slot) + ": the chain's sum can leave i16";
      }
    }
    for (int64_t k = 0; k < p.depth; ++k)
      if (sums[k] != (first + n < p.channels ? p.weights[(first + n) * p.depth + k] : 0))
        return "channel " + std::to_string(first + n) + ", index " + std::to_string(k) +
               ": the slots do not add up to the weight";
  }
  return {};
}

// Cycles of one step, fitted to measurements. The step of a dot is one vector, of a copy sixteen bytes.
constexpr double kDotNarrow =
    1.10; // the channels of a vector, of a quad, in a tile of two vectors or fewer: broadcasts and loads fill the issue slots
constexpr double kDotWide = 1.02;    // the same in a tile of more
constexpr double kDotChained = 0.80; // of two quads that add up in i16, part of the above
constexpr double kDotWidened = 0.65;
constexpr double kFirstTerm = 2.0, kFurtherTerm = 1.7; // the further ones load and store the panel again
constexpr double kCopy = 0.8, kWiden = 1.6;
} // namespace

int64_t PairSafeBlock::getNumTerms() const {
  int64_t terms = 0;
  for (const PairSafeChunk &chunk : chunks)
    terms += static_cast<int64_t>(chunk.terms.size());
  return terms;
}

int64_t PairSafePacking::getQuads() const {
  int64_t quads = 0;
  for (const PairSafeBlock &block : blocks)
    quads += block.getQuads();
  return quads;
}

int64_t PairSafePacking::getNumTerms() const {
  int64_t terms = 0;
  for (const PairSafeBlock &block : blocks)
    terms += block.getNumTerms();
  return terms;
}

int64_t PairSafePacking::getMinimalQuads(const PairSafeProblem &problem) {
  if (!isWellFormed(problem))
    return 0;
  int64_t quads = 0;
  for (int64_t run : problem.runs)
    quads += (run + 3) / 4;
  return quads * ((problem.channels + problem.block - 1) / problem.block);
}

bool isPairSafe(const PairSafeProblem &problem) {
  if (!isWellFormed(problem))
    return false;
  Limits limits(problem.xMax);
  int64_t step = 4 * problem.chain;
  for (int64_t n = 0; n < problem.channels; ++n) {
    const int8_t *row = problem.weights.data() + n * problem.depth;
    for (int64_t run : problem.runs) {
      // A last chain that is not whole is held to the same: its quads may be chained or not.
      for (int64_t begin = 0; begin < run; begin += step) {
        for (int64_t half : {0, 2}) {
          int high = 0, low = 0;
          for (int64_t quad = begin + half; quad < begin + step; quad += 4)
            for (int64_t k = quad; k < std::min(quad + 2, run); ++k)
              (row[k] > 0 ? high : low) += row[k];
          if (high > limits.high || low < limits.low)
            return false;
        }
      }
      row += run;
    }
  }
  return true;
}

PairSafePacking packPairSafe(const PairSafeProblem &problem, PairOrder order) {
  PairSafePacking packing;
  packing.order = order;
  packing.block = problem.block;
  if (!isWellFormed(problem) || (order == PairOrder::Natural ? problem.chain != 1 : problem.chain > 2))
    return packing;
  for (int64_t first = 0; first < problem.channels; first += problem.block)
    packing.blocks.push_back(BlockPacker(problem, first).run(order));
  return packing;
}

std::string verifyPairSafe(const PairSafeProblem &problem, const PairSafePacking &packing) {
  if (!isWellFormed(problem))
    return "the problem is malformed";
  if (packing.block != problem.block)
    return "the packing is for another block";
  if (static_cast<int64_t>(packing.blocks.size()) != (problem.channels + problem.block - 1) / problem.block)
    return "there are not as many blocks as the channels need";
  for (auto [i, block] : llvm::enumerate(packing.blocks)) {
    if ((packing.order == PairOrder::Natural) != (block.naturalQuads > 0))
      return "a block is not in the packing's order";
    if (std::string wrong = verifyBlock(problem, block, static_cast<int64_t>(i) * problem.block); !wrong.empty())
      return wrong;
  }
  return {};
}

double estimatePairSafe(const PairSafeProblem &problem, const PairSafePacking &packing) {
  double dot = packing.block > 2 * problem.lanes ? kDotWide : kDotNarrow;
  double cost = dot * static_cast<double>(packing.block / problem.lanes) * static_cast<double>(packing.getQuads());
  for (const PairSafeBlock &block : packing.blocks)
    cost -= dot * static_cast<double>(packing.block / problem.lanes) * (1 - kDotChained) *
            (static_cast<double>(block.fullQuads) + static_cast<double>(block.halfQuads) / 2);
  for (const PairSafeBlock &block : packing.blocks)
    for (const PairSafeChunk &chunk : block.chunks)
      cost += kFirstTerm + kFurtherTerm * static_cast<double>(chunk.terms.size() - 1);
  // One copy of the activations as they are serves all blocks.
  if (packing.order == PairOrder::Natural)
    cost += kCopy * static_cast<double>(problem.depth) / kWindow;
  return cost;
}

double estimateNatural(const PairSafeProblem &problem) {
  double dot = problem.block > 2 * problem.lanes ? kDotWide : kDotNarrow,
         saved = 2 * (1 - kDotChained) * (1 - 1 / static_cast<double>(problem.chain));
  return dot * (1 - saved) * static_cast<double>(problem.block / problem.lanes) *
             static_cast<double>(PairSafePacking::getMinimalQuads(problem)) +
         kCopy * static_cast<double>(problem.depth) / kWindow;
}

double estimateWidened(const PairSafeProblem &problem) {
  int64_t pair = 2 * problem.lanes;
  double vectors = static_cast<double>((problem.channels + pair - 1) / pair * 2), depth = static_cast<double>(problem.depth);
  return kDotWidened * vectors * depth / 2 + kWiden * depth / kWindow;
}

} // namespace qc
