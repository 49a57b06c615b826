// A network whose names are markup, with functions of both forms.
module {
  func.func @main(%x: tensor<1x16xf32> {qc.name = "x"}) -> (tensor<1x16xf32> {qc.name = "y"}) {
    %w = qc.constant dense<[[0.5, -0.25, 0.125, 1.0], [0.3, 0.7, -0.9, 0.2], [-1.1, 0.4, 0.6, -0.3], [0.8, -0.5, 0.1, 0.9]]> : tensor<4x4xf32>
    %a = qc.reshape %x : tensor<1x16xf32> -> tensor<4x4xf32> loc("a"("reshape"))
    %b = qc.matmul %a, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> loc("</script><script>window.hostile = 1</script>"("<img src=x onerror='window.hostile = 2'>"))
    %c = qc.activation tanh %b : tensor<4x4xf32> -> tensor<4x4xf32> loc("<!-- & \"quotes\" 'c' \\ -->"("<b>node</b>"))
    %d = qc.activation sigmoid %c : tensor<4x4xf32> -> tensor<4x4xf32> loc("${d} `tick` \E2\80\A8 ü"("d"))
    %y = qc.reshape %d : tensor<4x4xf32> -> tensor<1x16xf32> loc("y"("flatten"))
    return %y : tensor<1x16xf32>
  }
}
