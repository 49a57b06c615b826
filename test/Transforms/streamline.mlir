// Chains of f32 ops around few-bit quantizers become thresholds, accumulators and narrow codes, exactly.
// RUN: qopt %s --qc-streamline | FileCheck %s

!t = !quant.uniform<i2<-1:1>:f32, 1.0>
!w8 = !quant.uniform<i8:f32, 0.5>

// sum*0.5*2 + 1 >= 0 from -1 on, and sum*0.5*(-4) + 1 >= 0 up to 0: the second channel is negated. Thresholds lie between sums.
// CHECK-LABEL: @thresholds_contraction
// CHECK: %[[W:.*]] = qc.constant dense<{{\[\[}}1, 0], [-1, -1]]> : tensor<2x2xi2> -> tensor<2x2x!quant.uniform<i2<-1:1>:f32, 5.000000e-01>>
// CHECK: %[[R:.*]] = quant.dcast %[[W]]
// CHECK: %[[M:.*]] = qc.matmul %{{.*}}, %[[R]]
// CHECK: %[[S:.*]] = quant.qcast %[[M]] : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i32:f32, 5.000000e-01>>
// CHECK: %[[F:.*]] = quant.dcast %[[S]]
// CHECK: %[[T:.*]] = qc.constant dense<{{\[\[}}-7.500000e-01], [-2.500000e-01]]> : tensor<2x1xf32>
// CHECK: qc.threshold %[[F]], %[[T]] {axis = 1 : i64, base = -1 : i64, step = 2 : i64}
// CHECK-NOT: qc.mul
func.func @thresholds_contraction(%q: tensor<1x2x!t>) -> tensor<1x2x!t> {
  %x = quant.dcast %q : tensor<1x2x!t> to tensor<1x2xf32>
  %wq = qc.constant dense<[[1, 0], [-1, 1]]> : tensor<2x2xi8> -> tensor<2x2x!w8>
  %w = quant.dcast %wq : tensor<2x2x!w8> to tensor<2x2xf32>
  %m = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32>
  %a = qc.constant dense<[2.0, -4.0]> : tensor<2xf32>
  %s = qc.mul %m, %a : (tensor<1x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %b = qc.constant dense<1.0> : tensor<f32>
  %f = qc.add %s, %b : (tensor<1x2xf32>, tensor<f32>) -> tensor<1x2xf32>
  %z = qc.constant dense<0.0> : tensor<1xf32>
  %y = qc.threshold %f, %z {base = -1 : i64, step = 2 : i64} : (tensor<1x2xf32>, tensor<1xf32>) -> tensor<1x2x!t>
  return %y : tensor<1x2x!t>
}

// A quantizer of three codes, cut from eight bits: ties go to the even code 0, so tanh(x) must reach -0.5 and exceed 0.5.
// CHECK-LABEL: @thresholds_clamped
// CHECK: %[[T:.*]] = qc.constant dense<[-0.549306154, 0.549306214]> : tensor<2xf32>
// CHECK: qc.threshold %arg0, %[[T]] {base = -1 : i64, step = 1 : i64} : {{.*}} -> tensor<4x1x!quant.uniform<i2<-1:1>:f32, 1.000000e+00>>
func.func @thresholds_clamped(%x: tensor<4x1xf32>) -> tensor<4x1xf32> {
  %a = qc.activation tanh %x : tensor<4x1xf32> -> tensor<4x1xf32>
  %q = quant.qcast %a : tensor<4x1xf32> to tensor<4x1x!quant.uniform<i8:f32, 1.0>>
  %c = qc.clamp %q {clamp_min = -1.0 : f32, clamp_max = 1.0 : f32} : tensor<4x1x!quant.uniform<i8:f32, 1.0>> -> tensor<4x1x!quant.uniform<i8:f32, 1.0>>
  %y = quant.dcast %c : tensor<4x1x!quant.uniform<i8:f32, 1.0>> to tensor<4x1xf32>
  return %y : tensor<4x1xf32>
}

// The accumulator is the result: (sum*0.5 - 1) * 0.25 has the unit 0.125 and is 0 at the sum 2; 16 bits below the unit.
// CHECK-LABEL: @accumulator_returned
// CHECK: %[[M:.*]] = qc.matmul
// CHECK: %[[S:.*]] = quant.qcast %[[M]] : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i32:f32, 7.62939453125E-6>>
// CHECK: quant.scast
// CHECK: %[[C:.*]] = quant.scast {{.*}} to tensor<1x1x!quant.uniform<i32:f32, 1.9073486328125E-6:131072>>
// CHECK: quant.dcast %[[C]]
func.func @accumulator_returned(%q: tensor<1x2x!t>) -> tensor<1x1xf32> {
  %x = quant.dcast %q : tensor<1x2x!t> to tensor<1x2xf32>
  %wq = qc.constant dense<[[1], [-1]]> : tensor<2x1xi8> -> tensor<2x1x!w8>
  %w = quant.dcast %wq : tensor<2x1x!w8> to tensor<2x1xf32>
  %m = qc.matmul %x, %w : (tensor<1x2xf32>, tensor<2x1xf32>) -> tensor<1x1xf32>
  %a = qc.constant dense<1.0> : tensor<1xf32>
  %s = qc.sub %m, %a : (tensor<1x1xf32>, tensor<1xf32>) -> tensor<1x1xf32>
  %b = qc.constant dense<0.25> : tensor<f32>
  %y = qc.mul %s, %b : (tensor<1x1xf32>, tensor<f32>) -> tensor<1x1xf32>
  return %y : tensor<1x1xf32>
}

// A falling function of what is no contraction: no weights to negate.
// CHECK-LABEL: @no_thresholds_falling
// CHECK: qc.mul
func.func @no_thresholds_falling(%x: tensor<1x2xf32>) -> tensor<1x2x!t> {
  %a = qc.constant dense<-2.0> : tensor<f32>
  %s = qc.mul %x, %a : (tensor<1x2xf32>, tensor<f32>) -> tensor<1x2xf32>
  %y = quant.qcast %s : tensor<1x2xf32> to tensor<1x2x!t>
  return %y : tensor<1x2x!t>
}

// Eight bits are 255 thresholds: a requantization is better.
// CHECK-LABEL: @no_thresholds_wide
// CHECK: quant.qcast {{.*}}!quant.uniform<i8:f32, 5.000000e-01>
func.func @no_thresholds_wide(%x: tensor<1x2xf32>) -> tensor<1x2x!w8> {
  %a = qc.constant dense<2.0> : tensor<f32>
  %s = qc.mul %x, %a : (tensor<1x2xf32>, tensor<f32>) -> tensor<1x2xf32>
  %y = quant.qcast %s : tensor<1x2xf32> to tensor<1x2x!w8>
  return %y : tensor<1x2x!w8>
}

// What computes codes keeps the cast that says which: nothing between them needs thresholds.
// CHECK-LABEL: @no_thresholds_result
// CHECK: %[[S:.*]] = qc.add
// CHECK: %[[C:.*]] = qc.clamp %[[S]]
// CHECK: quant.qcast %[[C]]
// CHECK-NOT: qc.threshold
func.func @no_thresholds_result(%q: tensor<1x2x!t>) -> tensor<1x2x!t> {
  %x = quant.dcast %q : tensor<1x2x!t> to tensor<1x2xf32>
  %s = qc.add %x, %x : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %c = qc.clamp %s {clamp_min = 0.0 : f32} : tensor<1x2xf32> -> tensor<1x2xf32>
  %r = quant.qcast %c : tensor<1x2xf32> to tensor<1x2x!t>
  return %r : tensor<1x2x!t>
}
