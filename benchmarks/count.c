/* Runs a network as often as its argument says: the difference of one and none is what an inference executes. The compiler's
   command line names the function and gives the sizes of its buffers. */
#include <stdlib.h>

static unsigned char input[INPUT_BYTES] __attribute__((aligned(64)));
static unsigned char output[OUTPUT_BYTES] __attribute__((aligned(64)));
static unsigned char arena[ARENA_BYTES + 1] __attribute__((aligned(64)));
void RUN(const void *, void *, void *);

int main(int argc, char **argv) {
  unsigned state = 1;
  for (unsigned i = 0; i < sizeof input; ++i)
    input[i] = (unsigned char)((state = state * 1664525u + 1013904223u) >> 24);
  for (int i = atoi(argv[1]); i > 0; --i)
    RUN(input, output, arena);
  return 0;
}
