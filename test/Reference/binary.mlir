// Functions and relations of two numbers, selection, quotients: by hand, on f32 and on integers of each signedness.
// RUN: qopt -qc-interpret %s -o /dev/null | FileCheck %s

// CHECK: min_max#0: tensor<3xf32> [1, -2, 2]
// CHECK: min_max#1: tensor<3xf32> [2, 2, 3]
func.func @min_max() -> (tensor<3xf32>, tensor<3xf32>) {
  %a = qc.constant dense<[1.0, -2.0, 3.0]> : tensor<3xf32>
  %b = qc.constant dense<2.0> : tensor<f32>
  %y = qc.binary min %a, %b : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  %z = qc.binary max %a, %b : (tensor<3xf32>, tensor<f32>) -> tensor<3xf32>
  return %y, %z : tensor<3xf32>, tensor<3xf32>
}
// 200 as an unsigned number is larger than 100, as a signed one (-56) smaller.
// CHECK: max_signedness#0: tensor<1xui8> [200]
// CHECK: max_signedness#1: tensor<1xi8> [100]
func.func @max_signedness() -> (tensor<1xui8>, tensor<1xi8>) {
  %a = qc.constant dense<200> : tensor<1xui8>
  %b = qc.constant dense<100> : tensor<1xui8>
  %c = qc.constant dense<-56> : tensor<1xi8>
  %d = qc.constant dense<100> : tensor<1xi8>
  %y = qc.binary max %a, %b : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xui8>
  %z = qc.binary max %c, %d : (tensor<1xi8>, tensor<1xi8>) -> tensor<1xi8>
  return %y, %z : tensor<1xui8>, tensor<1xi8>
}
// 0^-1, 0^0, 0^2; (-2)^3, (-2)^2, (-2)^0.5.
// CHECK: pow_zero: tensor<3xf32> [inf, 1, 0]
func.func @pow_zero() -> tensor<3xf32> {
  %a = qc.constant dense<0.0> : tensor<3xf32>
  %b = qc.constant dense<[-1.0, 0.0, 2.0]> : tensor<3xf32>
  %y = qc.binary pow %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// CHECK: pow_negative: tensor<3xf32> [{{-8|-7.99999.*|-8.00000.*}}, {{4|3.99999.*|4.00000.*}}, nan]
func.func @pow_negative() -> tensor<3xf32> {
  %a = qc.constant dense<-2.0> : tensor<3xf32>
  %b = qc.constant dense<[3.0, 2.0, 0.5]> : tensor<3xf32>
  %y = qc.binary pow %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}
// CHECK: rem_float: tensor<4xf32> [1, -1, 1, -1]
func.func @rem_float() -> tensor<4xf32> {
  %a = qc.constant dense<[7.0, -7.0, 7.0, -7.0]> : tensor<4xf32>
  %b = qc.constant dense<[3.0, 3.0, -3.0, -3.0]> : tensor<4xf32>
  %y = qc.binary rem %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
// The sign is that of the left operand for rem, of the right one for mod; the last is by zero.
// CHECK: rem_mod#0: tensor<5xi32> [1, -1, 1, -1, 0]
// CHECK: rem_mod#1: tensor<5xi32> [1, 2, -2, -1, 0]
func.func @rem_mod() -> (tensor<5xi32>, tensor<5xi32>) {
  %a = qc.constant dense<[7, -7, 7, -7, 7]> : tensor<5xi32>
  %b = qc.constant dense<[3, 3, -3, -3, 0]> : tensor<5xi32>
  %y = qc.binary rem %a, %b : (tensor<5xi32>, tensor<5xi32>) -> tensor<5xi32>
  %z = qc.binary mod %a, %b : (tensor<5xi32>, tensor<5xi32>) -> tensor<5xi32>
  return %y, %z : tensor<5xi32>, tensor<5xi32>
}
// 12 = 1100, 10 = 1010.
// CHECK: bits#0: tensor<1xui8> [8]
// CHECK: bits#1: tensor<1xui8> [14]
// CHECK: bits#2: tensor<1xui8> [6]
func.func @bits() -> (tensor<1xui8>, tensor<1xui8>, tensor<1xui8>) {
  %a = qc.constant dense<12> : tensor<1xui8>
  %b = qc.constant dense<10> : tensor<1xui8>
  %x = qc.binary and %a, %b : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xui8>
  %y = qc.binary or %a, %b : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xui8>
  %z = qc.binary xor %a, %b : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xui8>
  return %x, %y, %z : tensor<1xui8>, tensor<1xui8>, tensor<1xui8>
}
// 129 << 1 loses its top bit, >> 1 is 64; 8 is the width of the type. -2 is 254: a right shift brings in zeros.
// CHECK: shifts#0: tensor<2xui8> [2, 0]
// CHECK: shifts#1: tensor<2xui8> [64, 0]
// CHECK: shifts#2: tensor<1xi8> [127]
func.func @shifts() -> (tensor<2xui8>, tensor<2xui8>, tensor<1xi8>) {
  %a = qc.constant dense<129> : tensor<2xui8>
  %n = qc.constant dense<[1, 8]> : tensor<2xui8>
  %b = qc.constant dense<-2> : tensor<1xi8>
  %m = qc.constant dense<1> : tensor<1xi8>
  %x = qc.binary shift_left %a, %n : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  %y = qc.binary shift_right %a, %n : (tensor<2xui8>, tensor<2xui8>) -> tensor<2xui8>
  %z = qc.binary shift_right %b, %m : (tensor<1xi8>, tensor<1xi8>) -> tensor<1xi8>
  return %x, %y, %z : tensor<2xui8>, tensor<2xui8>, tensor<1xi8>
}
// CHECK: compare_nan#0: tensor<3xi1> [0, 1, 0]
// CHECK: compare_nan#1: tensor<3xi1> [1, 0, 0]
// CHECK: compare_nan#2: tensor<3xi1> [1, 1, 0]
func.func @compare_nan() -> (tensor<3xi1>, tensor<3xi1>, tensor<3xi1>) {
  %a = qc.constant dense<[1.0, 2.0, 0x7FC00000]> : tensor<3xf32>
  %b = qc.constant dense<[2.0, 2.0, 2.0]> : tensor<3xf32>
  %x = qc.compare equal %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %y = qc.compare less %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %z = qc.compare less_equal %a, %b : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %x, %y, %z : tensor<3xi1>, tensor<3xi1>, tensor<3xi1>
}
// CHECK: compare_unsigned: tensor<1xi1> [0]
func.func @compare_unsigned() -> tensor<1xi1> {
  %a = qc.constant dense<200> : tensor<1xui8>
  %b = qc.constant dense<100> : tensor<1xui8>
  %y = qc.compare less %a, %b : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xi1>
  return %y : tensor<1xi1>
}
// CHECK: select_broadcasts: tensor<2x2xi64> [5, 6, 9, 9]
func.func @select_broadcasts() -> tensor<2x2xi64> {
  %c = qc.constant dense<[[true], [false]]> : tensor<2x1xi1>
  %a = qc.constant dense<[5, 6]> : tensor<2xi64>
  %b = qc.constant dense<9> : tensor<i64>
  %y = qc.select %c, %a, %b : (tensor<2x1xi1>, tensor<2xi64>, tensor<i64>) -> tensor<2x2xi64>
  return %y : tensor<2x2xi64>
}
// Truncation; by zero 0; the lowest number by -1 wraps.
// CHECK: div_integers: tensor<4xi8> [2, -2, 0, -128]
func.func @div_integers() -> tensor<4xi8> {
  %a = qc.constant dense<[7, -7, 7, -128]> : tensor<4xi8>
  %b = qc.constant dense<[3, 3, 0, -1]> : tensor<4xi8>
  %y = qc.div %a, %b : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi8>
  return %y : tensor<4xi8>
}
// CHECK: div_unsigned: tensor<1xui8> [2]
func.func @div_unsigned() -> tensor<1xui8> {
  %a = qc.constant dense<250> : tensor<1xui8>
  %b = qc.constant dense<100> : tensor<1xui8>
  %y = qc.div %a, %b : (tensor<1xui8>, tensor<1xui8>) -> tensor<1xui8>
  return %y : tensor<1xui8>
}
// 5 * 6 * 10 = 300 wraps to 44.
// CHECK: reduce_prod#0: tensor<2xf32> [6, 20]
// CHECK: reduce_prod#1: tensor<i8> [44]
func.func @reduce_prod() -> (tensor<2xf32>, tensor<i8>) {
  %a = qc.constant dense<[[2.0, 3.0], [4.0, 5.0]]> : tensor<2x2xf32>
  %b = qc.constant dense<[5, 6, 10]> : tensor<3xi8>
  %y = qc.reduce prod %a {axes = array<i64: 1>} : tensor<2x2xf32> -> tensor<2xf32>
  %z = qc.reduce prod %b {axes = array<i64: 0>} : tensor<3xi8> -> tensor<i8>
  return %y, %z : tensor<2xf32>, tensor<i8>
}
