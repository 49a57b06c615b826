// Types of this dialect: levels of a code times a scale, per tensor or per axis; how they print, what they decode to, what ops on them compute, and what they lower to.
// RUN: qopt %s | FileCheck %s --check-prefix=PRINT
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s
// RUN: qopt -qc-fold-casts -qc-interpret %s -o /dev/null | FileCheck %s
// RUN: qopt -qc-fold-casts -qc-lower-to-integer -qc-interpret %s -o /dev/null | FileCheck %s --check-prefix=INTEGER
// RUN: qopt -qc-fold-casts -qc-lower-to-integer %s | FileCheck %s --check-prefix=LOWERED
!q = !quant.uniform<i8:f32, 0.5:3>
!b = !quant.uniform<i32:f32:0, {0.125, 0.0625}>

// PRINT-LABEL: @one_scale
// PRINT: qc.dcast %{{.*}} : tensor<2x2x!qc.coded<#qc.signs, f32, 2.500000e-01>> -> tensor<2x2xf32>
// CHECK: one_scale: tensor<2x2xf32> [-0.25, 0.25, 0.25, -0.25]
// INTEGER: one_scale: tensor<2x2xf32> [-0.25, 0.25, 0.25, -0.25]
// LOWERED-LABEL: @one_scale
// LOWERED-NOT: qc.coded
// LOWERED: qc.constant dense<{{\[\[}}-2.500000e-01, 2.500000e-01], {{.*}}> : tensor<2x2xf32>
func.func @one_scale() -> tensor<2x2xf32> {
  %w = qc.constant dense<[[-1, 1], [1, -1]]> : tensor<2x2xi2> -> tensor<2x2x!qc.coded<#qc.signs, f32, 0.25>>
  %y = qc.dcast %w : tensor<2x2x!qc.coded<#qc.signs, f32, 0.25>> -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// PRINT-LABEL: @rows
// PRINT: tensor<2x2x!qc.coded<#qc.signs, f32:0, {2.500000e-01, 1.250000e-01}>>
// CHECK: rows: tensor<2x2xf32> [-0.25, 0.25, 0.125, -0.125]
func.func @rows() -> tensor<2x2xf32> {
  %w = qc.constant dense<[[-1, 1], [1, -1]]> : tensor<2x2xi2> -> tensor<2x2x!qc.coded<#qc.signs, f32:0, {0.25, 0.125}>>
  %y = qc.dcast %w : tensor<2x2x!qc.coded<#qc.signs, f32:0, {0.25, 0.125}>> -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}
// CHECK: columns: tensor<2x2xf32> [-0.25, 0.125, 0.25, -0.125]
func.func @columns() -> tensor<2x2xf32> {
  %w = qc.constant dense<[[-1, 1], [1, -1]]> : tensor<2x2xi2> -> tensor<2x2x!qc.coded<#qc.signs, f32:1, {0.25, 0.125}>>
  %y = qc.dcast %w : tensor<2x2x!qc.coded<#qc.signs, f32:1, {0.25, 0.125}>> -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// Reals 1 and -1.5: (-1 - 1.5 + 0.5) * 0.25 = -0.625 with the bias 0.125 (code 1), and (1 + 1.5) * 0.125 - 0.1875 = 0.125: code 2.25 + 3 and code 1 + 3, rounded to even.
// CHECK: product: {{.*}} [2, 3]
// INTEGER: product: {{.*}} [2, 3]
// LOWERED-LABEL: @product
// LOWERED-DAG: qc.constant dense<{{\[\[}}-1, 1], [1, -1]]> : tensor<2x2xi2>
// LOWERED: qc.matmul {{.*}} (tensor<1x2xi8>, tensor<2x2xi2>, tensor<2xi32>) -> tensor<1x2xi32>
// LOWERED: qc.requantize {{.*}}axis = 1{{.*}} -> tensor<1x2xi8>
func.func @product() -> tensor<1x2x!q> {
  %c = qc.constant dense<[[5, 0]]> : tensor<1x2xi8> -> tensor<1x2x!q>
  %x = quant.dcast %c : tensor<1x2x!q> to tensor<1x2xf32>
  %v = qc.constant dense<[[-1, 1], [1, -1]]> : tensor<2x2xi2> -> tensor<2x2x!qc.coded<#qc.signs, f32:1, {0.25, 0.125}>>
  %w = qc.dcast %v : tensor<2x2x!qc.coded<#qc.signs, f32:1, {0.25, 0.125}>> -> tensor<2x2xf32>
  %e = qc.constant dense<[1, -5]> : tensor<2xi32> -> tensor<2x!b>
  %b = quant.dcast %e : tensor<2x!b> to tensor<2xf32>
  %y = qc.matmul %x, %w, %b : (tensor<1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x2xf32>
  %z = quant.qcast %y : tensor<1x2xf32> to tensor<1x2x!q>
  return %z : tensor<1x2x!q>
}
