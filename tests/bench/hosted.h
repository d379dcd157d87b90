// Modules loaded through the client library, and calls into them.
#ifndef TVMFFI_TESTS_BENCH_HOSTED_H_
#define TVMFFI_TESTS_BENCH_HOSTED_H_

#include <sched.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "tests/bench/bench_support.h"

namespace tvmffi::bench {

namespace ffi = tvm::ffi;

inline constexpr int64_t kElements = 1024;

// The client library is itself a module.
class Host {
 public:
  Host() : module_(ffi::Module::LoadFromFile(TVMFFI_BENCH_HOST)) {}

  ffi::Function Get(const char* name) const { return *module_->GetFunction(name, false); }
  ffi::Module Load(const char* path) const { return Get("load_module")(path).cast<ffi::Module>(); }
  using Options = ffi::Map<ffi::String, ffi::Any>;
  // A private daemon of its own.
  ffi::Any OpenSession(const Options& options) const { return Get("open_session")(options); }
  void CloseSession(const ffi::Any& session) const { Get("close_session")(session); }
  ffi::Module Load(const char* path, const ffi::Any& session) const {
    return Get("load_module")(path, Options{{"session", session}}).cast<ffi::Module>();
  }
  Options Info(const char* function, const ffi::Any& subject) const {
    return Get(function)(subject).cast<Options>();
  }

  ffi::Tensor SharedOnes() const {
    ffi::Tensor tensor =
        Get("empty")(ffi::Shape({kElements}), DLDataType{kDLFloat, 32, 1}).cast<ffi::Tensor>();
    float* data = static_cast<float*>(tensor.data_ptr());
    for (int64_t i = 0; i < kElements; ++i) data[i] = 1;
    return tensor;
  }

  int PidOf(const ffi::Module& module, const char* key) const {
    return static_cast<int>(Info("worker_info", module)[key].cast<int64_t>());
  }

 private:
  ffi::Module module_;
};

template <typename Visit>
void ForEachThread(int pid, Visit visit) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) visit(task.path());
}

inline void PinProcess(int pid, int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ForEachThread(pid, [&](const std::filesystem::path& task) {
    ::sched_setaffinity(std::atoi(task.filename().c_str()), sizeof(one), &one);
  });
}

// One function with its arguments; the worker stays the same through all rounds and sleeps while
// others are measured.
class HostedCall : public Exchange {
 public:
  HostedCall(const Pins& pins, int worker, const std::function<void()>& call) : call_(call) {
    PinTo(pins.caller);
    if (worker != 0) PinProcess(worker, pins.peer);
  }
  void Once() override { call_(); }

 private:
  const std::function<void()>& call_;
};

}  // namespace tvmffi::bench

#endif  // TVMFFI_TESTS_BENCH_HOSTED_H_
