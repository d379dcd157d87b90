// bench_sandbox [starts] [workers]: what the sandbox costs. Where the time from the wish for a
// module to its first answer goes, with the whole sandbox, without, and with a worker that was
// prepared; and what a call into each costs afterwards.
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>

#include "proto/base/clock.h"
#include "tests/bench/bench_support.h"
#include "tests/bench/hosted.h"

namespace tvmffi::bench {
namespace {

constexpr int kDefaultStarts = 41;
constexpr int kDefaultWorkers = 15;
constexpr int kRoundsPerWorker = 30;
// A call with the whole sandbox, in calls without.
constexpr double kMaxRatio = 1.02;

using Options = Host::Options;

// Its daemon and workers, as they are from then on.
class Variant {
 public:
  Variant(const Host& host, std::string name, const ffi::Array<ffi::String>& without,
          int64_t prepared)
      : name_(std::move(name)), host_(host), prepared_(prepared) {
    Options options{{"prepared", prepared}};
    if (!without.empty()) options.Set("without", without);
    session_ = host.OpenSession(options);
    AddStart();
    steps_.clear();
  }
  Variant(const Variant&) = delete;
  Variant& operator=(const Variant&) = delete;
  ~Variant() { host_.CloseSession(session_); }

  const std::string& name() const { return name_; }

  // One worker from its beginning to its first answer.
  void AddStart() {
    AwaitPrepared();
    const int64_t begin = MonotonicNanos();
    const ffi::Module module = host_.Load(TVMFFI_BENCH_PLUGIN, session_);
    const int64_t loaded = MonotonicNanos();
    if ((*module->GetFunction("next", false))(int64_t{1}).cast<int64_t>() != 2) std::abort();
    const int64_t answered = MonotonicNanos();
    auto start = host_.Info("worker_info", module)["start"].cast<Options>();
    steps_["call"].push_back(static_cast<double>(answered - loaded) * 1e-3);
    steps_["whole"].push_back(static_cast<double>(answered - begin) * 1e-3);
    double before = 0;
    for (const char* step : {"process", "assigned", "root", "filter", "files", "limits", "landlock",
                             "seccomp", "ready", "loading", "loaded", "answered"}) {
      const double at = start[step].cast<double>() * 1e6;
      if (at < 0) continue;  // a prepared worker had done it
      steps_[step].push_back(at - before);
      before = at;
    }
    steps_["copy"].push_back(static_cast<double>(loaded - begin) * 1e-3 - before);
  }

  // Microseconds; negative when it does not happen.
  double Step(const std::string& step) const {
    const auto found = steps_.find(step);
    return found == steps_.end() ? -1 : Median(found->second);
  }

 private:
  // It is counted from the beginning of its preparation on.
  void AwaitPrepared() const {
    const timespec while_it_prepares = {0, 30'000'000};
    while (prepared_ > 0 && !steps_.empty() &&
           host_.Info("session_info", session_)["prepared"].cast<int64_t>() < prepared_) {
      ::nanosleep(&while_it_prepares, nullptr);
    }
    if (prepared_ > 0) ::nanosleep(&while_it_prepares, nullptr);
  }

