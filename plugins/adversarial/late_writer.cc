// C1.14, D8, D10: returning at once and writing the answer later, when the clock has stopped.

#include <signal.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/function.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <thread>

namespace adversarial {
namespace {

using tvm::ffi::Shape;
using tvm::ffi::Tensor;
using tvm::ffi::TensorView;

struct Output {
  volatile float* data;
  int64_t count;

  void Write(float answer) const {
    for (int64_t i = 0; i < count; ++i) data[i] = answer;
  }
  void WriteOnceSet(const volatile int32_t* go, float answer) const {
    while (*go == 0) usleep(1000);
    Write(answer);
  }
};

const volatile int32_t* FlagIn(TensorView go) {
  return static_cast<const volatile int32_t*>(go.data_ptr());
}

// In a session of its own, with every signal blocked.
void WriteInAGrandchild(const Output& output, const volatile int32_t* go, float answer) {
  const pid_t child = fork();
  TVM_FFI_ICHECK(child >= 0) << "fork";
  if (child != 0) return;
  setsid();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  if (fork() == 0) output.WriteOnceSet(go, answer);
  _exit(0);
}

}  // namespace

// The answer lies in `tensor` once somebody has set `go`, after the return; written by a "thread"
// or by a "process".
void AnswerLater(TensorView tensor, TensorView go, double answer, tvm::ffi::String by) {
  const Output output{static_cast<float*>(tensor.data_ptr()), tensor.numel()};
  const auto value = static_cast<float>(answer);
  const volatile int32_t* flag = FlagIn(go);
  if (by == "process") return WriteInAGrandchild(output, flag, value);
  std::thread([=] { output.WriteOnceSet(flag, value); }).detach();
}

// D10: a result that is returned at once and computed later.
Tensor ResultLater(int64_t count, TensorView go, double answer) {
  Tensor result = Tensor::FromEnvAlloc(TVMFFIEnvTensorAlloc, Shape({count}),
                                       DLDataType{kDLFloat, 32, 1}, DLDevice{kDLCPU, 0});
  const Output output{static_cast<float*>(result.data_ptr()), count};
  const auto value = static_cast<float>(answer);
  const volatile int32_t* flag = FlagIn(go);
  output.Write(0);
  std::thread([=] { output.WriteOnceSet(flag, value); }).detach();
  return result;
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(answer_later, AnswerLater);
TVM_FFI_DLL_EXPORT_TYPED_FUNC(result_later, ResultLater);

}  // namespace adversarial
