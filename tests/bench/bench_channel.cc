// bench_channel [rounds]: a lane's round trip beside the raw mechanisms it is made of, in one run.
#include <cstdio>
#include <cstdlib>

#include "proto/channel/lane.h"
#include "tests/bench/bench_support.h"

namespace tvmffi::bench {
namespace {

constexpr int kDefaultRounds = 41;

class LanePair : public Exchange {
 public:
  LanePair(const Pins& pins, size_t frame_size, int64_t cold_wake)
      : client_spin_(Side::kClient, cold_wake),
        worker_spin_(Side::kWorker, cold_wake),
        client_(memory_.get(), Side::kClient, &client_spin_),
        worker_(memory_.get(), Side::kWorker, &worker_spin_),
        request_(frame_size),
        peer_(pins.peer, [this] { Serve(); }) {
    PinTo(pins.caller);
  }

  void Once() override {
    client_.Send(request_.data(), request_.size());
    if (client_.Receive({}, &reply_) != WaitOutcome::kFrame) std::abort();
  }

 private:
  void Serve() {
    for (;;) {
      if (worker_.Receive({}, &reply_) != WaitOutcome::kFrame) std::abort();
      worker_.Send(reply_.data(), reply_.size());
    }
  }

  SharedValue<LaneMemory> memory_;
  SpinBudget client_spin_;
  SpinBudget worker_spin_;
  Lane client_;
  Lane worker_;
  std::vector<char> request_;
  std::vector<char> reply_;
  Peer peer_;
};

Contender LaneOf(size_t size, const Pins& pins, int64_t cold_wake, int exchanges) {
  const auto make = [=] { return std::make_unique<LanePair>(pins, size, cold_wake); };
  return {"lane, " + std::to_string(size) + " B frame", make, exchanges, {}, {}};
}

void OnTwoCpus(int rounds, int64_t cold_wake) {
  const Pins pins = TwoCpus();
  std::vector<Contender> contenders;
  contenders.push_back({"raw ring", [=] { return MakeRawRing(pins); }, 4000, {}, {}});
  contenders.push_back(LaneOf(48, pins, cold_wake, 4000));
  contenders.push_back(LaneOf(256, pins, cold_wake, 2000));
  contenders.push_back(LaneOf(4096, pins, cold_wake, 1000));
  contenders.push_back({"raw futex pair", [=] { return MakeFutexPair(pins); }, 200, {}, {}});
  contenders.push_back({"Unix socket pair", [=] { return MakeSocketPair(pins); }, 200, {}, {}});
  RunInterleaved(&contenders, rounds);
  PrintTable("two CPUs (ns)", contenders, {0});
}

void OnOneCpu(int rounds, int64_t cold_wake) {
  const Pins pins = OneCpu();
  std::vector<Contender> contenders;
  contenders.push_back({"raw futex pair", [=] { return MakeFutexPair(pins); }, 1000, {}, {}});
  contenders.push_back(LaneOf(48, pins, cold_wake, 1000));
  contenders.push_back(LaneOf(256, pins, cold_wake, 1000));
  contenders.push_back(LaneOf(4096, pins, cold_wake, 1000));
  contenders.push_back({"Unix socket pair", [=] { return MakeSocketPair(pins); }, 1000, {}, {}});
  RunInterleaved(&contenders, rounds);
  PrintTable("one CPU (ns)", contenders, {0});
}

}  // namespace
}  // namespace tvmffi::bench

int main(int argc, char** argv) {
  using namespace tvmffi::bench;
  const int rounds = argc > 1 ? std::atoi(argv[1]) : kDefaultRounds;
  if (rounds < 1) {
    std::fprintf(stderr, "usage: %s [rounds]\n", argv[0]);
    return 1;
  }
  const Pins pins = TwoCpus();
  const int64_t cold_wake = tvmffi::MeasureColdWake();
  std::printf("%d interleaved rounds, CPUs %d and %d, a cold wake-up costs %.1f us\n", rounds,
              pins.caller, pins.peer, static_cast<double>(cold_wake) / 1000);
  if (pins.caller != pins.peer) OnTwoCpus(rounds, cold_wake);
  OnOneCpu(rounds, cold_wake);
  return 0;
}
