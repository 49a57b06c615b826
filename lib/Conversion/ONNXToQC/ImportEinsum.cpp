// Einsum: operands are brought to common dimensions one after the other; a pair that shares dimensions which nothing else needs
// is a matrix product, the rest are products and sums.
#include "Algebra.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace qc::onnximport {
namespace {
/// An operand with one letter per dimension. Dimensions of an ellipsis are called '0', '1', ... from the last one.
struct Term {
  Entry value;
  std::string letters;
};

class Einsum {
public:
  Einsum(Node &node) : node(node), a(node) {}

  LogicalResult run() {
    if (failed(parse()))
      return failure();
    Term product = reduceDiagonals(terms[0]);
    for (size_t i = 1; i < terms.size(); ++i) {
      std::string later = output;
      for (size_t j = i + 1; j < terms.size(); ++j)
        later += terms[j].letters;
      product =
          multiply(sumOut(product, later + terms[i].letters), sumOut(reduceDiagonals(terms[i]), later + product.letters), later);
    }
    product = sumOut(product, output);
    if (node.failed() || !product.value.element)
      return failure();
    return a.set(toOrder(product, output));
  }

private:
  static bool has(const std::string &letters, char c) { return letters.find(c) != std::string::npos; }

  LogicalResult parse() {
    std::string text;
    for (char c : node.getString("equation", ""))
      if (c != ' ')
        text += c;
    bool explicitOutput = StringRef(text).contains("->");
    auto [left, right] = StringRef(text).split("->");
    SmallVector<StringRef> parts;
    left.split(parts, ',');
    if (parts.size() != node.numInputs())
      return node.fail("equation '" + text + "' does not have one term for each of its " + Twine(node.numInputs()) + " inputs");
    std::string ellipsis;
    for (auto [i, part] : llvm::enumerate(parts)) {
      Entry x = getInput(node, i);
      std::string named = part.str();
      size_t dots = named.find("...");
      int64_t open = int64_t(x.shape.size()) - int64_t(named.size()) + (dots == std::string::npos ? 0 : 3);
      std::string digits;
      if (dots != std::string::npos) {
        for (int64_t d = open; d-- > 0;)
          digits += char('0' + d);
        if (open >= 0 && open < 10)
          named.replace(dots, 3, digits);
        if (digits.size() > ellipsis.size())
          ellipsis = digits;
      }
      if (named.size() != x.shape.size() || open < 0 || open >= 10 ||
          !llvm::all_of(named, [](char c) { return llvm::isAlpha(c) || llvm::isDigit(c); }))
        return node.fail("term '" + part + "' does not fit an input of shape " + toString(x.shape));
      terms.push_back({x, named});
      for (auto [letter, size] : llvm::zip(named, x.shape)) {
        int64_t &known = sizes.try_emplace(letter, size).first->second;
        if (known != size && known != 1 && size != 1)
          return node.fail("'" + Twine(letter) + "' is a dimension of size " + Twine(known) + " and one of size " + Twine(size));
        known = std::max(known, size);
      }
    }
    if (explicitOutput) {
      output = right.str();
      if (size_t dots = output.find("..."); dots != std::string::npos)
        output.replace(dots, 3, ellipsis);
    } else {
      // The ellipsis, then letters that occur once, in alphabetical order.
      std::string all;
      for (const Term &term : terms)
        all += term.letters;
      output = ellipsis;
      for (char c = 'A'; c <= 'z'; ++c)
        if (llvm::isAlpha(c) && llvm::count(all, c) == 1)
          output += c;
    }
    for (char c : output)
      if (!sizes.count(c) || llvm::count(output, c) != 1)
        return node.fail("its output '" + output + "' must name dimensions of its inputs, each once");
    return success();
  }

