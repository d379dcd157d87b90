// libfail_nth.so, to be preloaded: of the system calls that a process of the host makes, the Nth
// fails once.
//
// Wrappers stand before the C library's functions by name, so calls inside the C library itself (a
// thread's stack, malloc) are not seen. Every wrapper has the same shape: integers and pointers
// travel in registers, whatever their types, and a wrapper passes on the registers it was given.

#include "tests/faults/fail_nth.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long (*Function)(long, long, long, long, long, long, long);

// How a function tells its caller.
enum Style { kMinusOne, kNull, kErrorNumber };

struct Wrapped {
  const char* name;
  Function real;
  int error;
  enum Style style;
  bool interruptible;
};

static struct Control* control;
static enum Role role;
static char preload_variable[4200];
static char control_variable[4200];

// Of code.
struct Library {
  const char* name;
  uintptr_t begin;
  uintptr_t end;
};

static struct Library client_library = {"libtvmffi_host", 0, 0};
static struct Library event_library = {"libuv", 0, 0};

static int FindLibrary(struct dl_phdr_info* info, size_t size, void* wanted) {
  (void)size;
  struct Library* library = wanted;
  if (strstr(info->dlpi_name, library->name) == NULL) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
    const uintptr_t end = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz;
    if (library->end < end) library->end = end;
  }
  library->begin = info->dlpi_addr;
  return 1;
}

static bool IsIn(struct Library* library, const void* address) {
  if (library->end == 0) dl_iterate_phdr(&FindLibrary, library);
  return (uintptr_t)address >= library->begin && (uintptr_t)address < library->end;
}

static bool Counts(const char* name, const void* caller) {
  // A client is a program like any other: only what the host's library does there counts, and the
  // threads it starts.
  if (role == kClient) return strcmp(name, "pthread_create") == 0 || IsIn(&client_library, caller);
  // Its signal handler keeps its lock in a pipe and relies on that.
  if (strcmp(name, "read") == 0 || strcmp(name, "write") == 0) return !IsIn(&event_library, caller);
  return true;
}

