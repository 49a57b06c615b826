// Straight pieces without a branch: few by comparisons, equal ones by a shift, many others by halving.
// RUN: qopt %s --convert-qc-to-linalg --split-input-file | FileCheck %s --implicit-check-not=scf.if --implicit-check-not=cf.

// The half of 2^4 is part of the intercepts: 8 and 5.
// CHECK-LABEL: func.func @few_pieces(
// CHECK-DAG: %[[A:.*]] = arith.constant 8 : i32
// CHECK-DAG: %[[B:.*]] = arith.constant 5 : i32
// CHECK: %[[BELOW:.*]] = arith.cmpi slt
// CHECK: arith.select %[[BELOW]]
// CHECK: arith.select %[[BELOW]], %[[A]], %[[B]]
// CHECK: arith.muli
// CHECK: arith.addi
// CHECK: arith.shrsi
// CHECK: arith.maxsi
// CHECK: arith.minsi
// CHECK: arith.trunci %{{.*}} : i32 to i8
// CHECK-NOT: tensor.extract
func.func @few_pieces(%x: tensor<2xi8>) -> tensor<2xi8> {
  %y = qc.pwl %x {knots = array<i32: 0>, slopes = array<i32: 2, 16>, intercepts = array<i32: 0, -3>, shift = 4, code_min = -128, code_max = 100,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// -----

// 16 pieces of 16 codes each, from the unsigned code 0 on.
// CHECK-LABEL: func.func @equal_pieces(
// CHECK-DAG: arith.constant dense<{{.*}}> : tensor<16xi32>
// CHECK-DAG: %[[FOUR:.*]] = arith.constant 4 : i32
// CHECK: arith.extui
// CHECK: arith.shrui %{{.*}}, %[[FOUR]]
// CHECK-COUNT-2: tensor.extract
// CHECK-NOT: arith.cmpi
// CHECK: arith.muli
func.func @equal_pieces(%x: tensor<2xui8>) -> tensor<2xi8> {
  %y = qc.pwl %x {knots = array<i32: 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240>,
                  slopes = array<i32: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16>,
                  intercepts = array<i32: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>, shift = 5, code_min = -128, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xui8> -> tensor<2xi8>
  return %y : tensor<2xi8>
}

// -----

// Nine pieces are searched for as sixteen: four times a knot is loaded and compared; knots that do not exist are above every code.
// CHECK-LABEL: func.func @pieces_of_any_length(
// CHECK: arith.constant dense<[1, 2, 3, 5, 8, 13, 21, 34, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647, 2147483647]> : tensor<15xi32>
// CHECK-COUNT-4: arith.cmpi slt
// CHECK-NOT: arith.cmpi
// CHECK-COUNT-2: tensor.extract
// CHECK: arith.muli
func.func @pieces_of_any_length(%x: tensor<2xi8>) -> tensor<2xi8> {
  %y = qc.pwl %x {knots = array<i32: 1, 2, 3, 5, 8, 13, 21, 34>, slopes = array<i32: 1, 2, 3, 4, 5, 6, 7, 8, 9>,
                  intercepts = array<i32: 0, 1, 2, 3, 4, 5, 6, 7, 8>, shift = 5, code_min = -128, code_max = 127,
                  max_error = 0.0 : f64, mean_error = 0.0 : f64} : tensor<2xi8> -> tensor<2xi8>
  return %y : tensor<2xi8>
}
