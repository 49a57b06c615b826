// Turns the channels between linear layers by orthonormal matrices.
#include "CollectMoments.h"
#include "Quantizable.h"
#include "SplitMix.h"
#include "qc/Transforms/Passes.h"

#include <Eigen/Dense>

#include <numeric>

using namespace mlir;

namespace qc {
#define GEN_PASS_DEF_ROTATELAYERS
#include "qc/Transforms/Passes.h.inc"

namespace {
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A constant that takes the matrix in along the middle of [outer][channels][inner]. A whole number of matrices fits into
/// `channels`.
struct Factor {
  OpOperand *operand;
  int64_t channels, inner;
};

/// Values whose channels turn together. Channels are the last axis of rows, or axis 1 of images; of rows so many neighbours turn
/// that no op between them separates what belongs together.
struct Space {
  bool isRows;
  int64_t size = 0;
  llvm::SetVector<Value> values;
  SmallVector<Operation *> givers, readers;
  SmallVector<Factor> factors; ///< of both
  SmallVector<NormalizeOp> normalizations;
};

int64_t getChannels(Value value, bool isRows) { return isRows ? getShape(value).back() : getShape(value)[1]; }

bool hasClamp(Operation *op) {
  auto clamp = dyn_cast<ClampOpInterface>(op);
  return clamp && (clamp.getClampMin() || clamp.getClampMax());
}

bool isFloatConstant(Value value) { return getConstant(value) && isFloatTensor(value); }

/// Follows values through linear ops, in both directions.
class Explorer {
public:
  explicit Explorer(bool isRows) { space.isRows = isRows; }

  /// Empty if everything that `value` is connected with is linear; else what is not.
  std::string explore(Value value) {
    open.push_back(value);
    while (!open.empty() && why.empty()) {
      Value next = open.pop_back_val();
      if (!space.values.insert(next))
        continue;
      space.size = std::gcd(space.size, getChannels(next, space.isRows));
      visitSource(next);
      for (OpOperand &use : next.getUses())
        if (why.empty())
          visitUse(use);
    }
    for (NormalizeOp normalize : space.normalizations)
      if (why.empty() && normalize.getRowLength() != space.size)
        why = "the normalization " + describeNode(normalize) + " is of " + std::to_string(normalize.getRowLength()) +
              " channels, of which only " + std::to_string(space.size) + " stay together";
    return why;
  }

  Space space;

private:
  void refuse(Operation *op, StringRef what) { why = describeNode(op) + " " + what.str(); }

  void addFactor(OpOperand &operand, bool isWeightOfReader) {
    Value value = operand.get();
    Operation *op = operand.getOwner();
    ArrayRef<int64_t> shape = getShape(value);
    bool isBias = operand.getOperandNumber() > 1, isConv = isa<ConvOp>(op);
    if (isWeightOfReader)
      space.factors.push_back({&operand, shape[isConv], product(shape.drop_front(isConv ? 2 : 1))});
    else if (isConv && !isBias)
      space.factors.push_back({&operand, shape[0], product(shape.drop_front())});
    else
      space.factors.push_back({&operand, space.isRows ? shape.back() : shape[isBias ? 0 : 1],
                               space.isRows || isBias ? 1 : product(shape.drop_front(2))});
  }

  /// What both directions pass through: the op's other values join.
  bool visitLinear(Operation *op) {
    if (op->getNumResults() != 1)
      return false;
    auto channels = [&](Value value) { return getChannels(value, space.isRows); };
    Value result = op->getResult(0);
    if (isa<AddOp, SubOp>(op) && !hasClamp(op)) {
      for (OpOperand &operand : op->getOpOperands()) {
        Value value = operand.get();
        if (getShape(value).size() != getShape(result).size() && !space.isRows)
          return false;
        if (getShape(value).empty() || channels(value) != channels(result))
          return false;
        if (!isFloatConstant(value))
          open.push_back(value);
        else if (llvm::none_of(space.factors, [&](const Factor &factor) { return factor.operand == &operand; }))
          addFactor(operand, false);
      }
      open.push_back(result);
      return true;
    }
    auto transpose = dyn_cast<TransposeOp>(op);
    int64_t last = int64_t(getShape(result).size()) - 1;
    if (space.isRows && (isa<ReshapeOp>(op) || (transpose && transpose.getPermutation().back() == last))) {
      if (getShape(result).empty() || getShape(op->getOperand(0)).empty())
        return false;
      open.append({op->getOperand(0), result});
      return true;
    }
    if (auto pool = dyn_cast<PoolOp>(op); pool && !space.isRows && pool.getKind() != PoolKind::Max) {
      open.append({op->getOperand(0), result});
      return true;
    }
    auto normalize = dyn_cast<NormalizeOp>(op);
    if (normalize && space.isRows && normalize.getKind() == NormalizeKind::Rms && !normalize.getBias() &&
        int64_t(normalize.getFirstAxis()) == last && int64_t(normalize.getLastAxis()) == last &&
        (!normalize.getScale() ||
         (isFloatConstant(normalize.getScale()) && product(getShape(normalize.getScale())) == getShape(result).back()))) {
      if (!llvm::is_contained(space.normalizations, normalize))
        space.normalizations.push_back(normalize);
      open.append({normalize.getInput(), result});
      return true;
    }
    return false;
  }

