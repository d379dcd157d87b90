// What lane tests share: memory that a fork()ed child sees too, and children that never outlive
// their test.
#ifndef TVMFFI_TESTS_PROTO_LANE_SUPPORT_H_
#define TVMFFI_TESTS_PROTO_LANE_SUPPORT_H_

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "proto/base/clock.h"
#include "proto/channel/lane.h"

namespace tvmffi::testing {

inline constexpr int64_t kMillisecond = 1000 * 1000;
inline constexpr int64_t kColdWake = 20 * 1000;

// A zeroed T that children share.
template <typename T>
class Shared {
 public:
  Shared()
      : value_(static_cast<T*>(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                                      MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    if (value_ == MAP_FAILED) ::abort();
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(value_, sizeof(T)); }

  T* get() const { return value_; }
  T* operator->() const { return value_; }

 private:
  T* value_;
};

// A process that runs `body` and exits with 0 if it returned true. Killed and reaped at the latest
// on destruction.
class Child {
 public:
  template <typename Body>
  explicit Child(Body body) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::_exit(body() ? 0 : 1);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    Kill();
    Wait();
  }

  void Kill() const { ::kill(pid_, SIGKILL); }

  bool Runs() const {
    siginfo_t ended = {};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0;
  }

  // The wait status.
  int Wait() {
    int status = -1;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

  bool Succeeded() {
    const int status = Wait();
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t pid_;
};

inline WaitContext Within(int64_t nanos) {
  WaitContext context;
  context.deadline = MonotonicNanos() + nanos;
  return context;
}

// Long enough that a loaded machine never gets there, short of the test's own limit.
inline WaitContext Patiently() { return Within(60 * 1000 * kMillisecond); }

// Answers `count` frames with their own bytes.
inline bool Echo(Lane* lane, int count) {
  std::vector<char> frame;
  for (int i = 0; i < count; ++i) {
    if (lane->Receive(Patiently(), &frame) != WaitOutcome::kFrame) return false;
    lane->Send(frame.data(), frame.size());
  }
  return true;
}

inline bool PinTo(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  return ::sched_setaffinity(0, sizeof(one), &one) == 0;
}

inline cpu_set_t AllowedCpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  ::sched_getaffinity(0, sizeof(allowed), &allowed);
  return allowed;
}

inline std::vector<int> CpuNumbers(const cpu_set_t& set) {
  std::vector<int> numbers;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) numbers.push_back(cpu);
  }
  return numbers;
}

// CPU time of the calling process.
inline int64_t CpuNanos() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  const auto nanos = [](const timeval& t) { return t.tv_sec * 1000000000LL + t.tv_usec * 1000LL; };
  return nanos(usage.ru_utime) + nanos(usage.ru_stime);
}

}  // namespace tvmffi::testing

#endif  // TVMFFI_TESTS_PROTO_LANE_SUPPORT_H_
