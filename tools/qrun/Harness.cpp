#include "Harness.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;

extern char **environ;

namespace qc {
//===--- The program's source ----------------------------------------------------------------------------------------===//

// System calls by number (SYS_EXIT ends all threads); 32-bit targets use the 64-bit clock, the only one that riscv32 has.
static constexpr const char *kSystem = R"(
typedef unsigned char u8;
typedef __UINT64_TYPE__ u64;
typedef __INT64_TYPE__ i64;
typedef __UINTPTR_TYPE__ word;

#if defined(__x86_64__)
enum { SYS_READ = 0, SYS_WRITE = 1, SYS_EXIT = 231, SYS_CLOCK = 228 };
static long call(long n, long a, long b, long c) {
  long r;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return r;
}
__asm__(".globl _start\n_start: xor %ebp, %ebp\n and $-16, %rsp\n call program\n");
#elif defined(__aarch64__)
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 94, SYS_CLOCK = 113 };
static long call(long n, long a, long b, long c) {
  register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}
__asm__(".globl _start\n_start: bl program\n");
#elif defined(__riscv)
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 94, SYS_CLOCK = __riscv_xlen == 32 ? 403 : 113 };
static long call(long n, long a, long b, long c) {
  register long a7 __asm__("a7") = n, a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}
__asm__(".globl _start\n_start: call program\n");
#elif defined(__arm__)
enum { SYS_READ = 3, SYS_WRITE = 4, SYS_EXIT = 248, SYS_CLOCK = 403 };
/* r7 may be the frame pointer in Thumb code, so it is saved by hand. */
static long call(long n, long a, long b, long c) {
  register long r0 __asm__("r0") = a, r1 __asm__("r1") = b, r2 __asm__("r2") = c, r3 __asm__("r3") = n;
  __asm__ volatile("push {r7}\n mov r7, r3\n svc #0\n pop {r7}" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3) : "memory");
  return r0;
}
#ifdef __thumb__
__asm__(".syntax unified\n.thumb\n.globl _start\n.type _start, %function\n.thumb_func\n_start: bl program\n");
#else
__asm__(".globl _start\n.type _start, %function\n_start: bl program\n");
#endif
#endif

static void leave(int code) {
  for (;;)
    call(SYS_EXIT, code, 0, 0);
}
static int receive(void *to, word bytes) {
  word done = 0;
  while (done < bytes) {
    long n = call(SYS_READ, 0, (long)((u8 *)to + done), (long)(bytes - done));
    if (n <= 0)
      return 0;
    done += n;
  }
  return 1;
}
static void deliver(const void *from, word bytes) {
  word done = 0;
  while (done < bytes) {
    long n = call(SYS_WRITE, 1, (long)((const u8 *)from + done), (long)(bytes - done));
    if (n <= 0)
      leave(1);
    done += n;
  }
}
static u64 now(void) {
  struct { i64 seconds; long nanoseconds, padding; } t;
  call(SYS_CLOCK, 1, (long)&t, 0);
  return (u64)t.seconds * 1000000000u + (u64)t.nanoseconds;
}
)";

// Guards lie directly before and behind each buffer; the result of a sample starts with 0 or 1 + the number of the broken buffer.
static constexpr const char *kMain = R"(
enum { GUARD = 4096, REPEAT = %REPEAT%, STATES = %STATES% /* bytes at the start of the arena */ };
%BUFFERS%
void %SYMBOL%(%PARAMETERS%);
%RESET%
static u8 kept[STATES + 1];
static void copy(u8 *to, const u8 *from, word bytes) {
  for (word i = 0; i < bytes; ++i)
    ((volatile u8 *)to)[i] = from[i];
}
static u64 times[REPEAT];
static struct { u8 *at; word bytes; } buffers[] = {%TABLE%};
enum { INPUTS = %INPUTS%, COUNT = sizeof(buffers) / sizeof(buffers[0]), UNCHANGED = COUNT, DISJOINT };
static int overlaps; /* two tasks wrote one byte */

