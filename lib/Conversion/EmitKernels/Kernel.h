// What the emitters of this folder share: buffers as flat memory, index arithmetic, 1-D vectors, constants, and what happens to
// accumulators before they are stored.
#ifndef QC_LIB_CONVERSION_EMITKERNELS_KERNEL_H
#define QC_LIB_CONVERSION_EMITKERNELS_KERNEL_H

#include "qc/Conversion/Passes.h"
#include "qc/Dialect/QC/IR/QC.h"
#include "qc/Target/Kernels.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace qc {
using mlir::ArrayRef;
using mlir::Location;
using mlir::LogicalResult;
using mlir::OpBuilder;
using mlir::SmallVector;
using mlir::Type;
using mlir::Value;
using mlir::ValueRange;
using mlir::VectorType;

/// One-dimensional constants of the module; equal ones are one.
class ConstantPool {
public:
  explicit ConstantPool(mlir::ModuleOp module);
  /// `memref<NxT>` with the given numbers, seen from where `b` stands.
  Value get(OpBuilder &b, Location loc, Type element, ArrayRef<int64_t> values);
  Value get(OpBuilder &b, Location loc, ArrayRef<int8_t> values);
  Value get(OpBuilder &b, Location loc, ArrayRef<float> values);

private:
  template <typename T> Value getOf(OpBuilder &b, Location loc, Type element, ArrayRef<T> values);
  mlir::SymbolTable symbols;
  mlir::Block *body;
  llvm::StringMap<mlir::FlatSymbolRefAttr> known; ///< type and SHA-1 of the numbers to name
};

/// A buffer as flat memory: element [i, j, ...] lies at i*strides[0] + j*strides[1] + ...; the last stride is 1.
struct Flat {
  Value memory; ///< memref<NxT>
  SmallVector<int64_t> sizes, strides;
  Type code; ///< element type as qc writes it: i8 signed, ui8 unsigned, i32, f32

  /// True if all dimensions but the last are one dimension of equal steps.
  bool isCollapsible() const;
  /// [.., .., C] as [P, C].
  Flat collapse() const;
};

/// Units [low, high) of `count`.
struct Range {
  Value low, high;
  int64_t count;
};

/// The two dimensions in which a kernel may be divided into tasks.
enum class Part { Positions, Channels };

/// One kernel under construction. Emits at `b`.
class Kernel {
public:
  Kernel(KernelOp op, const Isa &isa, OpBuilder &b, ConstantPool &constants)
      : op(op), isa(isa), b(b), loc(op.getLoc()), constants(constants) {}

  KernelOp op;
  const Isa &isa;
  OpBuilder &b;
  Location loc;
  ConstantPool &constants;

  /// The buffer of a block argument of the region, or of destination `i`. Fails where strides are not known.
  mlir::FailureOr<Flat> getInput(Value argument);
  mlir::FailureOr<Flat> getResult(unsigned i = 0);
  /// Scratch as `memref<NxT>` from byte `offset` on, `count` elements.
  Value getScratch(Type element, int64_t offset, int64_t count);

  /// Of a divided kernel, inside its qc.parallel.
  Value task, slot;
  /// What the task at hand does of `count` units: all of them where the kernel is not divided in this dimension. Parts differ by
  /// one unit at most; one may be empty.
  Range divide(Part part, int64_t count);
  /// The same as rows of one of `batch` images of `rows` rows each.
  Range divideRows(int64_t batch, int64_t rows, Value image);
  /// `body` for those units of `range` that lie below `full`; `last` where the unit behind them is one of the range's.
  void loop(const Range &range, int64_t full, llvm::function_ref<void(Value iv)> body, llvm::function_ref<void()> last);
  void loop(const Range &range, llvm::function_ref<void(Value iv)> body) { loop(range, range.count, body, nullptr); }
  /// `body` where `range` reaches its end.
  void atEnd(const Range &range, llvm::function_ref<void()> body);
  /// What of `tasks` no loop has been divided by; "" if all have.
  std::string getUndivided();

  // Index arithmetic; constants fold.
  Value index(int64_t value);
  Value add(Value x, Value y);
  Value add(Value x, int64_t y) { return y ? add(x, index(y)) : x; }
  Value sub(Value x, Value y);
  Value mul(Value x, int64_t y);
  Value min(Value x, Value y);
  Value max(Value x, Value y);
  /// sum of positions[i] * strides[i]
  Value offset(ValueRange positions, ArrayRef<int64_t> strides);

