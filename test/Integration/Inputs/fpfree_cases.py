"""fpfree_cases.py FPFREE.py: compiles small functions for each target and counts what the search says."""
import subprocess
import sys

SOURCE = """
typedef signed char i8;
int integer_dot(const i8 *a, const i8 *b, int *c, long n) {
  int sum = 0;
  for (long i = 0; i < n; ++i) {
    sum += a[i] * b[i];
    c[i] = (c[i] * 7 + a[i]) >> 3;
  }
  return sum;
}
/* Copies of floats are bit moves. */
void integer_copy(float *to, const float *from, long n) {
  for (long i = 0; i < n; ++i)
    to[n - 1 - i] = from[i];
}
void float_scale(float *x, long n) {
  for (long i = 0; i < n; ++i)
    x[i] *= 1.5f;
}
int float_convert(float x) { return (int)x; }
int float_compare(const float *x) { return x[0] < x[1]; }
static __attribute__((noinline)) int callee(const float *x) { return x[0] > 2 ? 3 : 4; }
int float_called(const float *x) { return 5 + callee(x); }
"""
TARGETS = {
    "x86-64": ["--target=x86_64-linux-gnu", "-march=x86-64-v3"],
    "aarch64": ["--target=aarch64-linux-gnu", "-march=armv8.2-a+dotprod"],
    "riscv64": ["--target=riscv64-linux-gnu", "-march=rv64gcv"],
    "armv7a": ["--target=armv7a-linux-gnueabihf", "-mfpu=neon"],
}
with open("cases.c", "w") as file:
    file.write(SOURCE)
for target, options in TARGETS.items():
    subprocess.run(["clang", *options, "-O3", "-ffreestanding", "-c", "cases.c", "-o", target + ".o"], check=True)
    def clean(function):
        return subprocess.run([sys.executable, sys.argv[1], target + ".o", function], capture_output=True).returncode == 0
    floats = ["float_scale", "float_convert", "float_compare", "float_called"]
    integers = ["integer_dot", "integer_copy"]
    print(f"{target}: {sum(not clean(f) for f in floats)} of {len(floats)} float functions found, "
          f"{sum(clean(f) for f in integers)} of {len(integers)} integer functions pass")
