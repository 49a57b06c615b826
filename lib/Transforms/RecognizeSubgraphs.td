// The sub-graphs that exporters write for softmax and normalization, and what each of them becomes.
#ifndef QC_RECOGNIZE_SUBGRAPHS
#define QC_RECOGNIZE_SUBGRAPHS

include "qc/Dialect/QC/IR/QCOps.td"
include "mlir/IR/PatternBase.td"

// Arguments: a kind is the attribute of the op that bears it.
def IsSqrt : Constraint<CPred<"isKind($0, ::qc::ActivationKind::Sqrt)">>;
def IsReciprocal : Constraint<CPred<"isKind($0, ::qc::ActivationKind::Reciprocal)">>;
def IsExp : Constraint<CPred<"isKind($0, ::qc::ActivationKind::Exp)">>;
def IsLog : Constraint<CPred<"isKind($0, ::qc::ActivationKind::Log)">>;
def IsPow : Constraint<CPred<"isKind($0, ::qc::BinaryKind::Pow)">>;
def IsMean : Constraint<CPred<"isKind($0, ::qc::ReduceKind::Mean)">>;
def IsSum : Constraint<CPred<"isKind($0, ::qc::ReduceKind::Sum)">>;
def IsMax : Constraint<CPred<"isKind($0, ::qc::ReduceKind::Max)">>;
/// A constant that is one number: any that is not negative, 1, 2, -1/2, any above 0.
def IsEpsilon : Constraint<CPred<"isNumber($0, [](float v) { return v >= 0; })">>;
def IsTiny : Constraint<CPred<"isNumber($0, [](float v) { return v >= 0 && v <= 1e-10f; })">>;
def IsOne : Constraint<CPred<"isNumber($0, [](float v) { return v == 1; })">>;
def IsTwo : Constraint<CPred<"isNumber($0, [](float v) { return v == 2; })">>;
def IsInverseRoot : Constraint<CPred<"isNumber($0, [](float v) { return v == -0.5f; })">>;
def IsPositive : Constraint<CPred<"isNumber($0, [](float v) { return v > 0 && std::isfinite(v); })">>;
/// Numbers that are 0 or so low that exp of them is nothing, constant or computed of one integer or boolean tensor.
def IsAdditiveMask : Constraint<CPred<"isAdditiveMask($0)">>;
/// A constant condition, or one that is computed of integers and booleans.
def IsCondition : Constraint<CPred<"isCondition($0)">>;
def IsLowest : Constraint<CPred<"isNumber($0, [](float v) { return v <= -1e4f; })">>;
/// Axes next to each other, of a reduction that keeps them.
def AreRows : Constraint<CPred<"areRows($0, $1)">>;
def AreSame : Constraint<CPred<"$0 == $1">>;
/// A reduction over one axis that it keeps.
def IsOneAxis : Constraint<CPred<"isOneAxis($0, $1)">>;
def IsFloat : Constraint<CPred<"::qc::getElementType($0).isF32()">>;
def IsAbsent : Constraint<CPred<"!$0">>;
/// The value has the shape of the other: nothing was broadcast.
def HasShapeOf : Constraint<CPred<"::qc::getShape($0) == ::qc::getShape($1)">>;
def HasNoClamp : Constraint<CPred<"!$0 && !$1">>;

//===-- Normalization --------------------------------------------------------------------------------------------------------===//

class MakeNormalize<string kind> : NativeCodeCall<"makeNormalize($_builder, $_loc, ::qc::NormalizeKind::" # kind # ", $0, $1, $2)">;

// Mean of squares plus epsilon of the value bound to `x`; the ways to write a square.
defvar Product = (QC_MulOp $x, $x, $_, $_, $_, $_, $_);
defvar Power = (QC_BinaryOp $pow, $x, (QC_ConstantOp $two));
class MeanOf<dag square> { dag value = (QC_AddOp (QC_ReduceOp $mean, square, $axes, $keep, $_), (QC_ConstantOp $epsilon), $_, $_); }