  std::string name_;
  const Host& host_;
  int64_t prepared_;
  ffi::Any session_;
  std::map<std::string, std::vector<double>> steps_;
};

void PrintStarts(const std::vector<std::unique_ptr<Variant>>& variants) {
  const std::pair<const char*, const char*> rows[] = {
      {"copy", "module copied and checked"},
      {"process", "process started, in namespaces"},
      {"assigned", "start message read"},
      {"root", "file tree of its own"},
      {"filter", "seccomp filter made"},
      {"files", "module's libraries shown, old tree left"},
      {"limits", "limits, no capabilities"},
      {"landlock", "landlock"},
      {"seccomp", "seccomp"},
      {"ready", "library ready, lane served"},
      {"loading", "module's copy received"},
      {"loaded", "dlopen"},
      {"answered", "answer seen by the caller"},
      {"call", "function looked up, first call"},
      {"whole", "from load_module to the first answer"}};
  std::printf("\none start (us)%-27s", "");
  for (const auto& variant : variants) std::printf(" %16s", variant->name().c_str());
  std::printf("\n");
  for (auto [step, text] : rows) {
    std::printf("%-41s", text);
    for (const auto& variant : variants) {
      const double value = variant->Step(step);
      value < 0 ? std::printf(" %16s", "-") : std::printf(" %16.0f", value);
    }
    std::printf("\n");
  }
}

// Microseconds for a program that does nothing, from the wish for it to its end.
double StartEmptyProgram() {
  char name[] = "true";
  char* argv[] = {name, nullptr};
  char* environment[] = {nullptr};
  const int64_t begin = MonotonicNanos();
  pid_t pid = -1;
  if (::posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, environment) != 0) std::abort();
  ::waitpid(pid, nullptr, 0);
  return static_cast<double>(MonotonicNanos() - begin) * 1e-3;
}

void RunStarts(const Host& host, int starts) {
  std::vector<std::unique_ptr<Variant>> variants;
  const ffi::Array<ffi::String> namespaces = {"userns", "pidns", "mountns", "netns", "ipcns"};
  variants.push_back(std::make_unique<Variant>(host, "cold", ffi::Array<ffi::String>(), 0));
  variants.push_back(std::make_unique<Variant>(host, "no namespaces", namespaces, 0));
  variants.push_back(
      std::make_unique<Variant>(host, "no sandbox", ffi::Array<ffi::String>{"all"}, 0));
  variants.push_back(std::make_unique<Variant>(host, "prepared", ffi::Array<ffi::String>(), 1));
  std::vector<double> floor;
  for (int i = 0; i < starts; ++i) {
    for (const auto& variant : variants) variant->AddStart();
    floor.push_back(StartEmptyProgram());
  }
  PrintStarts(variants);
  std::printf("/bin/true, from its start to its end %21.0f\n", Median(floor));
  const double cold = variants[0]->Step("whole");
  std::printf("\nprepared / cold: %.2f   no sandbox / cold: %.2f   /bin/true / cold: %.2f\n",
              variants[3]->Step("whole") / cold, variants[2]->Step("whole") / cold,
              Median(floor) / cold);
}

// A worker and the call into it.
struct Callee {
  Callee(const Host& host, const ffi::Array<ffi::String>& without)
      : host(host),
        session(host.OpenSession(Options{{"prepared", 0}, {"without", without}})),
        module(host.Load(TVMFFI_BENCH_PLUGIN, session)),
        pid(host.PidOf(module, "pid")) {
    const ffi::Function next = *module->GetFunction("next", false);
    call = [next, value = int64_t{0}]() mutable {
      const int64_t answer = next(value).cast<int64_t>();
      if (answer != value + 1) std::abort();
      value = answer;
    };
  }
  Callee(const Callee&) = delete;
  Callee& operator=(const Callee&) = delete;
  ~Callee() { host.CloseSession(session); }

  const Host& host;
  ffi::Any session;
  ffi::Module module;
  int pid;
  std::function<void()> call;
};

// The same machine for all of them, and new workers again and again: where two of a kind lie in
// memory makes a difference too, which the second one without a sandbox shows.
void CompareCalls(const Host& host, const char* title, const Pins& pins, int exchanges,
                  int workers) {
  const ffi::Array<ffi::String> everything = {"all"};
  const ffi::Array<ffi::String> without[] = {{}, everything, everything, {"seccomp"}};
  std::vector<Contender> all;
  for (const char* name : {"whole sandbox", "no sandbox", "no sandbox, again", "no seccomp"}) {
    all.push_back({name, {}, 0, {}, {}});
  }
  for (int i = 0; i < workers; ++i) {
    std::vector<std::unique_ptr<Callee>> callees;
    for (const auto& layers : without) callees.push_back(std::make_unique<Callee>(host, layers));
    std::vector<Contender> these;
    std::vector<size_t> order;
    for (size_t k = 0; k < callees.size(); ++k) {
      // Each in turn comes first.
      order.push_back((static_cast<size_t>(i) + k) % callees.size());
      const Callee* callee = callees[order.back()].get();
      const auto make = [&pins, callee] {
        return std::make_unique<HostedCall>(pins, callee->pid, callee->call);
      };
      these.push_back({all[order.back()].name, make, exchanges, {}, {}});
    }
    RunInterleaved(&these, kRoundsPerWorker);
    for (size_t k = 0; k < these.size(); ++k) {
      all[order[k]].medians.push_back(Median(these[k].medians));
      all[order[k]].p99s.push_back(Median(these[k].p99s));
    }
  }
  PrintTable(title, all, {1});
  const double ratio = RatioOf(all[0], all[1]);
  std::printf("\n%-40s %6.3f <= %5.3f  %s\n", "whole sandbox / no sandbox", ratio, kMaxRatio,
              ratio <= kMaxRatio ? "met" : "NOT MET");
  for (size_t i : {2, 3}) {
    std::printf("%-40s %6.3f\n", (all[i].name + " / no sandbox").c_str(), RatioOf(all[i], all[1]));
  }
  std::fflush(stdout);
}

void Run(int starts, int workers) {
  const Host host;
  const Pins pins = TwoCpus();
  RunStarts(host, starts);
  if (pins.caller != pins.peer) CompareCalls(host, "two CPUs (ns)", pins, 1000, workers);
  CompareCalls(host, "one CPU (ns)", OneCpu(), 500, workers);
}

}  // namespace
}  // namespace tvmffi::bench

int main(int argc, char** argv) {
  const int starts = argc > 1 ? std::atoi(argv[1]) : tvmffi::bench::kDefaultStarts;
  const int workers = argc > 2 ? std::atoi(argv[2]) : tvmffi::bench::kDefaultWorkers;
  if (starts < 1 || workers < 1) {
    std::fprintf(stderr, "usage: %s [starts] [workers]\n", argv[0]);
    return 1;
  }
  try {
    tvmffi::bench::Run(starts, workers);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}
