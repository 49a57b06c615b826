// RUN: qopt %s -verify-diagnostics -split-input-file

func.func @unsigned(%c: tensor<4xui8>, %s: tensor<1xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{codes must be signed, of 2 to 8 bits, not 'ui8'}}
  %w = qc.decode %c, %s : (tensor<4xui8>, tensor<1xf32>) -> tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @wide(%c: tensor<4xi16>, %s: tensor<1xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{codes must be signed, of 2 to 8 bits, not 'i16'}}
  %w = qc.decode %c, %s : (tensor<4xi16>, tensor<1xf32>) -> tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @narrow_number(%c: tensor<4xi8>) -> tensor<4xf32> {
  // expected-error@+1 {{codes must be i16, the bits of a number, not 'i8'}}
  %w = qc.decode %c as f16 : (tensor<4xi8>) -> tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @other_number(%c: tensor<4xi16>) -> tensor<4xf32> {
  // expected-error@+1 {{numbers are stored as f16 or bf16, not as 'f32'}}
  %w = qc.decode %c as f32 : (tensor<4xi16>) -> tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @no_scales(%c: tensor<4xi8>) -> tensor<4xf32> {
  // expected-error@+1 {{needs scales}}
  %w = qc.decode %c : (tensor<4xi8>) -> tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @scaled_number(%c: tensor<4xi16>, %s: tensor<1xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{has no scales beside the bits of numbers}}
  %w = qc.decode %c, %s as bf16 : (tensor<4xi16>, tensor<1xf32>) -> tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @integer_scales(%c: tensor<4xi8>, %s: tensor<1xi32>) -> tensor<4xf32> {
  // expected-error@+1 {{scales must be f32}}
  %w = qc.decode %c, %s : (tensor<4xi8>, tensor<1xi32>) -> tensor<4xf32>
  return %w : tensor<4xf32>
}

// -----

func.func @rank(%c: tensor<4x2xi8>, %s: tensor<2xf32>) -> tensor<4x2xf32> {
  // expected-error@+1 {{scales have rank 1, codes 2}}
  %w = qc.decode %c, %s : (tensor<4x2xi8>, tensor<2xf32>) -> tensor<4x2xf32>
  return %w : tensor<4x2xf32>
}

// -----

func.func @blocks(%c: tensor<4x2xi8>, %s: tensor<3x2xf32>) -> tensor<4x2xf32> {
  // expected-error@+1 {{3 scales do not divide the 4 codes of dimension 0, neither equally nor in blocks of a multiple of 32}}
  %w = qc.decode %c, %s : (tensor<4x2xi8>, tensor<3x2xf32>) -> tensor<4x2xf32>
  return %w : tensor<4x2xf32>
}

// -----

func.func @result(%c: tensor<4xi8>, %s: tensor<1xf32>) -> tensor<4xi8> {
  // expected-error@+1 {{gives f32}}
  %w = qc.decode %c, %s : (tensor<4xi8>, tensor<1xf32>) -> tensor<4xi8>
  return %w : tensor<4xi8>
}
