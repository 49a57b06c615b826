// Upstream prints a sub-channel scale of integral value in hex and cannot read that back; kept in roundtrip-known-failures.txt until it can.
// RUN: qopt %s | FileCheck %s

// CHECK-LABEL: func.func @sub_channel_scale_integral
// CHECK-SAME: !quant.uniform<i8:f32:{0:2, 1:2}
func.func @sub_channel_scale_integral(%x: tensor<4x4x!quant.uniform<i8:f32:{0:2, 1:2}, {{16777216.0, 2.0}, {1.0, 3.0}}>>) {
  return
}
