// The `testing.*` functions that do something, and the symbols of the testing library.
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/tvm_ffi.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "libffi_core/testing/int_pair.h"

namespace tvm {
namespace ffi {

// The name appears in backtraces, where tests look for it.
TVM_FFI_NO_INLINE TVM_FFI_DLL_EXPORT void TestRaiseError(String kind, String message) {
  throw Error(std::string(kind), std::string(message),
              TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0));
}

TVM_FFI_NO_INLINE TVM_FFI_DLL_EXPORT void TestApply(PackedArgs args, Any* result) {
  TVM_FFI_CHECK_GE(args.size(), 1, TypeError) << "apply takes a function and its arguments";
  args[0].cast<Function>().CallPacked(args.Slice(1), result);
}

}  // namespace ffi
}  // namespace tvm

namespace tvmffi::testing {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Array;
using tvm::ffi::Dict;
using tvm::ffi::List;
using tvm::ffi::Map;
using tvm::ffi::Object;
using tvm::ffi::Optional;
using tvm::ffi::PackedArgs;
using tvm::ffi::String;
using tvm::ffi::Tensor;
using tvm::ffi::TensorView;

int64_t AddOne(int64_t x) { return x + 1; }

int AddOneSafeCall(void*, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  TVM_FFI_SAFE_CALL_BEGIN();
  TVM_FFI_CHECK_EQ(num_args, 1, TypeError) << "add_one takes one int";
  const auto x = AnyView::CopyFromTVMFFIAny(args[0]).cast<int64_t>();
  *result = AnyView(AddOne(x)).CopyToTVMFFIAny();
  TVM_FFI_SAFE_CALL_END();
}

// The form that MLIR's packed C interface calls: pointers to the arguments and to the return code.
void AddOneMlirPacked(void** packed) {
  void* self = *static_cast<void**>(packed[0]);
  const TVMFFIAny* args = *static_cast<const TVMFFIAny**>(packed[1]);
  const int32_t num_args = *static_cast<int32_t*>(packed[2]);
  TVMFFIAny* result = *static_cast<TVMFFIAny**>(packed[3]);
  *static_cast<int*>(packed[4]) = AddOneSafeCall(self, args, num_args, result);
}

template <typename F>
int64_t AddressOf(F* function) {
  return static_cast<int64_t>(reinterpret_cast<intptr_t>(function));
}

// Ends early with the error of a signal that came.
void RunCheckSignal(int64_t seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(seconds);
  while (Clock::now() < end) {
    if (TVMFFIEnvCheckSignals() != 0) throw tvm::ffi::EnvErrorAlreadySet();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::puts("Function finished without catching signal");
  std::fflush(stdout);
}

void Echo(PackedArgs args, Any* result) {
  TVM_FFI_CHECK_GE(args.size(), 1, TypeError) << "echo returns its first argument";
  *result = args[0];
}

Map<String, Any> MapWithTensor(const Tensor& tensor) {
  return {{"tensor", tensor}, {"value", 42}, {"name", String("test")}};
}
Map<String, Any> NestedMapWithTensor(const Tensor& first, const Tensor& second) {
  return {{"array", Array<Tensor>{first, second}},
          {"map", Map<String, Any>{{"t", first}}},
          {"scalar", 99}};
}

void RegisterFunctions() {
  tvm::ffi::reflection::GlobalDef()
      .def("testing.test_raise_error", tvm::ffi::TestRaiseError)
      .def("testing.add_one", AddOne)
      .def_packed("testing.nop", [](PackedArgs, Any*) {})
      .def_packed("testing.echo", Echo)
      .def_packed("testing.apply", tvm::ffi::TestApply)
      .def("testing.run_check_signal", RunCheckSignal)
      .def("testing.object_use_count",
           [](const Object* object) { return static_cast<int64_t>(object->use_count()); })
      .def("testing.get_add_one_c_symbol", [] { return AddressOf(AddOneSafeCall); })
      .def("testing.get_mlir_add_one_c_symbol", [] { return AddressOf(AddOneMlirPacked); })
      .def("testing.optional_tensor_view_has_value",
           [](const Optional<TensorView>& view) { return view.has_value(); })
      .def("testing.TestIntPairSum", [](const TestIntPair& pair) { return pair->Sum(); });
}

void RegisterContainerMakers() {
  tvm::ffi::reflection::GlobalDef()
      .def("testing.make_array_with_tensor", [](const Tensor& t) { return Array<Any>{t}; })
      .def("testing.make_array_with_mixed",
           [](const Tensor& t, int64_t value) {
             return Array<Any>{t, value, String("hello")};
           })
      .def("testing.make_nested_array_with_tensor",
           [](const Tensor& t) {
             return Array<Any>{Array<Any>{t, 42}, t};
           })
      .def("testing.make_list_with_tensor",
           [](const Tensor& t, int64_t value) {
             return List<Any>{t, value};
           })
      .def("testing.make_map_with_tensor", MapWithTensor)
      .def("testing.make_dict_with_tensor",
           [](const Tensor& t) {
             return Dict<String, Any>{{"tensor", t}, {"value", 42}};
           })
      .def("testing.make_empty_array_with_tensor_input", [](const Tensor&) { return Array<Any>(); })
      .def("testing.make_nested_map_with_tensor", NestedMapWithTensor);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  RegisterFunctions();
  RegisterContainerMakers();
  TVM_FFI_CHECK_SAFE_CALL(TVMFFIEnvModRegisterSystemLibSymbol(
      "__tvm_ffi_testing.add_one", reinterpret_cast<void*>(AddOneSafeCall)));
}

}  // namespace
}  // namespace tvmffi::testing

// Something to refer to, so that a linker keeps the library.
extern "C" TVM_FFI_DLL_EXPORT void TVMFFITestingDummyTarget() {}