// x over the root, in the ways exporters write it. `v` is what stands under the root.
class Quotients<dag v> {
  dag divided = (QC_DivOp $x, (QC_ActivationOp $sqrt, v, $_, $_), $min, $max);
  dag inverted = (QC_MulOp $x, (QC_ActivationOp $reciprocal, (QC_ActivationOp $sqrt, v, $_, $_), $_, $_), $min, $max, $_, $_, $_);
  dag oneOver = (QC_MulOp $x, (QC_DivOp (QC_ConstantOp $one), (QC_ActivationOp $sqrt, v, $_, $_), $_, $_), $min, $max, $_, $_, $_);
  dag toPower = (QC_MulOp $x, (QC_BinaryOp $inverse, v, (QC_ConstantOp $half)), $min, $max, $_, $_, $_);
}

multiclass Rms<dag square, list<dag> constraints> {
  defvar q = Quotients<MeanOf<square>.value>;
  defvar all = !listconcat(constraints, [(IsFloat $x), (IsMean $mean), (AreRows $axes, $keep), (IsEpsilon $epsilon), (HasNoClamp $min, $max)]);
  def : Pat<q.divided, (MakeNormalize<"Rms"> $x, $axes, $epsilon), !listconcat(all, [(IsSqrt $sqrt)])>;
  def : Pat<q.inverted, (MakeNormalize<"Rms"> $x, $axes, $epsilon), !listconcat(all, [(IsSqrt $sqrt), (IsReciprocal $reciprocal)])>;
  def : Pat<q.oneOver, (MakeNormalize<"Rms"> $x, $axes, $epsilon), !listconcat(all, [(IsSqrt $sqrt), (IsOne $one)])>;
  def : Pat<q.toPower, (MakeNormalize<"Rms"> $x, $axes, $epsilon), !listconcat(all, [(IsPow $inverse), (IsInverseRoot $half)])>;
}
defm : Rms<Product, []>;
defm : Rms<Power, [(IsPow $pow), (IsTwo $two)]>;

// A mean of squares around the mean is a variance.
def : Pat<(QC_NormalizeOp:$rms $kind, (QC_SubOp $x, (QC_ReduceOp $mean, $x, $axes, $keep, $_), $min, $max), $scale, $bias, $first, $last, $epsilon),
          (NativeCodeCall<"makeLayer($_builder, $_loc, $0, $1)"> $x, $rms),
          [(IsMean $mean), (AreRows $axes, $keep), (HasNoClamp $min, $max), (Constraint<CPred<"isRmsOver($0, $1)">> $rms, $axes)]>;

// x / sqrt(sum of squares), with and without something that keeps it from zero.
defvar SumOfSquares = (QC_ReduceOp $sum, Product, $axes, $keep, $_);
def : Pat<(QC_DivOp $x, (QC_ActivationOp $sqrt, SumOfSquares, $_, $_), $min, $max), (MakeNormalize<"L2"> $x, $axes, (NativeCodeCall<"getZero($_builder)">)),
          [(IsFloat $x), (IsSqrt $sqrt), (IsSum $sum), (AreRows $axes, $keep), (HasNoClamp $min, $max)]>;
def : Pat<(QC_DivOp $x, (QC_ActivationOp $sqrt, (QC_AddOp SumOfSquares, (QC_ConstantOp $epsilon), $_, $_), $_, $_), $min, $max),
          (MakeNormalize<"L2"> $x, $axes, $epsilon),
          [(IsFloat $x), (IsSqrt $sqrt), (IsSum $sum), (AreRows $axes, $keep), (IsEpsilon $epsilon), (HasNoClamp $min, $max)]>;
def : Pat<(QC_DivOp $x, (QC_ClampOp (QC_ActivationOp $sqrt, SumOfSquares, $_, $_), $least, $most), $min, $max),
          (NativeCodeCall<"makeClampedL2($_builder, $_loc, $0, $1, $2)"> $x, $axes, $least),
          [(IsFloat $x), (IsSqrt $sqrt), (IsSum $sum), (AreRows $axes, $keep), (IsAbsent $most), (Constraint<CPred<"isSmallLimit($0)">> $least),
           (HasNoClamp $min, $max)]>;