static void fill(u8 *at, word bytes, u8 value) {
  for (word i = 0; i < bytes; ++i)
    ((volatile u8 *)at)[i] = value;
}
static int holds(const u8 *at, word bytes, u8 value) {
  for (word i = 0; i < bytes; ++i)
    if (at[i] != value)
      return 0;
  return 1;
}
static u64 digest(void) {
  u64 h = 14695981039346656037u;
  for (int p = 0; p < INPUTS; ++p)
    for (word i = 0; i < buffers[p].bytes; ++i)
      h = (h ^ buffers[p].at[i]) * 1099511628211u;
  return h;
}

%POOL%
__attribute__((used)) void program(void) {
  startPool();
  /* Garbage, so that reading what was never written shows in the results. */
  for (int p = 0; p < COUNT; ++p)
    fill(buffers[p].at - GUARD, buffers[p].bytes + 2 * GUARD, 0xA5);
  u64 clock = ~(u64)0;
  for (int i = 0; i < 64; ++i) {
    u64 start = now(), cost = now() - start;
    clock = cost < clock ? cost : clock;
  }
  u8 *states = buffers[COUNT - 1].at;
  for (;;) {
    /* Before a sample: 1: the states as they start, which are sent back; 2: these states. */
    for (u8 command = STATES > 0; command;) {
      if (!receive(&command, 1))
        leave(0);
      if (command == 1) {
        reset(states);
        deliver(states, STATES);
      } else if (command == 2 && !receive(states, STATES)) {
        leave(0);
      }
    }
    copy(kept, states, STATES);
    for (int p = 0; p < INPUTS; ++p)
      if (!receive(buffers[p].at, buffers[p].bytes))
        leave(0);
    for (int p = INPUTS; p < COUNT - 1; ++p)
      fill(buffers[p].at, buffers[p].bytes, 0xA5);
    u64 before = digest();
    for (int i = 0; i < REPEAT; ++i) {
      copy(states, kept, STATES);
      u64 start = now();
      %SYMBOL%(%ARGUMENTS%);
      u64 cost = now() - start;
      times[i] = cost > clock ? cost - clock : 0;
    }
    u64 broken = 0;
    for (int p = 0; p < COUNT && !broken; ++p)
      if (!holds(buffers[p].at - GUARD, GUARD, 0xA5) || !holds(buffers[p].at + buffers[p].bytes, GUARD, 0xA5))
        broken = 1 + p;
    if (!broken && digest() != before)
      broken = 1 + UNCHANGED;
    if (overlaps)
      broken = 1 + DISJOINT;
    deliver(&broken, sizeof broken);
    for (int p = INPUTS; p < COUNT - 1; ++p)
      deliver(buffers[p].at, buffers[p].bytes);
    deliver(states, STATES);
    deliver(times, sizeof times);
  }
}
)";

static std::string replace(std::string text, StringRef key, const Twine &value) {
  std::string with = value.str();
  for (size_t at = 0; (at = text.find(key.data(), at, key.size())) != std::string::npos; at += with.size())
    text.replace(at, key.size(), with);
  return text;
}