  bool isProductOfActivations(Operation *op) {
    return space.isRows && isa<MatmulOp>(op) && op->getNumOperands() == 2 && !hasClamp(op) && !getConstant(op->getOperand(0)) &&
           !getConstant(op->getOperand(1)) && getShape(op->getResult(0)).size() >= 2;
  }

  void visitSource(Value value) {
    Operation *op = value.getDefiningOp();
    if (!op) {
      why = "the network's input has these channels";
      return;
    }
    if (isFloatConstant(value))
      return refuse(op, "is a constant that moves");
    if (auto contraction = Contraction::get(op); contraction && contraction->isProduct == space.isRows) {
      for (OpOperand &operand : llvm::drop_begin(op->getOpOperands()))
        if (!isFloatConstant(operand.get()))
          return refuse(op, "has weights or a bias that are not f32 constants");
      if (hasClamp(op))
        return refuse(op, "limits its result, which is not linear");
      if (contraction->groups != 1)
        return refuse(op, "has groups of channels");
      space.givers.push_back(op);
      for (OpOperand &operand : llvm::drop_begin(op->getOpOperands()))
        addFactor(operand, false);
      return;
    }
    if (isa<TakeOp>(op) && space.isRows && isFloatConstant(op->getOperand(0)) && getShape(op->getOperand(0)).size() == 2) {
      space.givers.push_back(op);
      return addFactor(op->getOpOperand(0), false);
    }
    if (isProductOfActivations(op)) {
      open.push_back(op->getOperand(1));
      return;
    }
    if (!visitLinear(op))
      refuse(op, "(" + op->getName().getStringRef().str() + ") gives these channels and is not linear in them");
  }

  void visitUse(OpOperand &use) {
    Operation *op = use.getOwner();
    auto contraction = Contraction::get(op);
    if (contraction && use.getOperandNumber() == 0 && contraction->isProduct == space.isRows) {
      if (!isFloatConstant(op->getOperand(1)))
        return refuse(op, "has weights that are not f32 constants");
      if (contraction->groups != 1)
        return refuse(op, "reads groups of channels");
      space.readers.push_back(op);
      return addFactor(op->getOpOperand(1), true);
    }
    if (isProductOfActivations(op) && use.getOperandNumber() == 1) {
      open.push_back(op->getResult(0));
      return;
    }
    if (isa<func::ReturnOp>(op)) {
      why = "they are a result of the network";
      return;
    }
    if (!visitLinear(op))
      refuse(op, "(" + op->getName().getStringRef().str() + ") reads these channels and is not linear in them");
  }

