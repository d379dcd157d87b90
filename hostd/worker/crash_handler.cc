#include "hostd/worker/crash_handler.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <cerrno>
#include <string>

namespace tvmffi::hostd {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP};
constexpr size_t kCrashStack = 64 * 1024;

CrashRecord* crash_record = nullptr;
// The thread that writes the record: a second crash must not mix with the first.
std::atomic<int> crashing_thread{0};
std::atomic<int> first_signal{0};
thread_local uint64_t current_call = 0;

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

void ReadMachineState(const ucontext_t* context, CrashRecord* record) {
#if defined(__x86_64__)
  record->instruction = static_cast<uint64_t>(context->uc_mcontext.gregs[REG_RIP]);
  constexpr long long kWriteFault = 2;  // page fault error code
  record->is_write = (context->uc_mcontext.gregs[REG_ERR] & kWriteFault) != 0 ? 1 : 0;
#elif defined(__aarch64__)
  record->instruction = context->uc_mcontext.pc;
#endif
}

_Unwind_Reason_Code StoreFrame(_Unwind_Context* context, void* self) {
  auto* record = static_cast<CrashRecord*>(self);
  const uint64_t at = _Unwind_GetIP(context);
  // The first frames are this handler's: the list starts at the faulting instruction.
  if (record->num_frames == 0 && at != record->instruction) return _URC_NO_REASON;
  record->frames[record->num_frames++] = at;
  return record->num_frames == kMaxCrashFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

void FillRecord(const siginfo_t* info, const ucontext_t* context, CrashRecord* record) {
  record->signal = info->si_signo;
  record->code = info->si_code;
  record->thread = ThreadId();
  const bool has_address = info->si_signo != SIGABRT && info->si_code > 0;
  record->address = has_address ? reinterpret_cast<uintptr_t>(info->si_addr) : 0;
  record->call_id = current_call;
  record->num_frames = 0;
  ReadMachineState(context, record);
  record->valid = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  // Last, because a broken stack may fault here again.
  _Unwind_Backtrace(StoreFrame, record);
}

void Handle(int signal_number, siginfo_t* info, void* context) {
  int nobody = 0;
  if (crashing_thread.compare_exchange_strong(nobody, ThreadId())) {
    first_signal.store(signal_number);
    FillRecord(info, static_cast<const ucontext_t*>(context), crash_record);
    DieOf(signal_number);
  }
  // The unwinder faulted: die of what brought us here.
  if (nobody == ThreadId()) DieOf(first_signal.load());
  // Another thread is dying; its signal ends this one too.
  for (;;) ::pause();
}

_Unwind_Reason_Code StopAtOnce(_Unwind_Context*, void*) { return _URC_END_OF_STACK; }

}  // namespace

Status InstallCrashHandler(CrashRecord* record) {
  crash_record = record;
  _Unwind_Backtrace(StopAtOnce, nullptr);  // whatever it initialises, it does now
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