static std::string getSource(const Interface &interface, const EntryPoint &entry, const HarnessOptions &options) {
  std::string buffers, parameters, arguments, table;
  int64_t alignment = std::max<int64_t>(64, entry.arenaAlign);
  auto add = [&](const Twine &name, uint64_t bytes, bool constant) {
    buffers +=
        formatv("static u8 {0}_memory[GUARD + {1} + GUARD] __attribute__((aligned({2})));\n", name.str(), bytes, alignment);
    table += formatv("{{{0}_memory + GUARD, {1}}, ", name.str(), bytes);
    parameters += (parameters.empty() ? "" : ", ") + std::string(constant ? "const void *" : "void *");
    arguments += (arguments.empty() ? "" : ", ") + (name + "_memory + GUARD").str();
  };
  for (auto [index, port] : enumerate(interface.inputs))
    add("in" + Twine(index), port.elements() * port.bytes(options.f32), true);
  int64_t bytes = entry.arenaBytes; // that tasks may write
  for (auto [index, port] : enumerate(interface.outputs))
    bytes += port.elements() * port.bytes(options.f32);
  for (auto [index, port] : enumerate(interface.outputs))
    add("out" + Twine(index), port.elements() * port.bytes(options.f32), false);
  add("arena", entry.arenaBytes, false);
  std::string pool = getPoolSource(interface, options.pool, bytes);
  if (interface.threads > 1) {
    parameters += ", void (*)(void *, void (*)(void *, unsigned, unsigned), void *, unsigned), void *";
    arguments += options.program.empty() ? ", parallel_for, 0" : ", 0, 0"; // other programs run all on the caller
  }

  std::string text = replace(options.program.empty() ? kMain : options.program, "%REPEAT%", Twine(options.repeat));
  text = replace(text, "%POOL%", pool);
  text = replace(text, "%STATES%", Twine(interface.stateBytes()));
  text = replace(text, "%RESET%",
                 interface.reset.empty() ? std::string("static void reset(void *arena) {}")
                                         : "void " + interface.reset + "(void *arena);\nstatic void reset(void *arena) { " +
                                               interface.reset + "(arena); }");
  text = replace(text, "%INPUTS%", Twine(interface.inputs.size()));
  text = replace(text, "%BUFFERS%", buffers);
  text = replace(text, "%PARAMETERS%", parameters);
  text = replace(text, "%TABLE%", table);
  text = replace(text, "%ARGUMENTS%", arguments);
  return kSystem + replace(text, "%SYMBOL%", entry.symbol);
}

//===--- Building ----------------------------------------------------------------------------------------------------===//

/// The LLVM that this was built with first, then PATH.
static Expected<std::string> findTool(std::initializer_list<StringRef> names, const Twine &why) {
  for (StringRef name : names) {
    if (ErrorOr<std::string> path = sys::findProgramByName(name, {QRUN_LLVM_TOOLS}))
      return *path;
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return *path;
  }
  return createStringError(*names.begin() + " was not found: " + why);
}

static Error execute(ArrayRef<std::string> command, StringRef log, const Twine &what) {
  SmallVector<StringRef> arguments(command.begin(), command.end());
  std::string message;
  int code =
      sys::ExecuteAndWait(command[0], arguments, std::nullopt, {StringRef(), StringRef(log), StringRef(log)}, 0, 0, &message);
  if (code == 0)
    return Error::success();
  ErrorOr<std::unique_ptr<MemoryBuffer>> output = MemoryBuffer::getFile(log);
  return createStringError(what + " failed:\n" + (output ? (*output)->getBuffer().str() : std::string()) + message);
}

/// RISC-V objects link only with code of the same floating-point ABI.
static std::vector<std::string> getMachineOptions(const ObjectFile &object) {
  if (object.arch == "aarch64")
    return {"-mno-outline-atomics"}; // they are functions of a library
  if (!StringRef(object.arch).starts_with("riscv"))
    return {};
  unsigned abi = object.flags & ELF::EF_RISCV_FLOAT_ABI;
  std::string suffix = abi == ELF::EF_RISCV_FLOAT_ABI_DOUBLE ? "d" : abi == ELF::EF_RISCV_FLOAT_ABI_SINGLE ? "f" : "";
  bool wide = object.arch == "riscv64";
  std::string march = wide ? "rv64ima" : "rv32im";
  march += suffix == "d" ? "fd" : suffix;
  return {"-march=" + march + "c", "-mabi=" + std::string(wide ? "lp64" : "ilp32") + suffix};
}

