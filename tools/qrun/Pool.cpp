// The pool of the freestanding program: threads by clone and futex, or tasks one by one.
#include "Pool.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;

namespace qc {
// Each thread begins with a share of its own, neighbouring tasks, as in the kernels before: their data lie in its cache. Then it
// takes what others have left. A task is claimed by raising the low half of the share's number, whose high half counts the calls:
// a thread that slept through a call cannot claim from it. What it read of the job before belongs to the call whose number it
// exchanges, as no call ends before its tasks.
static constexpr const char *kThreads = R"(
#if defined(__x86_64__)
enum { SYS_CLONE = 56, SYS_FUTEX = 202, SYS_YIELD = 24 };
__asm__("start_thread: mov $56, %eax\n xor %edx, %edx\n xor %r10d, %r10d\n xor %r8d, %r8d\n syscall\n test %eax, %eax\n jz 1f\n ret\n"
        "1: xor %ebp, %ebp\n call worker\n");
#define PAUSE __asm__ volatile("pause")
#elif defined(__aarch64__)
enum { SYS_CLONE = 220, SYS_FUTEX = 98, SYS_YIELD = 124 };
__asm__("start_thread: mov x2, #0\n mov x3, #0\n mov x4, #0\n mov x8, #220\n svc 0\n cbz x0, 1f\n ret\n1: bl worker\n");
#define PAUSE __asm__ volatile("yield")
#elif defined(__riscv)
enum { SYS_CLONE = 220, SYS_FUTEX = 98, SYS_YIELD = 124 };
__asm__("start_thread: li a2, 0\n li a3, 0\n li a4, 0\n li a7, 220\n ecall\n beqz a0, 1f\n ret\n1: call worker\n");
#define PAUSE __asm__ volatile("nop")
#elif defined(__arm__)
enum { SYS_CLONE = 120, SYS_FUTEX = 240, SYS_YIELD = 158 };
__asm__(".arm\n.type start_thread, %function\nstart_thread: push {r4, r7, lr}\n mov r2, #0\n mov r3, #0\n mov r4, #0\n mov r7, #120\n"
        " svc #0\n cmp r0, #0\n beq 1f\n pop {r4, r7, pc}\n1: bl worker\n");
#define PAUSE __asm__ volatile("yield")
#endif
enum { WORKERS = THREADS - 1, STACK = 1 << 18, PATIENCE = 20000, VM_FS_FILES_SIGHAND_THREAD_SYSVSEM = 0x50f00 };
long start_thread(long flags, void *stack);
static u8 stacks[WORKERS][STACK] __attribute__((aligned(64)));
static struct {
  qc_task task;
  void *context;
  unsigned count;
} job;
static struct { u64 claim __attribute__((aligned(64))); } shares[THREADS];
static unsigned done __attribute__((aligned(64)));
static unsigned call_number __attribute__((aligned(64)));
static unsigned sleepers, workers;

static unsigned share_begin(unsigned share, unsigned count) { return share * count / THREADS; }
static void work_on(unsigned share, unsigned slot) {
  u64 at = __atomic_load_n(&shares[share].claim, __ATOMIC_ACQUIRE);
  for (;;) {
    qc_task task = __atomic_load_n(&job.task, __ATOMIC_ACQUIRE);
    void *context = __atomic_load_n(&job.context, __ATOMIC_ACQUIRE);
    if ((unsigned)at >= share_begin(share + 1, __atomic_load_n(&job.count, __ATOMIC_ACQUIRE)))
      return;
    if (!__atomic_compare_exchange_n(&shares[share].claim, &at, at + 1, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      continue;
    task(context, (unsigned)at, slot);
    __atomic_fetch_add(&done, 1, __ATOMIC_ACQ_REL);
    at = __atomic_load_n(&shares[share].claim, __ATOMIC_ACQUIRE);
  }
}
static void work(unsigned slot) {
  for (unsigned i = 0; i < THREADS; ++i)
    work_on((slot + i) % THREADS, slot);
}

__attribute__((used)) void worker(void) {
  unsigned slot = 1 + __atomic_fetch_add(&workers, 1, __ATOMIC_ACQ_REL), seen = 0;
  for (;;) {
    unsigned number = __atomic_load_n(&call_number, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; number == seen && i < PATIENCE; ++i) {
      PAUSE;
      number = __atomic_load_n(&call_number, __ATOMIC_SEQ_CST);
    }
    if (number == seen) {
      __atomic_fetch_add(&sleepers, 1, __ATOMIC_SEQ_CST);
      call(SYS_FUTEX, (long)&call_number, 0, (long)seen);
      __atomic_fetch_sub(&sleepers, 1, __ATOMIC_SEQ_CST);
      continue;
    }
    seen = number;
    work(slot);
  }
}

static void parallel_for(void *pool, qc_task task, void *context, unsigned count) {
  /* No task of the call before is left; whoever still looks at the job fails to claim from it. */
  u64 number = (shares[0].claim >> 32) + 1;
  for (unsigned s = 0; s < THREADS; ++s)
    __atomic_store_n(&shares[s].claim, number << 32 | 0xffffffffu, __ATOMIC_SEQ_CST);
  __atomic_store_n(&done, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&job.task, task, __ATOMIC_SEQ_CST);
  __atomic_store_n(&job.context, context, __ATOMIC_SEQ_CST);
  __atomic_store_n(&job.count, count, __ATOMIC_SEQ_CST);
  for (unsigned s = 0; s < THREADS; ++s)
    __atomic_store_n(&shares[s].claim, number << 32 | share_begin(s, count), __ATOMIC_SEQ_CST);
  __atomic_store_n(&call_number, (unsigned)number, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&sleepers, __ATOMIC_SEQ_CST))
    call(SYS_FUTEX, (long)&call_number, 1, WORKERS);
  work(0);
  for (unsigned i = 1; __atomic_load_n(&done, __ATOMIC_ACQUIRE) != count; ++i) {
    PAUSE;
    if (i % 1000 == 0)
      call(SYS_YIELD, 0, 0, 0);
  }
}

static void startPool(void) {
  for (unsigned i = 0; i < WORKERS; ++i)
    if (start_thread(VM_FS_FILES_SIGHAND_THREAD_SYSVSEM, stacks[i] + STACK) < 0)
      leave(3);
}
)";

// Index i*factor + first, modulo the number of tasks: all of them in another order at each call. No division: some targets would
// call a function for it.
static constexpr const char *kOrders = R"(
static unsigned random_state = 1;
static unsigned random_number(unsigned below) {
  random_state = random_state * 1664525u + 1013904223u;
  return ((random_state >> 16) * below) >> 16;
}
static unsigned common_divisor(unsigned a, unsigned b) {
  while (a != b)
    a > b ? (a -= b) : (b -= a);
  return a;
}

#if ORDER == ISOLATED
static u8 before[ALL_BYTES], after[ALL_BYTES], writer[ALL_BYTES];
static void run_task(qc_task task, void *context, unsigned index, unsigned slot) {
  word at = 0;
  task(context, index, slot);
  for (int p = INPUTS; p < COUNT; ++p)
    for (word i = 0; i < buffers[p].bytes; ++i, ++at) {
      u8 *byte = buffers[p].at + i;
      if (*byte == before[at])
        continue;
      if (writer[at] && writer[at] != slot + 1)
        overlaps = 1;
      writer[at] = slot + 1;
      after[at] = *byte;
      *byte = before[at];
    }
}
static void save(u8 *to) {
  for (int p = INPUTS; p < COUNT; ++p)
    for (word i = 0; i < buffers[p].bytes; ++i)
      *to++ = buffers[p].at[i];
}
#else
static void run_task(qc_task task, void *context, unsigned index, unsigned slot) { task(context, index, slot); }
#endif

static void parallel_for(void *pool, qc_task task, void *context, unsigned count) {
  unsigned factor = 1, first = 0, turn = random_number(SLOTS);
#if ORDER == SHUFFLED || ORDER == ISOLATED
  do
    factor = 1 + random_number(count);
  while (common_divisor(factor, count) != 1);
  first = random_number(count);
#endif
#if ORDER == ISOLATED
  save(before);
  save(after);
  fill(writer, sizeof writer, 0);
#endif
  for (unsigned i = 0, index = first; i < count; ++i) {
    unsigned at = ORDER == REVERSE ? count - 1 - i : index;
    run_task(task, context, at, (at + turn) % SLOTS);
    index += factor;
    if (index >= count)
      index -= count;
  }
#if ORDER == ISOLATED
  u8 *from = after;
  for (int p = INPUTS; p < COUNT; ++p)
    for (word i = 0; i < buffers[p].bytes; ++i)
      buffers[p].at[i] = *from++;
#endif
}
static void startPool(void) {}
)";