  /// A letter that a term repeats takes the diagonal.
  Term reduceDiagonals(Term term) {
    for (size_t i = 0; i < term.letters.size(); ++i)
      for (size_t j = term.letters.size(); j-- > i + 1;) {
        if (term.letters[i] != term.letters[j] || node.failed())
          continue;
        // Both dimensions to the front, as one, of which every (n + 1)-th element is taken.
        int64_t n = term.value.shape[i];
        if (term.value.shape[j] != n) {
          (void)node.fail("a diagonal needs two dimensions of one size");
          return {};
        }
        Shape permutation{int64_t(i), int64_t(j)}, shape{n * n}, indices;
        std::string letters(1, term.letters[i]);
        for (size_t d = 0; d < term.letters.size(); ++d)
          if (d != i && d != j) {
            permutation.push_back(d);
            shape.push_back(term.value.shape[d]);
            letters += term.letters[d];
          }
        for (int64_t k = 0; k < n; ++k)
          indices.push_back(k * (n + 1));
        term.value = a.gather(a.reshape(a.transpose(term.value, permutation), shape), indices, 0);
        return reduceDiagonals({term.value, letters});
      }
    return term;
  }

  /// Sums over the dimensions that are not in `needed`.
  Term sumOut(const Term &term, const std::string &needed) {
    Shape axes;
    std::string kept;
    for (auto [d, letter] : llvm::enumerate(term.letters))
      if (has(needed, letter))
        kept += letter;
      else
        axes.push_back(d);
    return axes.empty() ? term : Term{a.reduce(ReduceKind::Sum, term.value, axes, false), kept};
  }

  /// Dimensions in the order of `letters`; ones that the term lacks have size 1.
  Entry toOrder(const Term &term, const std::string &letters) {
    Shape permutation, shape;
    if (!term.value.element)
      return {};
    for (char letter : letters) {
      size_t at = term.letters.find(letter);
      shape.push_back(at == std::string::npos ? 1 : term.value.shape[at]);
      if (at != std::string::npos)
        permutation.push_back(at);
    }
    return a.reshape(a.transpose(term.value, permutation), shape);
  }

  Term multiply(const Term &x, const Term &y, const std::string &later) {
    std::string batch, contracted, left, right;
    if (node.failed() || !x.value.element || !y.value.element)
      return {};
    bool broadcasts = false;
    for (char c : x.letters) {
      bool shared = has(y.letters, c);
      (!shared ? left : has(later, c) ? batch : contracted) += c;
      broadcasts |= shared && x.value.shape[x.letters.find(c)] != y.value.shape[y.letters.find(c)];
    }
    for (char c : y.letters)
      if (!has(x.letters, c))
        right += c;
    std::string all = batch + left + right;
    if (contracted.empty() || broadcasts || !isa<FloatType>(x.value.element)) {
      Term product{a.mul(toOrder(x, all + contracted), toOrder(y, all + contracted)), all + contracted};
      return sumOut(product, later);
    }
    auto count = [&](const std::string &letters) {
      Shape shape;
      for (char c : letters)
        shape.push_back(sizes[c]);
      return countElements(shape);
    };
    if (countElements({count(batch), count(left), count(right)}) < 0) {
      (void)node.fail("a product has more than 2^31 elements");
      return {};
    }
    Entry lhs = a.reshape(toOrder(x, batch + left + contracted), {count(batch), count(left), count(contracted)});
    Entry rhs = a.reshape(toOrder(y, batch + contracted + right), {count(batch), count(contracted), count(right)});
    Shape shape;
    for (char c : all)
      shape.push_back(sizes[c]);
    return {a.reshape(a.matmul(lhs, rhs), shape), all};
  }

  Node &node;
  Algebra a;
  SmallVector<Term> terms;
  llvm::DenseMap<char, int64_t> sizes;
  std::string output;
};

LogicalResult importEinsum(Node &node) { return Einsum(node).run(); }

const Operator operators[] = {
    {"Einsum", 12, 21, 1, INT_MAX, Elements::Any, importEinsum, nullptr},
};
} // namespace

ArrayRef<Operator> getEinsumOperators() { return operators; }
} // namespace qc::onnximport