static Error build(StringRef folder, StringRef objectPath, const ObjectFile &object, const EntryPoint &entry,
                   const HarnessOptions &options) {
  Expected<std::string> clang = findTool({"clang", "clang-22"}, "qrun compiles its harness with it (package clang-22)");
  if (!clang)
    return clang.takeError();
  Expected<std::string> lld = findTool({"ld.lld", "ld.lld-22"}, "qrun links with it (package lld-22)");
  if (!lld)
    return lld.takeError();

  std::string base = folder.str() + "/";
  std::error_code code;
  raw_fd_ostream source(base + "harness.c", code);
  source << getSource(object.interface, entry, options);
  source.close();
  if (code || source.has_error()) {
    source.clear_error();
    return createStringError("cannot write the harness to " + folder);
  }
  // No builtins: the harness must not need memset either, or an object that needs it would link.
  std::vector<std::string> command = {*clang,
                                      "--target=" + object.interface.triple,
                                      "-c",
                                      "-O2",
                                      "-ffreestanding",
                                      "-fno-builtin",
                                      "-fno-stack-protector",
                                      "-fno-unwind-tables",
                                      "-fno-asynchronous-unwind-tables",
                                      "-fno-pic",
                                      "-w"};
  for (const std::string &option : getMachineOptions(object))
    command.push_back(option);
  command.insert(command.end(), {base + "harness.c", "-o", base + "harness.o"});
  if (Error error = execute(command, base + "log", "compiling the harness for " + object.interface.triple))
    return error;
  std::string linked = objectPath.str();
  if (!options.object.empty()) {
    linked = base + "object.o";
    raw_fd_ostream stream(linked, code);
    stream << options.object;
    stream.close();
    if (code || stream.has_error()) {
      stream.clear_error();
      return createStringError("cannot write an object to " + folder);
    }
  }
  return execute({*lld, "-static", "-o", base + "program", base + "harness.o", linked}, base + "log", "linking " + objectPath);
}

//===--- Running -----------------------------------------------------------------------------------------------------===//

static Expected<std::vector<std::string>> getCommand(StringRef program, const ObjectFile &object, const HarnessOptions &options) {
  if (object.native && options.cpu.empty())
    return std::vector<std::string>{program.str()};
  ErrorOr<std::string> qemu = sys::findProgramByName("qemu-" + object.arch);
  if (!qemu)
    return createStringError("qemu-" + object.arch + " was not found: objects for " + object.interface.triple +
                             " run under it here (package qemu-user)");
  std::string cpu = options.cpu;
  unsigned vlen;
  bool riscv = StringRef(object.arch).starts_with("riscv");
  if (!cpu.empty() && !StringRef(cpu).getAsInteger(10, vlen)) {
    if (object.arch != "riscv64")
      return createStringError("-cpu=" + cpu + ": a vector length is for riscv64 objects; give a CPU of qemu-" + object.arch);
    if (vlen < 128 || vlen > 1024 || (vlen & (vlen - 1)))
      return createStringError("-cpu=" + cpu + ": qemu knows vector lengths of 128, 256, 512 and 1024 bits");
  } else if (cpu.empty() && object.arch == "riscv64") {
    cpu = "128";
  }
  if (riscv && !cpu.empty() && !StringRef(cpu).getAsInteger(10, vlen))
    cpu = "rv64,v=true,vext_spec=v1.0,elen=64,vlen=" + cpu;
  else if (cpu.empty())
    cpu = riscv ? "rv32" : "max";
  return std::vector<std::string>{*qemu, "-cpu", cpu, program.str()};
}

