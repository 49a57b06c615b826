// Changes of dimension order that are left: copies of rows, interleaved planes, or square blocks in registers.
#include "Kernel.h"

#include <numeric>

using namespace mlir;

namespace qc {
namespace {
TransposeOp getTranspose(KernelOp op, std::string &why) {
  Block &block = op.getBody().front();
  auto yield = cast<YieldOp>(block.getTerminator());
  auto transpose = block.getNumArguments() == 1 && yield.getValues().size() == 1
                       ? yield.getValues()[0].getDefiningOp<TransposeOp>()
                       : TransposeOp();
  if (!transpose || transpose.getInput() != block.getArgument(0)) {
    why = "is no transpose alone";
    return {};
  }
  Type type = getElementType(transpose.getInput());
  if (!type.isIntOrFloat() || type.getIntOrFloatBitWidth() > 32 || product(getShape(transpose.getInput())) == 0) {
    why = "no vectors of this type";
    return {};
  }
  return transpose;
}

/// One dimension of the result.
struct Dim {
  int64_t size, from, to; ///< steps in elements of input and result
};

class TransposeEmitter {
public:
  TransposeEmitter(Kernel &k, Flat x, Flat y, ArrayRef<int64_t> permutation) : k(k), x(x), y(y) {
    for (auto [i, d] : llvm::enumerate(permutation)) {
      Dim dim{y.sizes[i], x.strides[d], y.strides[i]};
      if (dim.size == 1)
        continue;
      // Dimensions that stay neighbours are one.
      if (!dims.empty() && dims.back().from == dim.size * dim.from && dims.back().to == dim.size * dim.to)
        dims.back() = {dims.back().size * dim.size, dim.from, dim.to};
      else
        dims.push_back(dim);
    }
    int64_t bits = cast<MemRefType>(x.memory.getType()).getElementTypeBitWidth();
    registerSize = std::max<int64_t>(1, k.isa.lanes * 32 / bits);
    elementBytes = bits / 8;
  }

  void run() {
    if (dims.empty())
      dims.push_back({1, 1, 1});
    const Dim *row = llvm::find_if(dims, [](const Dim &dim) { return dim.from == 1; });
    size_t in = row - dims.begin(), out = dims.size() - 1;
    if (row == dims.end() || dims[out].to != 1 || !k.isa.hasVectors())
      return loop({}, [&](Value from, Value to) { copy(from, to, 1); });
    if (in == out) {
      int64_t width = getWidth(dims[out].size, 4 * registerSize);
      return loop({out}, [&](Value from, Value to) {
        cover(dims[out].size, width, [&](Value at) { copy(k.add(from, at), k.add(to, at), width); });
      });
    }
    const Dim &columns = dims[in], &rows = dims[out]; // result rows are input columns
    // 16 bytes of each plane: what one shuffle of every target takes. AVX2 has twice as wide ones.
    int64_t width = std::max<int64_t>(1, std::min<int64_t>(32, 4 * k.isa.lanes) / elementBytes);
    if (rows.size <= 4 && columns.to == rows.size && columns.size >= width)
      return loop({in, out}, [&](Value from, Value to) {
        cover(columns.size, width, [&](Value at) { interleave(k.add(from, at), k.add(to, k.mul(at, rows.size)), rows, width); });
      });
    if (columns.size <= 4 && rows.from == columns.size && rows.size >= width)
      return loop({in, out}, [&](Value from, Value to) {
        cover(rows.size, width, [&](Value at) { separate(k.add(from, k.mul(at, columns.size)), k.add(to, at), columns, width); });
      });
    if (k.isa.arch == "riscv")
      return loop({in, out}, [&](Value from, Value to) { segments(from, to, rows, columns); });
    int64_t block = getWidth(std::min(rows.size, columns.size), 16 / elementBytes);
    loop({in, out}, [&](Value from, Value to) {
      cover(columns.size, block, [&](Value column) {
        cover(rows.size, block, [&](Value row) {
          Value source = k.add(from, k.add(column, k.mul(row, rows.from)));
          transposeBlock(source, rows.from, k.add(to, k.add(row, k.mul(column, columns.to))), columns.to, block);
        });
      });
    });
  }

private:
  static int64_t getWidth(int64_t size, int64_t most) { return llvm::bit_floor(uint64_t(std::min(size, most))); }

