// bench_hosted_call [rounds]: an isolated call through the whole path, beside the raw mechanisms in
// the same run, and what caller, worker and daemon burn while nobody calls.
#include <sched.h>
#include <time.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/tvm_ffi.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>

#include "proto/base/clock.h"
#include "tests/bench/bench_support.h"
#include "tests/bench/hosted.h"

namespace tvmffi::bench {
namespace {

namespace ffi = tvm::ffi;

constexpr int kDefaultRounds = 41;

// What an isolated call may cost at most, in round trips of the raw mechanism.
constexpr double kMaxRatio = 1.5;
// Percent of a CPU that a process may use while nobody calls.
constexpr double kMaxIdle = 0.1;
// The raw ring has two regimes (README.md); nanoseconds between them.
constexpr double kSlowRing = 200;

constexpr char kOneInt[] = "isolated, one int";

// Nanoseconds on a CPU: /proc/<pid>/stat only counts in ticks.
double CpuNanosOf(int pid) {
  double sum = 0;
  ForEachThread(pid, [&](const std::filesystem::path& task) {
    double nanos = 0;
    std::ifstream(task / "schedstat") >> nanos;
    sum += nanos;
  });
  return sum;
}

struct Subject {
  ffi::Function next;
  ffi::Function add_first;
  ffi::Tensor a;
  ffi::Tensor b;

  std::function<void()> CallNext() const {
    return [function = next, value = int64_t{0}]() mutable {
      const int64_t answer = function(value).cast<int64_t>();
      if (answer != value + 1) std::abort();
      value = answer;
    };
  }
  std::function<void()> CallAddFirst() const {
    return [function = add_first, a = a, b = b] {
      if (function(a, b).cast<double>() != 2) std::abort();
    };
  }
};

Subject SubjectOf(const ffi::Module& module, const Host& host) {
  return {*module->GetFunction("next", false), *module->GetFunction("add_first", false),
          host.SharedOnes(), host.SharedOnes()};
}

std::vector<Contender> Measure(const char* title, const Pins& pins, const Subject& hosted,
                               const Subject& local, int worker, int rounds) {
  const std::function<void()> calls[] = {hosted.CallNext(), hosted.CallAddFirst(),
                                         local.CallNext()};
  const char* names[] = {kOneInt, "isolated, two shared tensors", "in process, one int"};
  const int pids[] = {worker, worker, 0};
  const bool apart = pins.caller != pins.peer;
  const int sleeps = apart ? 200 : 1000;
  std::vector<Contender> contenders;
  if (apart) {
    contenders.push_back({"raw ring", [=] { return MakeRawRing(pins); }, 4000, {}, {}});
  }
  contenders.push_back({"raw futex pair", [=] { return MakeFutexPair(pins); }, sleeps, {}, {}});
  if (!apart) {
    const auto make = [=] { return MakeFutexPair(pins, true); };
    contenders.push_back({"same, own session", make, sleeps, {}, {}});
  }
  for (int i = 0; i < 3; ++i) {
    const auto make = [&, i] { return std::make_unique<HostedCall>(pins, pids[i], calls[i]); };
    contenders.push_back({names[i], make, 2000, {}, {}});
  }
  contenders.push_back({"Unix socket pair", [=] { return MakeSocketPair(pins); }, sleeps, {}, {}});
  RunInterleaved(&contenders, rounds);
  PrintTable(title, contenders, apart ? std::vector<size_t>{0} : std::vector<size_t>{0, 1});
  return contenders;
}

const Contender& Named(const std::vector<Contender>& contenders, const char* name) {
  for (const Contender& contender : contenders) {
    if (contender.name == name) return contender;
  }
  std::abort();
}

// The first contender is the floor.
void JudgeApart(const std::vector<Contender>& contenders) {
  const Contender& ring = contenders.front();
  const Contender& call = Named(contenders, kOneInt);
  for (const bool slow : {false, true}) {
    std::vector<size_t> rounds;
    for (size_t i = 0; i < ring.medians.size(); ++i) {
      if ((ring.medians[i] >= kSlowRing) == slow) rounds.push_back(i);
    }
    if (rounds.empty()) continue;
    PrintCriterion("two CPUs, " + std::string(slow ? "slow" : "fast") + " ring (" +
                       std::to_string(rounds.size()) + " rounds): one int / raw ring",
                   RatioOf(call, ring, rounds), kMaxRatio);
  }
}

void JudgeShared(const std::vector<Contender>& contenders) {
  PrintCriterion("one CPU: one int / raw futex pair",
                 RatioOf(Named(contenders, kOneInt), contenders.front()), kMaxRatio);
}

double OwnCpuNanos() {
  timespec used;
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

void JudgeIdle(const char* name, double nanos) {
  PrintCriterion(std::string(name) + " idle: % of a CPU", nanos / 1e7, kMaxIdle);
}

void JudgeIdle(int worker, int daemon) {
  const double worker_before = CpuNanosOf(worker);
  const double daemon_before = CpuNanosOf(daemon);
  const double caller_before = OwnCpuNanos();
  const timespec second = {1, 0};
  ::nanosleep(&second, nullptr);
  const double caller = OwnCpuNanos() - caller_before;
  JudgeIdle("caller", caller);
  JudgeIdle("worker", CpuNanosOf(worker) - worker_before);
  JudgeIdle("daemon", CpuNanosOf(daemon) - daemon_before);
}

void Run(int rounds) {
  const Host host;
  const ffi::Module module = host.Load(TVMFFI_BENCH_PLUGIN);
  const Subject hosted = SubjectOf(module, host);
  const Subject local = SubjectOf(ffi::Module::LoadFromFile(TVMFFI_BENCH_PLUGIN), host);
  const int worker = host.PidOf(module, "pid");
  const Pins pins = TwoCpus();
  std::printf("%d interleaved rounds, CPUs %d and %d\n", rounds, pins.caller, pins.peer);
  std::vector<Contender> apart;
  if (pins.caller != pins.peer) {
    apart = Measure("two CPUs (ns)", pins, hosted, local, worker, rounds);
  }
  const auto shared = Measure("one CPU (ns)", OneCpu(), hosted, local, worker, rounds);
  std::printf("\ncriteria\n");
  if (!apart.empty()) JudgeApart(apart);
  JudgeShared(shared);
  JudgeIdle(worker, host.PidOf(module, "daemon_pid"));
}

}  // namespace
}  // namespace tvmffi::bench

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : tvmffi::bench::kDefaultRounds;
  if (rounds < 1) {
    std::fprintf(stderr, "usage: %s [rounds]\n", argv[0]);
    return 1;
  }
  try {
    tvmffi::bench::Run(rounds);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}