Expected<std::unique_ptr<Harness>> Harness::start(StringRef objectPath, const ObjectFile &object, const HarnessOptions &options) {
  const EntryPoint &entry = options.f32 ? *object.interface.runF32 : *object.interface.run;
  std::unique_ptr<Harness> harness(new Harness);
  SmallString<128> folder;
  if (std::error_code code = sys::fs::createUniqueDirectory("qrun", folder))
    return createStringError("cannot create a temporary folder: " + code.message());
  harness->folder = folder.str().str();
  Expected<std::vector<std::string>> command = getCommand(harness->folder + "/program", object, options);
  if (!command)
    return command.takeError();
  if (Error error = build(harness->folder, objectPath, object, entry, options))
    return error;

  harness->objectPath = objectPath.str();
  harness->native = command->size() == 1;
  harness->description = harness->native ? "this CPU" : command->at(0) + " -cpu " + command->at(2);
  for (const Port &port : object.interface.inputs)
    harness->portNames.push_back("input '" + port.name + "'");
  for (const Port &port : object.interface.outputs)
    harness->portNames.push_back("output '" + port.name + "'");
  harness->portNames.push_back("the arena");

  // A program that dies must not take this process with it.
  std::signal(SIGPIPE, SIG_IGN);
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
    return createStringError("cannot create a pipe: " + Twine(std::strerror(errno)));
  harness->toProgram = in[1];
  harness->fromProgram = out[0];
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::vector<char *> arguments;
  for (std::string &argument : *command)
    arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  int failure = posix_spawn(&harness->pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (failure) {
    harness->pid = -1;
    return createStringError("cannot start " + command->at(0) + ": " + std::strerror(failure));
  }
  return harness;
}

Harness::~Harness() {
  if (toProgram >= 0)
    close(toProgram); // the program leaves at the end of its input
  if (fromProgram >= 0)
    close(fromProgram);
  if (pid > 0)
    waitpid(pid, nullptr, 0);
  if (!folder.empty())
    sys::fs::remove_directories(folder);
}

static bool sendAll(int file, const char *data, size_t bytes) {
  while (bytes) {
    ssize_t n = write(file, data, bytes);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    data += n;
    bytes -= n;
  }
  return true;
}

static bool receiveAll(int file, void *data, size_t bytes) {
  char *to = static_cast<char *>(data);
  while (bytes) {
    ssize_t n = read(file, to, bytes);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    to += n;
    bytes -= n;
  }
  return true;
}

Error Harness::died() {
  int status = 0;
  waitpid(pid, &status, 0);
  pid = -1;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGILL)
    return createStringError(objectPath + ": illegal instruction: the object needs features that " + description +
                             " lacks; compile it for this target or choose another -cpu");
  if (WIFSIGNALED(status))
    return createStringError(objectPath + ": the run on " + description + " died of signal " + Twine(WTERMSIG(status)) + " (" +
                             strsignal(WTERMSIG(status)) + ")");
  return createStringError(objectPath + ": the run on " + description + " ended with code " + Twine(WEXITSTATUS(status)));
}

Error Harness::send(const void *data, size_t bytes) {
  return sendAll(toProgram, static_cast<const char *>(data), bytes) ? Error::success() : died();
}

Error Harness::receive(void *data, size_t bytes) { return receiveAll(fromProgram, data, bytes) ? Error::success() : died(); }

Error Harness::reset(std::vector<char> &states) {
  char command = 1;
  if (Error error = send(&command, 1))
    return error;
  return receive(states.data(), states.size());
}

Error Harness::setStates(const std::vector<char> &states) {
  char command = 2;
  if (Error error = send(&command, 1))
    return error;
  return send(states.data(), states.size());
}

Error Harness::run(ArrayRef<std::vector<char>> inputs, MutableArrayRef<std::vector<char>> outputs, std::vector<char> &states,
                   std::vector<uint64_t> &times) {
  if (char command = 0; !states.empty())
    if (Error error = send(&command, 1))
      return error;
  for (const std::vector<char> &input : inputs)
    if (Error error = send(input.data(), input.size()))
      return error;
  uint64_t broken = 0;
  if (Error error = receive(&broken, sizeof broken))
    return error;
  if (broken > portNames.size() + 1)
    return createStringError(objectPath + ": two tasks of a kernel wrote the same byte");
  if (broken > portNames.size())
    return createStringError(objectPath + ": the network changed its inputs");
  if (broken)
    return createStringError(objectPath + ": the network wrote outside its buffer: bytes beside " + portNames[broken - 1] +
                             " changed");
  for (std::vector<char> &output : outputs)
    if (Error error = receive(output.data(), output.size()))
      return error;
  if (Error error = receive(states.data(), states.size()))
    return error;
  return receive(times.data(), times.size() * sizeof(uint64_t));
}
} // namespace qc
