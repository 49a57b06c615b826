// A comparison of codes with a number is one with the code at which the relation changes; beyond all codes it is the other relation.
// RUN: qopt %s --qc-fold-casts -split-input-file 2>/dev/null | FileCheck %s
// RUN: qopt %s --qc-fold-casts -split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Step 1/2, zero point 3: x < 0.6 up to code 4 (0.5); 0.6 < x from code 5 (1.0) on, that is beyond 4; x <= 0.5 up to code 4; 0.5 <= x beyond 3; x = 0.5 is code 4.
!q = !quant.uniform<i8:f32, 0.5:3>
// CHECK-LABEL: @compare_with_numbers
// CHECK-DAG: %[[FIVE:.*]] = qc.constant dense<5> : tensor<i8> -> tensor<!quant.uniform<i8:f32, 5.000000e-01:3>>
// CHECK-DAG: qc.compare less %arg0, %[[FIVE]]
// CHECK-DAG: %[[FOUR:.*]] = qc.constant dense<4> : tensor<i8> -> tensor<!quant.uniform<i8:f32, 5.000000e-01:3>>
// CHECK-DAG: qc.compare less %[[FOUR]], %arg0
// CHECK-DAG: qc.compare less_equal %arg0, %{{.*}}
// CHECK-DAG: qc.compare less_equal %{{.*}}, %arg0
// CHECK-DAG: qc.compare equal %arg0, %{{.*}}
// CHECK-NOT: quant.dcast
func.func @compare_with_numbers(%q: tensor<4x!q>) -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) {
  %x = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %a = qc.constant dense<0.6> : tensor<f32>
  %b = qc.constant dense<0.5> : tensor<f32>
  %0 = qc.compare less %x, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %1 = qc.compare less %a, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xi1>
  %2 = qc.compare less_equal %x, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %3 = qc.compare less_equal %b, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xi1>
  %4 = qc.compare equal %x, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  return %0, %1, %2, %3, %4 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}

// -----

// Always and never: below 1000 is at most the greatest code, below -1000 is below the least.
!q = !quant.uniform<i8:f32, 0.5:3>
// CHECK-LABEL: @compare_beyond
// CHECK: %[[HIGH:.*]] = qc.constant dense<127>
// CHECK: qc.compare less_equal %arg0, %[[HIGH]]
// CHECK: %[[LOW:.*]] = qc.constant dense<-128>
// CHECK: qc.compare less %arg0, %[[LOW]]
// CHECK: qc.compare less_equal %{{.*}}, %arg0
func.func @compare_beyond(%q: tensor<4x!q>) -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) {
  %x = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %a = qc.constant dense<1000.0> : tensor<f32>
  %b = qc.constant dense<-1000.0> : tensor<f32>
  %c = qc.constant dense<0xFF800000> : tensor<f32>
  %0 = qc.compare less %x, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %1 = qc.compare less %x, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %2 = qc.compare less %c, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xi1>
  return %0, %1, %2 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}

// -----

// No code is 0.6; a NaN is no number.
!q = !quant.uniform<i8:f32, 0.5:3>
// CHECK-LABEL: @no_compare_without_code
// CHECK: quant.dcast
// REMARK: stays in float: no code stands for its constant exactly
// REMARK: stays in float: no code stands for its constant exactly
func.func @no_compare_without_code(%q: tensor<4x!q>) -> (tensor<4xi1>, tensor<4xi1>) {
  %x = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %a = qc.constant dense<0.6> : tensor<f32>
  %b = qc.constant dense<0x7FC00000> : tensor<f32>
  %0 = qc.compare equal %x, %a : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %1 = qc.compare less %x, %b : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  return %0, %1 : tensor<4xi1>, tensor<4xi1>
}

// -----

// Quotients of codes are one op; where the divisor was seen to reach 0 the op stays in float and says what to do.
!q = !quant.uniform<i8:f32, 0.5:3>
// CHECK-LABEL: @divide
// CHECK: qc.div %arg0, %arg1 {qc.domain = array<f64: 5.000000e-01, 4.000000e+00>} : (tensor<4x!quant
// REMARK: stays in float: the range [-1, 4] of its divisor holds 0; keep the divisor away from there in the model (Clip, Abs, or an added constant), or give the range that really occurs with -calib or -ranges
func.func @divide(%p: tensor<4x!q>, %q: tensor<4x!q>) -> (tensor<4x!q>, tensor<4x!q>) {
  %x = quant.dcast %p : tensor<4x!q> to tensor<4xf32>
  %y = quant.dcast %q : tensor<4x!q> to tensor<4xf32>
  %z = qc.div %x, %y {qc.domain = array<f64: 0.5, 4.0>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = quant.qcast %z : tensor<4xf32> to tensor<4x!q>
  %w = qc.div %x, %y {qc.domain = array<f64: -1.0, 4.0>} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %s = quant.qcast %w : tensor<4xf32> to tensor<4x!q>
  return %r, %s : tensor<4x!q>, tensor<4x!q>
}