static const char* LastPart(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

static struct Frame FrameAt(const void* address) {
  struct Frame frame;
  memset(&frame, 0, sizeof(frame));
  frame.offset = (uint64_t)address;
  Dl_info where;
  if (dladdr(address, &where) == 0 || where.dli_fname == NULL) return frame;
  strncpy(frame.object, LastPart(where.dli_fname), kObjectSize - 1);
  frame.offset -= (uint64_t)where.dli_fbase;
  return frame;
}

static void Report(const char* name, int error) {
  struct Failure* failure = &control->failure;
  void* addresses[kMaxFrames + 4];
  const int depth = backtrace(addresses, kMaxFrames + 4);
  failure->role = role;
  failure->pid = getpid();
  failure->error = error;
  strncpy(failure->name, name, kNameSize - 1);
  for (int i = 0; i < depth && failure->depth < kMaxFrames; ++i) {
    const struct Frame frame = FrameAt(addresses[i]);
    if (strstr(frame.object, "libfail_nth") != NULL) continue;
    failure->frames[failure->depth++] = frame;
  }
  __atomic_store_n(&failure->happened, 1, __ATOMIC_RELEASE);
}

static void RecordSite(const char* name, uint64_t count) {
  enum { kCallers = 6 };
  if (count > kMaxSites) return;
  uint64_t hash = 14695981039346656037u;
  for (const char* letter = name; *letter != 0; ++letter)
    hash = (hash ^ (uint8_t)*letter) * 1099511628211u;
  void* addresses[kCallers + 4];
  const int depth = backtrace(addresses, kCallers + 4);
  int callers = 0;
  for (int i = 0; i < depth && callers < kCallers; ++i) {
    const struct Frame frame = FrameAt(addresses[i]);
    if (strstr(frame.object, "libfail_nth") != NULL) continue;
    ++callers;
    hash = (hash ^ frame.offset) * 1099511628211u;
  }
  control->sites[role][count - 1] = hash;
}

// Whether this is the call.
static bool MustFail(const char* name, int error, const void* caller) {
  if (control == NULL || !__atomic_load_n(&control->armed, __ATOMIC_ACQUIRE)) return false;
  if (!Counts(name, caller)) return false;
  const uint64_t count = __atomic_add_fetch(&control->counts[role], 1, __ATOMIC_RELAXED);
  if (control->record_sites) RecordSite(name, count);
  if (control->role != role || control->nth != count) return false;
  Report(name, error);
  return true;
}

static Function Real(struct Wrapped* wrapped) {
  if (wrapped->real == NULL) *(void**)&wrapped->real = dlsym(RTLD_NEXT, wrapped->name);
  return wrapped->real;
}

static bool ShouldFail(struct Wrapped* wrapped, const void* caller) {
  if (control == NULL || (control->interrupt && !wrapped->interruptible)) return false;
  const int before = errno;
  const bool fails = MustFail(wrapped->name, control->interrupt ? EINTR : wrapped->error, caller);
  errno = before;
  return fails;
}

static long Fail(const struct Wrapped* wrapped) {
  const int error = control->interrupt ? EINTR : wrapped->error;
  if (wrapped->style == kErrorNumber) return error;
  errno = error;
  return wrapped->style == kNull ? 0 : -1;
}

#define WRAP(function, error, style, interruptible)                                              \
  long Wrapped_##function(long a, long b, long c, long d, long e, long f,                        \
                          long g) __asm__(#function);                                            \
  __attribute__((visibility("default"))) long Wrapped_##function(long a, long b, long c, long d, \
                                                                 long e, long f, long g) {       \
    static struct Wrapped wrapped = {#function, NULL, error, style, interruptible};              \
    if (ShouldFail(&wrapped, __builtin_return_address(0))) return Fail(&wrapped);                \
    return Real(&wrapped)(a, b, c, d, e, f, g);                                                  \
  }
#include "tests/faults/calls.inc"
#undef WRAP

// syscall(): by number.

struct RawCall {
  long number;
  const char* name;
  int error;  // 0: it cannot fail
  bool interruptible;
};

static const struct RawCall kRawCalls[] = {
    {SYS_clone, "clone", EAGAIN, false},
    {SYS_close_range, "close_range", ENOMEM, false},
    {SYS_pidfd_open, "pidfd_open", EMFILE, false},
    {SYS_pidfd_send_signal, "pidfd_send_signal", EPERM, false},
    {SYS_waitid, "waitid", EINTR, true},
    {SYS_mount_setattr, "mount_setattr", ENOMEM, false},
    {SYS_pivot_root, "pivot_root", ENOMEM, false},
    {SYS_capset, "capset", EPERM, false},
    {SYS_seccomp, "seccomp", ENOMEM, false},
    {SYS_landlock_create_ruleset, "landlock_create_ruleset", EMFILE, false},
    {SYS_landlock_add_rule, "landlock_add_rule", ENOMEM, false},
    {SYS_landlock_restrict_self, "landlock_restrict_self", ENOMEM, false},
    {SYS_futex, "futex", EINTR, true},
    {SYS_gettid, "gettid", 0, false},
    {SYS_rt_sigprocmask, "rt_sigprocmask", 0, false},
    {SYS_set_robust_list, "set_robust_list", 0, false},
    {SYS_tgkill, "tgkill", 0, false},
};

static struct RawCall FindRawCall(long number, long second) {
  static const struct RawCall unknown = {0, "syscall", ENOMEM, false};
  for (size_t i = 0; i < sizeof(kRawCalls) / sizeof(kRawCalls[0]); ++i) {
    if (kRawCalls[i].number != number) continue;
    struct RawCall call = kRawCalls[i];
    const long operation = second & FUTEX_CMD_MASK;
    if (number == SYS_futex && operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET)
      call.error = 0;
    return call;
  }
  return unknown;
}

static long CallRaw(long number, long a, long b, long c, long d, long e, long f) {
  static struct Wrapped wrapped = {"syscall", NULL, ENOMEM, kMinusOne, false};
  const long result = Real(&wrapped)(number, a, b, c, d, e, f);
  // A fork without the C library's knowledge.
  if (number == SYS_clone && result == 0 && role == kDaemon) role = kStart;
  return result;
}

long Wrapped_syscall(long number, long a, long b, long c, long d, long e,
                     long f) __asm__("syscall");
__attribute__((visibility("default"))) long Wrapped_syscall(long number, long a, long b, long c,
                                                            long d, long e, long f) {
  const struct RawCall call = FindRawCall(number, b);
  struct Wrapped wrapped = {call.name, NULL, call.error, kMinusOne, call.interruptible};
  if (call.error != 0 && ShouldFail(&wrapped, __builtin_return_address(0))) return Fail(&wrapped);
  return CallRaw(number, a, b, c, d, e, f);
}

// The next program is watched too, whatever environment it is to have.
int Wrapped_execve(const char* path, char* const argv[],
                   char* const environment[]) __asm__("execve");
__attribute__((visibility("default"))) int Wrapped_execve(const char* path, char* const argv[],
                                                          char* const environment[]) {
  enum { kMaxVariables = 256 };
  static struct Wrapped wrapped = {"execve", NULL, ENOMEM, kMinusOne, false};
  if (ShouldFail(&wrapped, __builtin_return_address(0))) return (int)Fail(&wrapped);
  char* more[kMaxVariables + 3];
  int count = 0;
  for (; environment[count] != NULL && count < kMaxVariables; ++count)
    more[count] = environment[count];
  if (role == kStart) {
    more[count++] = preload_variable;
    more[count++] = control_variable;
  }
  more[count] = NULL;
  return (int)Real(&wrapped)((long)path, (long)argv, (long)more, 0, 0, 0, 0);
}

static enum Role RoleOfProgram(void) {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (size <= 0) return kClient;
  path[size] = 0;
  const char* name = LastPart(path);
  if (strcmp(name, "tvmffi-hostd") == 0) return kDaemon;
  if (strcmp(name, "tvmffi-worker") == 0) return kWorker;
  return strcmp(name, "tvmffi-symbolizer") == 0 ? kSymbolizer : kClient;
}

__attribute__((constructor)) static void Open(void) {
  const char* path = getenv("TVMFFI_FAIL_NTH");
  const char* preload = getenv("LD_PRELOAD");
  if (path == NULL || preload == NULL) return;
  snprintf(preload_variable, sizeof(preload_variable), "LD_PRELOAD=%s", preload);
  snprintf(control_variable, sizeof(control_variable), "TVMFFI_FAIL_NTH=%s", path);
  role = RoleOfProgram();
  if (role == kWorker || role == kSymbolizer) {
    // Its environment is what the daemon gave it.
    unsetenv("LD_PRELOAD");
    unsetenv("TVMFFI_FAIL_NTH");
  }
  // What it loads for its first use is loaded now: a locked worker opens nothing.
  void* address;
  backtrace(&address, 1);
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* memory = mmap(NULL, sizeof(struct Control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory != MAP_FAILED) control = memory;
}
