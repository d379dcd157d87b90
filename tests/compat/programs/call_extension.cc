// Does in C++ what my_ffi_extension's own Python example does. usage: call_extension
// MY_FFI_EXTENSION.so
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <cstdio>
#include <string_view>

namespace ffi = tvm::ffi;

// A reflected method of a registered type, by name.
static ffi::Function FindMethod(const char* type_key, std::string_view name) {
  const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(ffi::TypeKeyToIndex(type_key));
  for (int32_t i = 0; i < info->num_methods; ++i) {
    const TVMFFIMethodInfo& method = info->methods[i];
    if (std::string_view(method.name.data, method.name.size) == name) {
      return ffi::AnyView::CopyFromTVMFFIAny(method.method).cast<ffi::Function>();
    }
  }
  TVM_FFI_THROW(AttributeError) << type_key << " has no method " << name;
  TVM_FFI_UNREACHABLE();
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s MY_FFI_EXTENSION.so\n", argv[0]);
    return 2;
  }
  const ffi::Module module = ffi::Module::LoadFromFile(argv[1]);
  constexpr const char* kPair = "my_ffi_extension.IntPair";
  const ffi::Any pair = FindMethod(kPair, "__ffi_init__")(1, 2);
  std::printf("%d\n", FindMethod(kPair, "get_first")(pair).cast<int>());
  std::printf("%d\n", FindMethod(kPair, "static_get_second")(pair).cast<int>());

  float x[5] = {1, 2, 3, 4, 5};
  float y[5] = {};
  int64_t shape[1] = {5};
  int64_t strides[1] = {1};
  DLTensor from = {x, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, shape, strides, 0};
  DLTensor to = {y, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, shape, strides, 0};
  module->GetFunction("add_one").value()(&from, &to);
  std::printf("%g %g %g %g %g\n", y[0], y[1], y[2], y[3], y[4]);
  try {
    ffi::Function::GetGlobalRequired("my_ffi_extension.raise_error")("error happens");
  } catch (const ffi::Error& error) {
    std::printf("%s", error.FullMessage().c_str());
  }
  return 0;
}