  // Vectors and scalars; `count` 1 gives a scalar where `asVector` is false.
  Value load(Value memory, Value offset, int64_t count);
  Value loadScalar(Value memory, Value offset);
  void store(Value vector, Value memory, Value offset);
  void storeScalar(Value scalar, Value memory, Value offset);
  Value splat(Type element, int64_t value, int64_t count);
  Value splat(double value, int64_t count);
  Value broadcast(Value scalar, int64_t count);
  Value bitcast(Value vector, Type element);
  /// Elements `first` to `first + count - 1`.
  Value slice(Value vector, int64_t first, int64_t count);
  Value concat(ArrayRef<Value> vectors);         ///< of equal types; their number is a power of two
  Value extend(Value value, Type code, Type to); ///< integers, by the signedness of `code`
  Value truncate(Value value, Type to);
  /// The address of an element, for intrinsics that access memory; pointers have 64 bits.
  Value getPointer(Value memory, Value offset);
  Value intrinsic(llvm::StringRef name, Type result, ValueRange operands);
  /// An index in a register (of 64 bits) that the optimizer cannot see through, so that it stays an operand of addresses.
  Value hide(Value value);

  /// `scf.for` from 0; one iteration is no loop. `body` gets the induction variable and the carried values, returns the next
  /// ones.
  using LoopFn = llvm::function_ref<SmallVector<Value>(Value iv, ValueRange carried)>;
  SmallVector<Value> loop(Value low, Value high, int64_t step, ValueRange init, LoopFn body);
  SmallVector<Value> loop(int64_t count, int64_t step, ValueRange init, LoopFn body);
  void loop(int64_t count, llvm::function_ref<void(Value iv)> body) {
    loop(count, 1, {}, [&](Value iv, ValueRange) {
      body(iv);
      return SmallVector<Value>();
    });
  }

private:
  bool isDivided[2] = {false, false};
};

/// Vector of `lanes` elements of which the first `count` are read from memory, nothing else.
Value loadPart(Kernel &k, Value memory, Value offset, int64_t count, int64_t lanes);

/// The ops behind the accumulators of a kernel: bias is not part of it, requantization, residual addition, clamps and tables are.
class Epilogue {
public:
  /// Follows the single uses of `acc` (the result of the kernel's main op, any layout change behind it) to the yielded value.
  /// `collapsed`: positions are one index over all leading dimensions instead of one per dimension.
  static mlir::FailureOr<Epilogue> create(Kernel &k, Value acc, bool collapsed);
  /// Why the ops behind `acc` cannot be an epilogue; "" if they can. Needs no buffers.
  static std::string check(Value acc);

  /// `accs`, as many for each position, hold `isa.lanes` neighbouring channels each, from `channel` on, of the output elements at
  /// `positions` (without the channel); only the first `count` channels exist.
  void storeTile(ArrayRef<Value> accs, ArrayRef<SmallVector<Value>> positions, Value channel, int64_t count);
  void store(ArrayRef<Value> accs, ValueRange position, Value channel, int64_t count) {
    storeTile(accs, SmallVector<Value>(position), channel, count);
  }
  /// True if the chain begins with what reads its codes one by one, so that their place in memory helps: `storeFrom`.
  bool readsSingleCodes() const;
  /// The same of one position, whose codes lie in `memory` from `offset` on.
  void storeFrom(Value memory, Value offset, ArrayRef<Value> codes, ValueRange position, Value channel, int64_t count);

  /// Makes all elements one row (no position, the channel is the element) if buffers have no gaps and all channels share their
  /// parameters.
  bool mergePositions();
  /// Where the chain begins with codes of 8 bits, `accs` may be them, as stored, in vectors of this many.
  int64_t getCodeLanes() const;
  const Flat &getResult() const { return result; }

private:
  struct Step {
    mlir::Operation *op = nullptr;
    Value table;                ///< of a qc.lut
    SmallVector<Flat> operands; ///< the other inputs of a residual addition
    unsigned carried = 0;       ///< which input is the value at hand
    std::shared_ptr<class Requantizer> requantizer;
  };
  Epilogue(Kernel &k) : k(&k) {}
  bool canBeNarrow(uint64_t bound);
  void emitHalves(ArrayRef<Value> accs, ValueRange position, Value channel, int64_t count,
                  llvm::SmallVectorImpl<struct Half> &all, int64_t &zero);
  void storeNarrow(ArrayRef<SmallVector<Value>> accs, ArrayRef<SmallVector<Value>> positions, Value channel, int64_t count);
  void storeWide(ArrayRef<Value> accs, ValueRange position, Value channel, int64_t count, Value memory = Value(),
                 Value offset = Value());
  Value loadOperand(const Flat &operand, ValueRange position, Value channel, int64_t count, int64_t lanes);
  void storePart(Value vector, ValueRange position, Value channel, int64_t count);
  Kernel *k;
  Flat result;
  SmallVector<Step> steps;
  bool narrow = false; ///< codes are made in 16 bits
};