// Behind a normalization, constants are its scale and bias.
def : Pat<(QC_MulOp (QC_NormalizeOp:$y $kind, $x, $scale, $bias, $first, $last, $epsilon), (QC_ConstantOp:$s $value), $min, $max, $_, $_, $_),
          (NativeCodeCall<"addScale($_builder, $_loc, $0, $1)"> $y, $s),
          [(Constraint<CPred<"takesScale($0, $1)">> $y, $s), (HasNoClamp $min, $max)]>;
def : Pat<(QC_AddOp (QC_NormalizeOp:$y $kind, $x, $scale, $bias, $first, $last, $epsilon), (QC_ConstantOp:$b $value), $min, $max),
          (NativeCodeCall<"addBias($_builder, $_loc, $0, $1)"> $y, $b),
          [(Constraint<CPred<"takesBias($0, $1)">> $y, $b), (HasNoClamp $min, $max)]>;

//===-- Magnitude ------------------------------------------------------------------------------------------------------------===//

// The root of two squares, as of a complex number; nothing that exporters add to keep it from zero is worth a code.
defvar OtherProduct = (QC_MulOp $y, $y, $_, $_, $_, $_, $_);
defvar TwoSquares = (QC_AddOp Product, OtherProduct, $min, $max);
def : Pat<(QC_ActivationOp $sqrt, TwoSquares, $_, $_), (NativeCodeCall<"makeHypot($_builder, $_loc, $0, $1)"> $x, $y),
          [(IsFloat $x), (IsSqrt $sqrt), (HasNoClamp $min, $max), (HasShapeOf $x, $y)]>;
def : Pat<(QC_ActivationOp $sqrt, (QC_AddOp TwoSquares, (QC_ConstantOp $epsilon), $min2, $max2), $_, $_),
          (NativeCodeCall<"makeHypot($_builder, $_loc, $0, $1)"> $x, $y),
          [(IsFloat $x), (IsSqrt $sqrt), (IsTiny $epsilon), (HasNoClamp $min, $max), (HasNoClamp $min2, $max2), (HasShapeOf $x, $y)]>;

//===-- Softmax --------------------------------------------------------------------------------------------------------------===//

// exp over the sum of exp, around the maximum or not.
defvar Shifted = (QC_ActivationOp $exp, (QC_SubOp $x, (QC_ReduceOp $max, $x, $maxAxes, $maxKeep, $_), $_, $_), $_, $_);
defvar Again = (QC_ActivationOp $exp2, (QC_SubOp $x, (QC_ReduceOp $max2, $x, $maxAxes2, $maxKeep2, $_), $_, $_), $_, $_);
def : Pat<(QC_DivOp Shifted, (QC_ReduceOp $sum, Again, $axes, $keep, $_), $min, $most),
          (NativeCodeCall<"makeSoftmax($_builder, $_loc, $0, $1)"> $x, $axes),
          [(IsFloat $x), (IsExp $exp), (IsExp $exp2), (IsMax $max), (IsMax $max2), (IsSum $sum), (IsOneAxis $axes, $keep), (IsOneAxis $maxAxes, $maxKeep),
           (AreSame $axes, $maxAxes), (AreSame $axes, $maxAxes2), (AreSame $keep, $maxKeep2), (HasNoClamp $min, $most)]>;

def : Pat<(QC_ActivationOp $log, (QC_SoftmaxOp:$s $x, $mask, $axis, $scale, $isLog), $_, $_),
          (NativeCodeCall<"makeLogSoftmax($_builder, $_loc, $0)"> $s), [(IsLog $log), (IsAbsent $isLog)]>;

// What stands in front of a softmax: a factor, a mask that is added or selected.
def : Pat<(QC_SoftmaxOp:$s (QC_MulOp $x, (QC_ConstantOp $factor), $min, $max, $_, $_, $_), $mask, $axis, $scale, $log),
          (NativeCodeCall<"scaleSoftmax($_builder, $_loc, $0, $1, $2, false)"> $s, $x, $factor),
          [(IsPositive $factor), (HasShapeOf $s, $x), (HasNoClamp $min, $max)]>;
