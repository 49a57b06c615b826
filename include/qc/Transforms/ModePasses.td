// Passes of the modes that compute in f32 with weights of fewer bits (docs/Modes.md).
#ifndef QC_TRANSFORMS_MODE_PASSES_TD
#define QC_TRANSFORMS_MODE_PASSES_TD

include "mlir/Pass/PassBase.td"

def QuantizeDynamically : Pass<"qc-quantize-dynamically", "::mlir::func::FuncOp"> {
  let summary = "products of integers in f32 networks: activations get their codes at run time";
  let description = [{
    A contraction in f32 with constant weights becomes what ONNX calls dynamic quantization: its input's codes are made when it is there, as DynamicQuantizeLinear does (ui8, one scale and zero
    point of the range of this run, with zero made part of it), weights are i8 codes with one scale per output channel, the sum of products is exact, and scale_x * scale_w[channel] and the bias
    give f32 again. No samples are needed; the scale is computed for each tensor once, however many contractions read it. Afterwards those contractions multiply codes of scale 1, as ConvInteger and MatMulInteger of a model do.
    Products of two activations, transposed convolutions, grouped convolutions of one input channel each and weights that are not finite stay in f32, with a remark.
  }];
}

def StoreWeights : Pass<"qc-store-weights", "::mlir::func::FuncOp"> {
  let summary = "stores constant weights of f32 contractions in few bits";
  let description = [{
    A product of one row reads each weight once: its time is that of the bytes. Here the constant weights of convolutions and products in f32, and the rows that `qc.take` chooses
    (embeddings), become `qc.decode` of codes with scales, or of numbers of 16 bits; the contraction stays in f32, and the kernel decodes in its tile. `weights` says which layer
    gets what (`i4/32,embedding=i8`; iN with N in 2..8, f16, bf16, f32: as it is). In iN/G G inputs, a multiple of 32, share a scale with each output channel; in iN all of
    them do. A layer whose inputs are no multiple of G gets the largest multiple of 32 below that divides them; if there is none, one scale per channel. Each scale is the one of several
    with the least squared error: largest magnitude over largest code, and smaller ones, of either sign (one more code on one side), fitted once. Where the input of a layer cannot be negative, or is the network's, the errors of a
    scale's weights sum up to half a step at most, as in `qc-quantize-weights`. Weights that are codes of one scale per
    channel already stay those. Transposed convolutions and those over three dimensions keep f32, which is a remark. Afterwards `qc.stored` on the function says
    what each layer got, and its bytes.
    ```mlir
    func.func @example(%x: tensor<1x2xf32>) -> tensor<1x1xf32> {
      %w = qc.constant dense<[[127.0], [-64.0]]> : tensor<2x1xf32>
      %y = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
      return %y : tensor<1x1xf32>
    }
    ```
    becomes, without the function's attribute,
    ```mlir
    func.func @example(%arg0: tensor<1x2xf32>) -> tensor<1x1xf32> {
      %0 = qc.constant dense<[[127], [-64]]> : tensor<2x1xi8>
      %1 = qc.constant dense<1.000000e+00> : tensor<1x1xf32>
      %2 = qc.decode %0, %1 : (tensor<2x1xi8>, tensor<1x1xf32>) -> tensor<2x1xf32>
      %3 = qc.matmul %arg0, %2 : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
      return %3 : tensor<1x1xf32>
    }
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"i8\"", "iN, iN/G, f16, bf16 or f32, and kind=... for kinds of layers">,
    Option<"keepReals", "keep-reals", "bool", "false", "for qc-reconstruct-weights: qc.reals on each decoding that rounds, what was rounded">
  ];
}

#endif // QC_TRANSFORMS_MODE_PASSES_TD