Error checkPool(const ObjectFile &object, StringRef path, const PoolOptions &options) {
  if (options.threads < 1 || (options.threads > 1 && options.order != TaskOrder::Threads))
    return createStringError(options.threads < 1 ? "-threads=0: at least the caller runs"
                                                 : "-threads and -task-order exclude each other");
  if (options.isNone())
    return Error::success();
  if (object.interface.threads < 2)
    return createStringError(path + ": takes no threads; compile it with qcc -threads=N");
  if (options.threads > object.interface.threads)
    return createStringError("-threads=" + Twine(options.threads) + ": " + path + " was compiled for up to " +
                             Twine(object.interface.threads));
  Triple triple(object.interface.triple);
  bool isMicrocontroller = triple.isThumb() || triple.getArch() == Triple::riscv32;
  if (options.threads > 1 && isMicrocontroller)
    return createStringError("-threads=" + Twine(options.threads) + ": no threads on " + triple.str() +
                             "; -task-order runs the tasks one by one");
  return Error::success();
}

std::string getPoolSource(const Interface &interface, const PoolOptions &options, int64_t bytes) {
  std::string text = "typedef void (*qc_task)(void *, unsigned, unsigned);\n";
  if (options.isNone())
    return "enum { parallel_for = 0 };\nstatic void startPool(void) {}\n";
  if (options.order == TaskOrder::Threads)
    return text + "enum { THREADS = " + std::to_string(options.threads) + " };\n" + kThreads;
  text += "#define FORWARD 1\n#define REVERSE 2\n#define SHUFFLED 3\n#define ISOLATED 4\n#define ORDER " +
          std::to_string(int(options.order)) + "\nenum { SLOTS = " + std::to_string(interface.threads) + ", ALL_BYTES = " + std::to_string(bytes) + " };\n";
  return text + kOrders;
}
} // namespace qc