/// The channels-last block argument whose channel-first form is `value`; null if there is none.
Value getChannelsLastInput(Value value);
/// The channels-last form of the channel-first `value`, its only use; null if there is none.
Value getChannelsLastResult(Value value);

/// Panel.cpp: copies between a buffer and scratch. `count` elements from `from` + `fromOffset`, each `shift` added (modulo the
/// type) or extended to the type of `to` by the signedness of `code`.
void copyRun(Kernel &k, Value from, Value fromOffset, Type code, int64_t shift, Value to, Value toOffset, int64_t count);
void fillRun(Kernel &k, Value to, Value toOffset, int64_t value, int64_t count);

/// What may be divided among tasks, and its cost: units, and about how many cycles they take.
struct Division {
  int64_t positions = 1, channels = 1; ///< units, of which each task takes a run
  double cycles = 0;                   ///< of one unit of positions times one of channels
  double fill = 0, fillChannels = 0;   ///< to fill scratch for one unit of positions, and for one of channels of it
  int64_t overlap = 0;                 ///< units of positions that two neighbouring tasks both fill
  /// Work of the same tasks, done after this.
  void add(const Division &next);
};

/// Contraction.cpp: convolutions and products with constant weights. Decides dot kernel, tile and scratch of a kernel that holds
/// one; the reason if it cannot be one.
std::string planContraction(KernelOp op, const Isa &isa);
LogicalResult emitContraction(Kernel &k);
Division divideContraction(KernelOp op, const Isa &isa);

/// Winograd.cpp: convolutions 3x3 of stride 1 with fewer multiplications.
std::string planWinograd(KernelOp op, const Isa &isa);
LogicalResult emitWinograd(Kernel &k);
Division divideWinograd(KernelOp op, const Isa &isa);

/// Depthwise.cpp: convolutions with one input channel per output channel.
std::string planDepthwise(KernelOp op, const Isa &isa);
LogicalResult emitDepthwise(Kernel &k);
Division divideDepthwise(KernelOp op, const Isa &isa);
/// Pool.cpp: pooling and spatial reductions, channels last.
std::string planPool(KernelOp op, const Isa &isa);
LogicalResult emitPool(Kernel &k);
Division dividePool(KernelOp op, const Isa &isa);
/// Transpose.cpp: changes of dimension order that stand alone.
std::string planTranspose(KernelOp op, const Isa &isa);
LogicalResult emitTranspose(Kernel &k);
Division divideTranspose(KernelOp op, const Isa &isa);
/// Pointwise.cpp: requantizations (one or several inputs), tables, clamps without a main op.
std::string planPointwise(KernelOp op, const Isa &isa);
LogicalResult emitPointwise(Kernel &k);
Division dividePointwise(KernelOp op, const Isa &isa);

/// The kernel's dot kernel and its tile of two numbers, or three where `mostNumbers` allows that; nothing if one is missing, the
/// row is unknown or a number is not positive.
struct DotDecision {
  const DotKernel *dot;
  int64_t rows, vectors;
};
std::optional<DotDecision> getDotDecision(KernelOp op, size_t mostNumbers = 3);

/// One row per `form`.
struct KernelForm {
  llvm::StringLiteral name;
  std::string (*plan)(KernelOp op, const Isa &isa);
  LogicalResult (*emit)(Kernel &k);
  Division (*divide)(KernelOp op, const Isa &isa); ///< of a kernel that has been planned
};
ArrayRef<KernelForm> getKernelForms();
/// `isa` with the lanes that the kernel's tile says.
mlir::FailureOr<Isa> getUsedIsa(KernelOp op, const Isa &isa);
} // namespace qc

#endif // QC_LIB_CONVERSION_EMITKERNELS_KERNEL_H