  SmallVector<Value> open;
  std::string why;
};

/// Puts changed numbers in the place of a constant operand.
void replaceConstant(OpOperand &operand, llvm::function_ref<void(MutableArrayRef<float>)> change) {
  Value old = operand.get();
  SmallVector<float> values = getFloats(getConstant(old));
  change(values);
  OpBuilder builder(operand.getOwner());
  operand.set(
      ConstantOp::create(builder, old.getLoc(), makeElements(cast<RankedTensorType>(old.getType()), ArrayRef<float>(values))));
  if (old.use_empty())
    old.getDefiningOp()->erase();
}

/// new[o][j][t] = sum_i old[o][i][t] q[i][j]: x Q of what is given, Q^T W of what reads.
void turn(const Factor &factor, const Matrix &q) {
  int64_t size = q.rows(), inner = factor.inner;
  replaceConstant(*factor.operand, [&](MutableArrayRef<float> values) {
    Matrix part(size, inner);
    for (int64_t first = 0; first < int64_t(values.size()); first += size * inner) {
      for (int64_t i = 0; i < size * inner; ++i)
        part.data()[i] = values[first + i];
      Matrix turned = q.transpose() * part;
      for (int64_t i = 0; i < size * inner; ++i)
        values[first + i] = float(turned.data()[i]);
    }
  });
}

/// A Hadamard matrix, of the largest power of two in `size`, times a random orthonormal one of the odd rest, with random signs.
Matrix getHadamard(int64_t size, uint64_t seed) {
  SplitMix random{seed};
  int64_t power = size & -size, odd = size / power;
  Matrix block(odd, odd);
  for (int64_t i = 0; i < odd; ++i) {
    for (int64_t k = 0; k < odd; ++k)
      block(i, k) = double(int64_t(random.next() >> 11)) * 0x1p-52 - 1;
    // Twice is enough to be orthogonal to all digits.
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t k = 0; k < i; ++k)
        block.row(i) -= block.row(i).dot(block.row(k)) * block.row(k);
    block.row(i).normalize();
  }
  Matrix result(size, size);
  double scale = 1 / std::sqrt(double(power));
  for (int64_t i = 0; i < size; ++i) {
    double sign = random.next() >> 63 ? -scale : scale;
    for (int64_t k = 0; k < size; ++k)
      result(i, k) = sign * (llvm::popcount(uint64_t(i / odd & k / odd)) & 1 ? -1 : 1) * block(i % odd, k % odd);
  }
  return result;
}

/// The eigenvectors of `moments`, that of the largest eigenvalue first, each with its largest part above 0.
Matrix getEigenvectors(const Matrix &moments) {
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(moments);
  Matrix q = solver.eigenvectors().rowwise().reverse();
  for (int64_t k = 0; k < q.cols(); ++k) {
    Eigen::Index largest;
    q.col(k).cwiseAbs().maxCoeff(&largest);
    if (q(largest, k) < 0)
      q.col(k) = -q.col(k);
  }
  return q;
}

struct RotateLayers : impl::RotateLayersBase<RotateLayers> {
  using RotateLayersBase::RotateLayersBase;

  void getDependentDialects(DialectRegistry &registry) const override { registerNetworkDialects(registry); }

  void runOnOperation() override {
    auto fail = [&](const Twine &what) {
      emitError(getOperation().getLoc()) << what;
      return signalPassFailure();
    };
    if (basis != "hadamard" && basis != "eigen")
      return fail("basis=" + basis + ": use one of hadamard, eigen");
    if (basis == "eigen" && samples.empty())
      return fail("basis=eigen needs calibration samples: give samples=<file.npz>");
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal())
        if (llvm::Error error = rotate(function))
          return fail(llvm::toString(std::move(error)));
  }

private:
  llvm::Error rotate(func::FuncOp function) {
    std::vector<Space> spaces = findSpaces(function);
    for (const Space &space : spaces)
      for (NormalizeOp normalize : space.normalizations)
        foldScales(normalize);
    std::vector<Matrix> matrices;
    if (basis == "eigen") {
      if (llvm::Error error = collectMoments(function, spaces, matrices))
        return error;
      for (Matrix &matrix : matrices)
        matrix = getEigenvectors(matrix);
    } else {
      for (auto [i, space] : llvm::enumerate(spaces))
        matrices.push_back(getHadamard(space.size, i));
    }
    Builder b(&getContext());
    SmallVector<Attribute> rows;
    auto names = [&](ArrayRef<Operation *> ops) {
      return b.getArrayAttr(llvm::map_to_vector(
          ops, [&](Operation *op) -> Attribute { return b.getStringAttr(StringRef(describeNode(op)).trim('\'')); }));
    };
    for (auto [space, matrix] : llvm::zip_equal(spaces, matrices)) {
      for (const Factor &factor : space.factors)
        turn(factor, matrix);
      rows.push_back(b.getDictionaryAttr(
          {b.getNamedAttr("basis", b.getStringAttr(basis)), b.getNamedAttr("channels", b.getI64IntegerAttr(space.size)),
           b.getNamedAttr("givers", names(space.givers)), b.getNamedAttr("readers", names(space.readers))}));
    }
    function->setAttr("qc.rotation", b.getArrayAttr(rows));
    return llvm::Error::success();
  }

