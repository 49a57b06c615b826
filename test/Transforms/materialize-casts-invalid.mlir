// Ranges that are missing or too wide; the former all at once, with the remedy.
// RUN: qopt %s --qc-materialize-casts -verify-diagnostics -split-input-file

// expected-error@+1 {{the network has 2 tensors without a range: 'a', 'b'; pass calibration samples with -calib=<file.npz> or ranges with -ranges=<file.json>}}
func.func @no_casts_without_range(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qc.observe %x {id = "a", code = i8} : tensor<4xf32>
  %1 = qc.activation tanh %0 : tensor<4xf32> -> tensor<4xf32>
  %2 = qc.observe %1 {id = "b", code = i8} : tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// expected-error@+1 {{12 tensors without a range: 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j' and 2 more}}
func.func @no_casts_without_many_ranges(%x: tensor<1xf32>) -> tensor<1xf32> {
  %0 = qc.observe %x {id = "a", code = i8} : tensor<1xf32>
  %1 = qc.observe %0 {id = "b", code = i8} : tensor<1xf32>
  %2 = qc.observe %1 {id = "c", code = i8} : tensor<1xf32>
  %3 = qc.observe %2 {id = "d", code = i8} : tensor<1xf32>
  %4 = qc.observe %3 {id = "e", code = i8} : tensor<1xf32>
  %5 = qc.observe %4 {id = "f", code = i8} : tensor<1xf32>
  %6 = qc.observe %5 {id = "g", code = i8} : tensor<1xf32>
  %7 = qc.observe %6 {id = "h", code = i8} : tensor<1xf32>
  %8 = qc.observe %7 {id = "i", code = i8} : tensor<1xf32>
  %9 = qc.observe %8 {id = "j", code = i8} : tensor<1xf32>
  %10 = qc.observe %9 {id = "k", code = i8} : tensor<1xf32>
  %11 = qc.observe %10 {id = "l", code = i8} : tensor<1xf32>
  return %11 : tensor<1xf32>
}

// -----

func.func @no_casts_too_wide(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{the range of tensor 'a' is too wide for f32 scales}}
  %0 = qc.observe %x {id = "a", code = i8, min = -3.0e38 : f64, max = 3.0e38 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @no_casts_code_width(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{codes of tensor 'a' must have 2 to 8 or 16 bits, not 64}}
  %0 = qc.observe %x {id = "a", code = i64, min = -1.0 : f64, max = 1.0 : f64} : tensor<4xf32>
  return %0 : tensor<4xf32>
}
