// What the benchmark programs share: placement, samples, the raw mechanisms that everything is
// compared with.
#ifndef TVMFFI_TESTS_BENCH_BENCH_SUPPORT_H_
#define TVMFFI_TESTS_BENCH_BENCH_SUPPORT_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tvmffi::bench {

// Where the two processes run.
struct Pins {
  int caller;
  int peer;
};

// Two CPUs of those this process may use (the same one twice if there is only one).
Pins TwoCpus();
Pins OneCpu();
void PinTo(int cpu);

// A forked process on CPU `cpu`; killed and reaped on destruction. `body` need not return.
class Peer {
 public:
  Peer(int cpu, const std::function<void()>& body);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

// Anonymous zeroed memory that a Peer shares.
void* MapShared(size_t size);
void UnmapShared(void* memory, size_t size);

template <typename T>
class SharedValue {
 public:
  SharedValue() : value_(static_cast<T*>(MapShared(sizeof(T)))) {}
  SharedValue(const SharedValue&) = delete;
  SharedValue& operator=(const SharedValue&) = delete;
  ~SharedValue() { UnmapShared(value_, sizeof(T)); }
  T* get() const { return value_; }
  T* operator->() const { return value_; }

 private:
  T* value_;
};

// A round trip that can be measured. A fresh one per round: its peer must not run while another is
// measured.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void Once() = 0;
};

std::unique_ptr<Exchange> MakeRawRing(const Pins& pins);
// With `own_session` the peer is in another session, as a worker is, and so in another scheduling
// group.
std::unique_ptr<Exchange> MakeFutexPair(const Pins& pins, bool own_session = false);
std::unique_ptr<Exchange> MakeSocketPair(const Pins& pins);

// One mechanism and what its rounds gave, in nanoseconds.
struct Contender {
  std::string name;
  std::function<std::unique_ptr<Exchange>()> make;
  int exchanges_per_round;
  std::vector<double> medians;
  std::vector<double> p99s;
};

// `rounds` times: each contender in turn, so that what disturbs the machine meets all of them. The
// cost of reading the clock is taken off each sample.
void RunInterleaved(std::vector<Contender>* contenders, int rounds);

double Median(std::vector<double> values);

// Median of the per-round ratios of two contenders: neighbours in time saw the same machine.
double RatioOf(const Contender& a, const Contender& b);

// The same over some of the rounds only.
double RatioOf(const Contender& a, const Contender& b, const std::vector<size_t>& rounds);

// One line: what was asked for, what came out, "met" or "NOT MET".
void PrintCriterion(const std::string& what, double value, double limit);

// Name, median, p99, best round, and the ratio to each of `floors` (indices into `contenders`).
void PrintTable(const std::string& title, const std::vector<Contender>& contenders,
                const std::vector<size_t>& floors);

}  // namespace tvmffi::bench

#endif  // TVMFFI_TESTS_BENCH_BENCH_SUPPORT_H_
