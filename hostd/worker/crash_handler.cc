#include "hostd/worker/crash_handler.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>

#include "hostd/worker/arena_ranges.h"
#include "hostd/worker/crash_capture.h"

namespace tvmffi::hostd {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
constexpr size_t kCrashStack = 64 * 1024;

CrashPage* crash_page = nullptr;
const ArenaRanges* arena_ranges = nullptr;
// The thread that writes the page: a second crash must not mix with the first.
std::atomic<int> crashing_thread{0};
std::atomic<int> first_signal{0};
thread_local uint64_t current_call = 0;
// Where the stack of the calling thread ends; 0 when that is not known.
thread_local uint64_t stack_end = 0;

int ThreadId() { return static_cast<int>(::syscall(SYS_gettid)); }

[[noreturn]] void DieOf(int signal_number) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal_number, &action, nullptr);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal_number);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::syscall(SYS_tgkill, ::getpid(), ThreadId(), signal_number);
  ::_exit(128 + signal_number);  // not reached: the signal is neither blocked nor handled
}

// The kernel's word, unless somebody sent the signal by hand.
bool HasAddress(const siginfo_t* info) {
  if (info->si_code <= 0 || info->si_code == SI_KERNEL) return false;
  return info->si_signo == SIGSEGV || info->si_signo == SIGBUS;
}

void FillRecord(const siginfo_t* info, const ucontext_t* context, CrashPage* page) {
  CrashRecord& record = page->record;
  record = {};
  record.signal = info->si_signo;
  record.code = info->si_code;
  record.thread = ThreadId();
  record.call_id = current_call;
  const uint64_t stack_pointer = CaptureRegisters(context, &record);
  if (HasAddress(info)) {
    record.has_address = 1;
    record.address = reinterpret_cast<uintptr_t>(info->si_addr);
    record.in_arena = arena_ranges->Find(record.address, &record.arena_id, &record.arena_offset);
  } else {
    record.access = kAccessUnknown;
  }
  record.valid = 1;
  record.address_space_full = AddressSpaceIsFull();
  // Last, because broken memory may fault here again; what was written stays.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  CaptureStack(stack_pointer, stack_end, page);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  CaptureModules(page);
}

void Handle(int signal_number, siginfo_t* info, void* context) {
  int nobody = 0;
  if (crashing_thread.compare_exchange_strong(nobody, ThreadId())) {
    first_signal.store(signal_number);
    FillRecord(info, static_cast<const ucontext_t*>(context), crash_page);
    DieOf(signal_number);
  }
  // Reading the broken state faulted: die of what brought us here.
  if (nobody == ThreadId()) DieOf(first_signal.load());
  // Another thread is dying; its signal ends this one too.
  for (;;) ::pause();
}

}  // namespace

Status InstallCrashHandler(CrashPage* page) {
  crash_page = page;
  arena_ranges = &Ranges();
  PrepareCapture();
  for (int signal_number : kSignals) {
    struct sigaction action = {};
    action.sa_sigaction = Handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    if (::sigaction(signal_number, &action, nullptr) != 0) {
      return ErrnoStatus(errno, "cannot handle signal " + std::to_string(signal_number));
    }
  }
  return OkStatus();
}

Status UseCrashStack() {
  stack_end = FindStackEnd();
  const size_t guard = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  void* base = ::mmap(nullptr, kCrashStack + guard, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (base == MAP_FAILED) return ErrnoStatus(errno, "cannot map a crash stack");
  if (::mprotect(base, guard, PROT_NONE) != 0)
    return ErrnoStatus(errno, "cannot guard a crash stack");
  stack_t stack = {};
  stack.ss_sp = static_cast<char*>(base) + guard;
  stack.ss_size = kCrashStack;
  if (::sigaltstack(&stack, nullptr) != 0) return ErrnoStatus(errno, "cannot use a crash stack");
  return OkStatus();
}

void SetCurrentCall(uint64_t call_id) { current_call = call_id; }

}  // namespace tvmffi::hostd