def : Pat<(QC_SoftmaxOp:$s (QC_DivOp $x, (QC_ConstantOp $factor), $min, $max), $mask, $axis, $scale, $log),
          (NativeCodeCall<"scaleSoftmax($_builder, $_loc, $0, $1, $2, true)"> $s, $x, $factor),
          [(IsPositive $factor), (HasShapeOf $s, $x), (HasNoClamp $min, $max)]>;
def : Pat<(QC_SoftmaxOp:$s (QC_AddOp $x, $added, $min, $max), $mask, $axis, $scale, $log),
          (NativeCodeCall<"maskSoftmax($_builder, $_loc, $0, $1, makeMask($_builder, $_loc, $2))"> $s, $x, $added),
          [(IsAdditiveMask $added), (HasShapeOf $s, $x), (HasNoClamp $min, $max)]>;
def : Pat<(QC_SoftmaxOp:$s (QC_AddOp $added, $x, $min, $max), $mask, $axis, $scale, $log),
          (NativeCodeCall<"maskSoftmax($_builder, $_loc, $0, $1, makeMask($_builder, $_loc, $2))"> $s, $x, $added),
          [(IsAdditiveMask $added), (HasShapeOf $s, $x), (HasNoClamp $min, $max)]>;
def : Pat<(QC_SoftmaxOp:$s (QC_SelectOp $condition, $x, (QC_ConstantOp $low)), $mask, $axis, $scale, $log),
          (NativeCodeCall<"maskSoftmax($_builder, $_loc, $0, $1, makeCondition($_builder, $_loc, $2, false))"> $s, $x, $condition),
          [(IsLowest $low), (IsCondition $condition), (HasShapeOf $s, $x)]>;
def : Pat<(QC_SoftmaxOp:$s (QC_SelectOp $condition, (QC_ConstantOp $low), $x), $mask, $axis, $scale, $log),
          (NativeCodeCall<"maskSoftmax($_builder, $_loc, $0, $1, makeCondition($_builder, $_loc, $2, true))"> $s, $x, $condition),
          [(IsLowest $low), (IsCondition $condition), (HasShapeOf $s, $x)]>;
// A limit that no score reaches, as some models have it behind their masks.
def : Pat<(QC_SoftmaxOp:$s (QC_ClampOp $x, $least, $most), $mask, $axis, $scale, $log), (NativeCodeCall<"unclampSoftmax($_builder, $_loc, $0, $1)"> $s, $x),
          [(IsAbsent $most), (Constraint<CPred<"$0 && $0.getValueAsDouble() <= -1e30">> $least)]>;

//===-- Cosine similarity ----------------------------------------------------------------------------------------------------===//

// The inner product over both norms; the ways to write the norms are in `isProductOfNorms`.
defvar Dot = (QC_ReduceOp:$dot $sum, (QC_MulOp $x, $y, $_, $_, $_, $_, $_), $axes, $keep, $_);
def : Pat<(QC_DivOp Dot, $norms, $min, $max), (NativeCodeCall<"makeCosine($_builder, $_loc, $0, $1)"> $dot, $norms),
          [(IsSum $sum), (IsFloat $x), (Constraint<CPred<"isProductOfNorms($0, $1)">> $norms, $dot), (HasNoClamp $min, $max)]>;
def : Pat<(QC_DivOp (QC_DivOp Dot, $first, $min, $max), $second, $min2, $max2),
          (NativeCodeCall<"makeCosine($_builder, $_loc, $0, $1, $2)"> $dot, $first, $second),
          [(IsSum $sum), (IsFloat $x), (Constraint<CPred<"areNorms($0, $1, $2)">> $first, $second, $dot), (HasNoClamp $min, $max),
           (HasNoClamp $min2, $max2)]>;

// The inner product of normalized rows is one sum of products, rounded once.
def : Pat<(QC_ReduceOp:$dot $sum, (QC_MulOp $x, $y, $min, $max, $_, $_, $_), $axes, $keep, $_), (NativeCodeCall<"makeDot($_builder, $_loc, $0, $1, $2)"> $x, $y, $dot),
          [(IsSum $sum), (Constraint<CPred<"areNormalizedRows($0, $1, $2)">> $x, $y, $axes), (HasNoClamp $min, $max)]>;

#endif // QC_RECOGNIZE_SUBGRAPHS