  /// What can be turned; remarks for the rest.
  static std::vector<Space> findSpaces(func::FuncOp function) {
    std::vector<Space> spaces;
    llvm::DenseSet<Value> known;
    for (const Contraction &contraction : getContractions(function)) {
      Value value = contraction.op->getOperand(0);
      if (known.contains(value))
        continue;
      Explorer explorer(contraction.isProduct);
      std::string why = explorer.explore(value);
      Space &space = explorer.space;
      known.insert(space.values.begin(), space.values.end());
      if (why.empty())
        why = whyNotFolded(space);
      if (why.empty() && space.size < 2)
        why = "there is only one";
      if (!why.empty()) {
        emitRemark(contraction.op->getLoc())
            << "the channels that " << describeNode(contraction.op) << " reads are not turned: " << why;
        continue;
      }
      auto inOrder = [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); };
      llvm::sort(space.givers, inOrder);
      llvm::sort(space.readers, inOrder);
      spaces.push_back(std::move(space));
    }
    return spaces;
  }

  /// The readers of what `normalize` gives that its scales can go into; failure if something else reads it.
  static LogicalResult collectReaders(Value value, SmallVectorImpl<Operation *> &readers) {
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      if (Contraction::get(op) && use.getOperandNumber() == 0)
        readers.push_back(op);
      else if (!isa<ReshapeOp, TransposeOp>(op) || getShape(op->getResult(0)).back() != getShape(value).back() ||
               failed(collectReaders(op->getResult(0), readers)))
        return failure();
    }
    return success();
  }

  static std::string whyNotFolded(const Space &space) {
    for (NormalizeOp normalize : space.normalizations)
      if (SmallVector<Operation *> readers; normalize.getScale() && failed(collectReaders(normalize.getResult(), readers)))
        return "the scales of " + describeNode(normalize) + " cannot go into all that reads it";
    return "";
  }

  /// Moves the scales of a normalization into the weights that read it.
  static void foldScales(NormalizeOp normalize) {
    if (!normalize.getScale())
      return;
    SmallVector<Operation *> readers;
    (void)collectReaders(normalize.getResult(), readers);
    Value scale = normalize.getScale();
    SmallVector<float> scales = getFloats(getConstant(scale));
    for (Operation *reader : readers)
      replaceConstant(reader->getOpOperand(1), [&](MutableArrayRef<float> values) {
        int64_t columns = int64_t(values.size()) / int64_t(scales.size());
        for (auto [i, value] : llvm::enumerate(values))
          value *= scales[int64_t(i) / columns];
      });
    normalize.getScaleMutable().clear();
    if (scale.use_empty())
      scale.getDefiningOp()->erase();
  }

  /// Second moments of what the readers of each space read, each read value with the same weight.
  llvm::Error collectMoments(func::FuncOp function, ArrayRef<Space> spaces, std::vector<Matrix> &moments) {
    for (const Space &space : spaces)
      moments.push_back(Matrix::Zero(space.size, space.size));
    if (spaces.empty())
      return llvm::Error::success();
    struct Place {
      Operation *reader;
      size_t space;
    };
    std::vector<Place> places;
    llvm::DenseSet<Value> read;
    for (auto [i, space] : llvm::enumerate(spaces))
      for (Operation *reader : space.readers)
        if (read.insert(reader->getOperand(0)).second)
          places.push_back({reader, i});
    llvm::sort(places, [](const Place &a, const Place &b) { return a.reader->isBeforeInBlock(b.reader); });
    auto stream =
        openStream(function, samples, llvm::map_to_vector(places, [](const Place &place) { return place.reader; }), memory);
    if (!stream)
      return stream.takeError();
    int64_t count = stream->getSamples();
    for (const Place &place : places) {
      if (failed(stream->advance(place.reader)))
        return llvm::createStringError("the network could not be compiled for its moments");
      const Space &space = spaces[place.space];
      Value value = place.reader->getOperand(0);
      int64_t inner = space.isRows ? 1 : product(getShape(value).drop_front(2));
      Matrix sum = Matrix::Zero(space.size, space.size);
      std::vector<float> values;
      for (int64_t i = 0; i < count; ++i) {
        stream->read(value, i, values);
        // Rows lie one behind another, the positions of an image side by side.
        using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
        int64_t columns = space.isRows ? space.size : inner, block = space.isRows ? int64_t(values.size()) : space.size * inner;
        for (int64_t first = 0; first < int64_t(values.size()); first += block) {
          Matrix part = Eigen::Map<const Floats>(&values[first], block / columns, columns).cast<double>();
          sum += space.isRows ? Matrix(part.transpose() * part) : Matrix(part * part.transpose());
        }
      }
      if (sum.trace() > 0)
        moments[place.space] += sum / sum.trace();
    }
    return llvm::Error::success();
  }
};
} // namespace
} // namespace qc