  /// Loops over all dimensions but `inner`. Tasks divide the first of them or, where there is none, what `body` covers first.
  void loop(ArrayRef<size_t> inner, llvm::function_ref<void(Value from, Value to)> body) {
    loop(0, inner, k.index(0), k.index(0), body);
  }
  void loop(size_t i, ArrayRef<size_t> inner, Value from, Value to, llvm::function_ref<void(Value from, Value to)> body) {
    if (i == dims.size())
      return body(from, to);
    if (llvm::is_contained(inner, i))
      return loop(i + 1, inner, from, to, body);
    k.loop(divide(dims[i].size),
           [&](Value iv) { loop(i + 1, inner, k.add(from, k.mul(iv, dims[i].from)), k.add(to, k.mul(iv, dims[i].to)), body); });
  }

  /// Steps of `width`; the last one goes over elements that are done already rather than past the end.
  void cover(int64_t size, int64_t width, llvm::function_ref<void(Value at)> body) {
    Range steps = divide(size / width);
    k.loop(k.mul(steps.low, width), k.mul(steps.high, width), width, {}, [&](Value at, ValueRange) {
      body(at);
      return SmallVector<Value>();
    });
    if (size % width)
      k.atEnd(steps, [&] { body(k.index(size - width)); });
  }

  Range divide(int64_t count) {
    if (isDivided)
      return {k.index(0), k.index(count), count};
    isDivided = true;
    return k.divide(Part::Positions, count);
  }

  void copy(Value from, Value to, int64_t width) {
    if (width == 1)
      return k.storeScalar(k.loadScalar(x.memory, from), y.memory, to);
    k.store(k.load(x.memory, from, width), y.memory, to);
  }

  /// Loads or stores with segments: up to eight registers, whose elements of equal number are neighbours in memory.
  void segments(Value from, Value to, const Dim &rows, const Dim &columns) {
    bool stores = columns.size >= rows.size;
    const Dim &fields = stores ? rows : columns, &elements = stores ? columns : rows;
    int64_t n = getWidth(fields.size, 8), width = getWidth(elements.size, registerSize / 4);
    auto vector = VectorType::get({width}, cast<MemRefType>(x.memory.getType()).getElementType());
    Type i64 = k.b.getI64Type();
    auto number = [&](int64_t value) -> Value { return arith::ConstantIntOp::create(k.b, k.loc, i64, value); };
    Value mask = k.splat(k.b.getI1Type(), 1, width), length = number(width);
    std::string name = ("llvm.riscv.sseg" + Twine(n) + (stores ? ".store.mask" : ".load.mask")).str();
    cover(fields.size, n, [&](Value field) {
      cover(elements.size, width, [&](Value element) {
        auto source = [&](Value f) { return k.add(from, k.add(k.mul(f, fields.from), k.mul(element, elements.from))); };
        auto target = [&](Value f) { return k.add(to, k.add(k.mul(f, fields.to), k.mul(element, elements.to))); };
        if (stores) {
          SmallVector<Value> operands;
          for (int64_t i = 0; i < n; ++i)
            operands.push_back(k.load(x.memory, source(k.add(field, i)), width));
          operands.append({k.getPointer(y.memory, target(field)), number(elements.to * elementBytes), mask, length});
          LLVM::CallIntrinsicOp::create(k.b, k.loc, k.b.getStringAttr(name), operands);
          return;
        }
        SmallVector<Type> types(n, vector);
        Value all = k.intrinsic(name, LLVM::LLVMStructType::getLiteral(k.b.getContext(), types),
                                {k.getPointer(x.memory, source(field)), number(elements.from * elementBytes), mask, length});
        for (int64_t i = 0; i < n; ++i)
          k.store(LLVM::ExtractValueOp::create(k.b, k.loc, all, i), y.memory, target(k.add(field, i)));
      });
    });
  }

  Value shuffle(Value a, Value b, ArrayRef<int64_t> mask) { return vector::ShuffleOp::create(k.b, k.loc, a, b, mask); }

