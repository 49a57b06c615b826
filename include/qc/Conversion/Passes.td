// Passes that leave one level for the next.
#ifndef QC_CONVERSION_PASSES_TD
#define QC_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerToInteger : Pass<"qc-lower-to-integer", "::mlir::func::FuncOp"> {
  let summary = "quantized types to plain integers with explicit zero points, accumulators and requantizations";
  let description = [{
    Each op on quantized types becomes integer arithmetic of the same value: zero points of activations go into the bias, padding uses the code of
    zero, accumulators are i32 or i64 as their proven bound demands (`acc_bound`), every narrowing is a `qc.requantize` with the named rounding,
    `qc.lut` and `qc.pwl` (`qc-approximate-activations`) only change their types. `quant.qcast`/`quant.dcast` become `qc.quantize`/`qc.dequantize`. Afterwards no quantized type is left.
  }];
  let options = [Option<"requant", "requant", "std::string", "\"\"",
    "rounding contract: onnx, ort, tflite-double, tflite-single or pow2; empty: the function's qc.requant, else onnx">];
}

def SplitBoundary : Pass<"qc-split-boundary", "::mlir::ModuleOp"> {
  let summary = "splits the entry function into an integer program and a thin f32 wrapper";
  let description = [{
    `@main` becomes `@run`, which takes and gives codes, and `@run_f32`, which quantizes its f32 arguments, calls `@run`, and dequantizes the results and
    computes the float tail (a softmax at the very end) on them. Ops that stay in float in the middle remain in `@run` and are listed in its
    `qc.float_ops`. In f32 mode there is only `@run_f32`.
  }];
  let options = [Option<"float32", "f32", "bool", "false", "f32 mode: the function becomes `@run_f32` as it is">,
    Option<"dropSoftmax", "drop-softmax", "bool", "false", "remove a softmax in front of a result: the result is the logits">,
    Option<"integerOnly", "integer-only", "bool", "false", "make ops that stay in float inside `@run` an error">];
}

def ConvertQCToLinalg : Pass<"convert-qc-to-linalg", "::mlir::func::FuncOp"> {
  let summary = "qc ops to linalg, tensor and scf on signless integers";
  let description = [{
    Signedness lives on only as `arith.extsi`/`arith.extui`; types narrower than a byte are stored in bytes. A contraction and the
    requantization behind it become one loop nest over output rows, so that no tensor of accumulators is ever stored. Constants are one-dimensional.
    Afterwards no qc op is left.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::memref::MemRefDialect"];
}

def FormKernels : Pass<"qc-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "groups ops into kernels and decides how each runs";
  let description = [{
    A convolution, product, pooling or element-wise op and what follows it up to the store (requantization, residual addition, table) become one
    `qc.kernel`, so that no accumulator is ever stored. The decision stands in its attributes: the form of the loop nest, the dot kernel (a
    row of `DotKernels.def`, chosen by the instruction set and by what the weights prove), the register tile and the scratch bytes. Ops
    that no form takes stay as they are and get loops from `convert-qc-to-linalg`. Values never depend on the decision.
  }];
  let options = [Option<"isa", "isa", "std::string", "\"scalar\"", "row of Isas.def">,
    ListOption<"without", "without", "std::string", "forms that are not used">];
}

def DivideKernels : Pass<"qc-divide-kernels", "::mlir::ModuleOp"> {
  let summary = "decides into how many tasks each kernel is divided";
  let description = [{
    For `qcc -threads`: what is worth the wait of several threads is divided along positions, channels or both (`tasks`), never along a sum, so that no
    value depends on it. The number weighs about how many cycles the tasks take against those of starting them, of scratch that neighbouring tasks both
    fill, and of waiting for the last one. Tasks that run at the same time have scratch of their own (`slots`). The module's `qc.threads` says
    that entry functions take a callback. Kernels that are too small stay as they are and run on the caller.
    ```mlir
    qc.kernel "pointwise"(%x) : (tensor<1x262144xi8>) ...
    ==>   qc.kernel "pointwise"(%x) {slots = 2 : i64, tasks = array<i64: 8, 1>} : (tensor<1x262144xi8>) ...
    ```
  }];
  let options = [Option<"isa", "isa", "std::string", "\"scalar\"", "row of Isas.def, the one that the kernels were formed for">,
    Option<"threads", "threads", "int64_t", "2", "most tasks that run at once">,
    Option<"overhead", "overhead", "int64_t", "6000", "cycles to hand tasks out and wait for the last one">];
}

def EmitKernels : Pass<"qc-emit-kernels", "::mlir::ModuleOp"> {
  let summary = "kernels on buffers to loops of one-dimensional vectors";
  let description = [{
    Obeys the attributes that `qc-form-kernels` wrote. Weights are packed here, at compile time, into the order in which the kernel reads them,
    and become one-dimensional constants, equal ones once. Afterwards no `qc.kernel` is left. One with
    `tasks` becomes a `qc.parallel` around its loops, which run over the part of the task.
  }];
  let options = [Option<"isa", "isa", "std::string", "\"scalar\"", "row of Isas.def, the one that the kernels were formed for">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect"];
}

#endif // QC_CONVERSION_PASSES_TD
