/* A network in C with the shape of what qcc compiles: y = clamp(x + bias + state), the new state is y. WRONG selects a misbehaviour. */
typedef signed char i8;

#ifdef KERNELS
/* Calls as the compiler makes them: arguments on the stack too, one function twice, the last call as a jump. A lost argument traps. */
__attribute__((noinline)) static void kernel_a(i8 *to, const i8 *from, long a, long b, long c, long d, long e, long f) {
  if (a != 1 || b != 2 || c != 3 || d != 4 || e != 5 || f != 6)
    __builtin_trap();
  for (int i = 0; i < 4; ++i)
    *(volatile i8 *)&to[i] = from[i];
}
__attribute__((noinline)) static void kernel_b(i8 *to, i8 *copy, const i8 *from, long a, long b, long c) {
  if (a != 1 || b != 2 || c != 3)
    __builtin_trap();
  for (int i = 0; i < 4; ++i)
    *(volatile i8 *)&to[i] = *(volatile i8 *)&copy[i] = from[i];
}
void toy_run(const i8 *x, const i8 *h, i8 *y, i8 *hn, void *arena) {
  kernel_a(arena, x, 1, 2, 3, 4, 5, 6);
  kernel_a(y, h, 1, 2, 3, 4, 5, 6);
  kernel_b(y, hn, arena, 1, 2, 3);
}
#else
void toy_run(const i8 *x, const i8 *h, i8 *y, i8 *hn, void *arena) {
  i8 *copy = arena;
  for (int i = 0; i < 4; ++i)
    copy[i] = x[i];
  for (int i = 0; i < 4; ++i) {
    int sum = copy[i] + h[i] + 1;
    y[i] = hn[i] = sum > 127 ? 127 : sum < -128 ? -128 : sum;
  }
#if WRONG == 1 /* behind the arena */
  copy[16] = 0;
#elif WRONG == 2 /* before an output */
  y[-1] = 0;
#elif WRONG == 3
  ((i8 *)x)[2] += 1;
#elif WRONG == 4
  y[0] = copy[15]; /* never written */
#elif WRONG == 5
  __builtin_trap();
#elif WRONG == 6
  extern void helper(void);
  helper();
#endif
}
#endif

#ifndef NO_FLOAT
static int to_code(float v) {
  float s = v / 0.5f;
  int n = (int)(s + (s < 0 ? -0.5f : 0.5f)) + 3;
  return n > 127 ? 127 : n < -128 ? -128 : n;
}

void toy_run_f32(const float *x, const float *h, float *y, float *hn, void *arena) {
  i8 *a = (i8 *)arena + 16, *b = a + 4, *c = b + 4, *d = c + 4;
  for (int i = 0; i < 4; ++i) {
    a[i] = to_code(x[i]);
    b[i] = to_code(h[i]);
  }
  toy_run(a, b, c, d, arena);
  for (int i = 0; i < 4; ++i) {
    y[i] = (c[i] - 3) * 0.5f;
    hn[i] = (d[i] - 3) * 0.5f;
  }
}
#endif