  /// Both vectors behind each other, filled up to `size` with anything.
  Value join(Value a, Value b, int64_t size) {
    int64_t n = cast<VectorType>(a.getType()).getNumElements(), m = cast<VectorType>(b.getType()).getNumElements();
    if (n == m && size == 2 * n)
      return shuffle(a, b, llvm::to_vector(llvm::seq<int64_t>(0, size)));
    SmallVector<int64_t> mask(size, 0);
    std::iota(mask.begin(), mask.begin() + n + std::min(m, size - n), 0);
    return shuffle(a, b, mask);
  }

  /// `width` elements of each of the few planes to elements that lie side by side. Backends know these shuffles by their form.
  void interleave(Value from, Value to, const Dim &planes, int64_t width) {
    int64_t n = planes.size;
    SmallVector<Value> parts;
    for (int64_t p = 0; p < n; ++p)
      parts.push_back(k.load(x.memory, k.add(from, p * planes.from), width));
    Value low = join(parts[0], parts[1], 2 * width);
    Value high = n == 2 ? low : join(parts[2], n == 4 ? parts[3] : parts[2], 2 * width);
    SmallVector<int64_t> mask;
    for (int64_t i = 0; i < width; ++i)
      for (int64_t p = 0; p < n; ++p)
        mask.push_back(p * width + i);
    k.store(shuffle(low, high, mask), y.memory, to);
  }

  void separate(Value from, Value to, const Dim &planes, int64_t width) {
    int64_t n = planes.size;
    Value all = k.load(x.memory, from, n * width);
    for (int64_t p = 0; p < n; ++p) {
      SmallVector<int64_t> mask;
      for (int64_t i = 0; i < width; ++i)
        mask.push_back(i * n + p);
      k.store(shuffle(all, all, mask), y.memory, k.add(to, p * planes.to));
    }
  }

  /// A square of registers, transposed by halves: log2(n) rounds that interleave row i with row i + n/2.
  void transposeBlock(Value from, int64_t fromStep, Value to, int64_t toStep, int64_t n) {
    if (n == 1)
      return copy(from, to, 1);
    SmallVector<Value> rows;
    for (int64_t i = 0; i < n; ++i)
      rows.push_back(k.load(x.memory, k.add(from, i * fromStep), n));
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < n / 2; ++i) {
      low.append({i, n + i});
      high.append({n / 2 + i, n + n / 2 + i});
    }
    for (int64_t round = 1; round < n; round *= 2) {
      SmallVector<Value> next;
      for (int64_t i = 0; i < n / 2; ++i) {
        next.push_back(shuffle(rows[i], rows[i + n / 2], low));
        next.push_back(shuffle(rows[i], rows[i + n / 2], high));
      }
      rows = next;
    }
    for (int64_t i = 0; i < n; ++i)
      k.store(rows[i], y.memory, k.add(to, i * toStep));
  }

  Kernel &k;
  Flat x, y;
  SmallVector<Dim> dims;
  int64_t registerSize, elementBytes;
  bool isDivided = false;
};
} // namespace

std::string planTranspose(KernelOp op, const Isa &) {
  std::string why;
  (void)getTranspose(op, why);
  return why;
}

LogicalResult emitTranspose(Kernel &k) {
  std::string why;
  TransposeOp transpose = getTranspose(k.op, why);
  if (!transpose)
    return k.op.emitError() << why;
  auto x = k.getInput(transpose.getInput());
  auto y = k.getResult();
  if (failed(x) || failed(y))
    return failure();
  TransposeEmitter(k, *x, *y, transpose.getPermutation()).run();
  return success();
}

Division divideTranspose(KernelOp op, const Isa &isa) {
  std::string why;
  TransposeOp transpose = getTranspose(op, why);
  if (!transpose)
    return {};
  // What the outermost loop runs over depends on the buffers; it has at least a few steps where there are many elements.
  int64_t elements = product(getShape(transpose.getInput()));
  int64_t bytes = std::max(8u, getElementType(transpose.getInput()).getIntOrFloatBitWidth()) / 8;
  Division d;
  d.positions = std::max<int64_t>(elements / (1024 * isa.lanes), 1);
  d.cycles = double(elements * bytes) / double(d.positions) / double(isa.lanes);
  return d;
}
} // namespace qc
