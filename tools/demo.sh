#!/usr/bin/env bash
# Installs, builds, compiles the built-in example (test/Example) for three targets, runs it on all three and prints accuracy, size and whether the
# outputs are the same. Its files stay in build/demo.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export PATH="$QCC_BUILD/bin:/usr/lib/llvm-22/bin:$PATH"
example="$QCC_ROOT/test/Example"
score() { /usr/bin/python3 "$example/score.py" "$example/eval.npz" "$1"; }
mkdir -p "$QCC_BUILD/demo"
cd "$QCC_BUILD/demo"

say "the float network, compiled as it is, on 960 pictures"
qcc "$example/glyphs.onnx" -target=x86-64 -mode=f32 -o float.o
qrun float.o -inputs="$example/eval.npz" -outputs=float.npz >/dev/null
say "float network: $(score float.npz)"

say "the integer network: calibrated once, compiled for x86-64, aarch64 and riscv64, run here and under qemu"
qcc "$example/glyphs.onnx" -target=x86-64 -calib="$example/calib.npz" -dump-ranges=ranges.json -name=glyphs -o x86-64.o
for target in aarch64 riscv64; do
  qcc "$example/glyphs.onnx" -target=$target -ranges=ranges.json -name=glyphs -o $target.o
done
row='%-10s %9s %12s %12s %10s   %s\n'
printf "\n$row" target accuracy "code bytes" "data bytes" "arena" outputs
status=0
for target in x86-64 aarch64 riscv64; do
  qrun $target.o -inputs="$example/eval.npz" -outputs=$target.npz >/dev/null
  same=identical
  cmp -s x86-64.npz $target.npz || { same=DIFFERENT; status=1; }
  [ $target = x86-64 ] && same="the reference"
  sizes=$(llvm-size --format=sysv $target.o | awk '/^\.text/ { code += $2 } /^\.(ro|s)?(data|rodata)/ { data += $2 } END { print code + 0, data + 0 }')
  arena=$(awk '$2 ~ /^GLYPHS_ARENA_BYTES$/ { print $3 }' $target.h)
  # shellcheck disable=SC2059,SC2086
  printf "$row" $target "$(score $target.npz | cut -d ' ' -f 2)" $sizes "$arena" "$same"
done
exit $status
