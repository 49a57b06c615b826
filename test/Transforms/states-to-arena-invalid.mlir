// States that cannot stay where they are.
// RUN: qopt %s --split-input-file --verify-diagnostics --qc-states-to-arena

// expected-error@below {{state 'h': no output 'hn' gives its next value; the outputs are 'y'}}
func.func @run(%h: tensor<2xi8> {qc.name = "h", qc.state = "hn"}) -> (tensor<2xi8> {qc.name = "y"}) {
  return %h : tensor<2xi8>
}

// -----

// expected-error@below {{state 'h': is 'tensor<2xi8>', but its next value is 'tensor<1xi8>'; give both one code type with -constraints}}
func.func @run(%h: tensor<2xi8> {qc.name = "h", qc.state = "hn"}, %x: tensor<1xi8> {qc.name = "x"}) -> (tensor<1xi8> {qc.name = "hn"}) {
  return %x : tensor<1xi8>
}

// -----

// expected-error@below {{state 'h': has another scale or zero point than its next value, so codes cannot stay where they are}}
func.func @run(%h: tensor<2xi8> {qc.name = "h", qc.state = "hn", qc.zero_point = 1 : i64}) -> (tensor<2xi8> {qc.name = "hn", qc.zero_point = 2 : i64}) {
  return %h : tensor<2xi8>
}

// -----

// expected-error@below {{needs a function @run with one block}}
module {
}
