#include "tests/bench/bench_support.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "proto/base/clock.h"

namespace tvmffi::bench {
namespace {

constexpr int kWarmUp = 200;
// A sample is the mean of so many exchanges: some clocks tick in steps of 10 ns.
constexpr int kBatch = 8;

// The mask the program was started with: PinTo() narrows the current one.
const cpu_set_t& StartMask() {
  static const cpu_set_t mask = [] {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof(allowed), &allowed);
    return allowed;
  }();
  return mask;
}

double Percentile(std::vector<double>* values, double fraction) {
  const auto index = static_cast<size_t>(fraction * static_cast<double>(values->size() - 1));
  std::nth_element(values->begin(), values->begin() + static_cast<ptrdiff_t>(index), values->end());
  return (*values)[index];
}

double ClockCost() {
  std::vector<double> costs(2001);
  for (double& cost : costs) {
    const int64_t start = MonotonicNanos();
    cost = static_cast<double>(MonotonicNanos() - start);
  }
  return Percentile(&costs, 0.5);
}

void RunRound(Contender* contender, double clock_cost) {
  const std::unique_ptr<Exchange> exchange = contender->make();
  for (int i = 0; i < kWarmUp; ++i) exchange->Once();
  std::vector<double> samples(static_cast<size_t>(contender->exchanges_per_round / kBatch));
  for (double& sample : samples) {
    const int64_t start = MonotonicNanos();
    for (int i = 0; i < kBatch; ++i) exchange->Once();
    sample = (static_cast<double>(MonotonicNanos() - start) - clock_cost) / kBatch;
  }
  contender->medians.push_back(Percentile(&samples, 0.5));
  contender->p99s.push_back(Percentile(&samples, 0.99));
}

}  // namespace

Pins TwoCpus() {
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &StartMask())) cpus.push_back(cpu);
  }
  return {cpus.front(), cpus.back()};
}

Pins OneCpu() {
  const int cpu = TwoCpus().caller;
  return {cpu, cpu};
}

void PinTo(int cpu) {
  StartMask();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  if (::sched_setaffinity(0, sizeof(one), &one) != 0) {
    std::perror("cannot pin");
    std::exit(1);
  }
}

Peer::Peer(int cpu, const std::function<void()>& body) : pid_(::fork()) {
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  PinTo(cpu);
  body();
  ::_exit(0);
}

Peer::~Peer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void* MapShared(size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("cannot map shared memory");
    std::exit(1);
  }
  return memory;
}

void UnmapShared(void* memory, size_t size) { ::munmap(memory, size); }

void RunInterleaved(std::vector<Contender>* contenders, int rounds) {
  const double clock_cost = ClockCost();
  for (int round = 0; round < rounds; ++round) {
    for (Contender& contender : *contenders) RunRound(&contender, clock_cost);
  }
}

double Median(std::vector<double> values) { return Percentile(&values, 0.5); }

double RatioOf(const Contender& a, const Contender& b, const std::vector<size_t>& rounds) {
  std::vector<double> ratios;
  for (size_t i : rounds) ratios.push_back(a.medians[i] / b.medians[i]);
  return Median(ratios);
}

double RatioOf(const Contender& a, const Contender& b) {
  std::vector<size_t> rounds(a.medians.size());
  std::iota(rounds.begin(), rounds.end(), size_t{0});
  return RatioOf(a, b, rounds);
}

void PrintCriterion(const std::string& what, double value, double limit) {
  std::printf("%-66s %6.2f <= %4.2f  %s\n", what.c_str(), value, limit,
              value <= limit ? "met" : "NOT MET");
  std::fflush(stdout);
}

void PrintTable(const std::string& title, const std::vector<Contender>& contenders,
                const std::vector<size_t>& floors) {
  std::printf("\n%s\n%-34s %10s %10s %10s", title.c_str(), "", "median", "p99", "best");
  for (size_t floor : floors) std::printf("   / %-17s", contenders[floor].name.c_str());
  std::printf("\n");
  for (const Contender& contender : contenders) {
    std::printf("%-34s %10.0f %10.0f %10.0f", contender.name.c_str(), Median(contender.medians),
                Median(contender.p99s),
                *std::min_element(contender.medians.begin(), contender.medians.end()));
    for (size_t floor : floors) std::printf("   %-19.2f", RatioOf(contender, contenders[floor]));
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace tvmffi::bench
