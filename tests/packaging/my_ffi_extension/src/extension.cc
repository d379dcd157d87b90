// A class, a global function and an exported function: what a package of kernels has.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/registry.h>

#include <utility>

namespace my_ffi_extension {

namespace ffi = tvm::ffi;

class IntPairObj : public ffi::Object {
 public:
  IntPairObj() = default;
  IntPairObj(int64_t first, int64_t second) : a(first), b(second) {}

  int64_t GetFirst() const { return a; }

  int64_t a = 0;
  int64_t b = 0;

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("my_ffi_extension.IntPair", IntPairObj, ffi::Object);
};

class IntPair : public ffi::ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(IntPair, ffi::ObjectRef, IntPairObj);
};

void RaiseError(const ffi::String& message) { TVM_FFI_THROW(RuntimeError) << message; }

void AddOne(ffi::TensorView x, ffi::TensorView y) {
  const auto* from = static_cast<const float*>(x.data_ptr());
  auto* to = static_cast<float*>(y.data_ptr());
  for (int64_t i = 0; i < x.size(0); ++i) to[i] = from[i] + 1;
}
TVM_FFI_DLL_EXPORT_TYPED_FUNC(add_one, my_ffi_extension::AddOne);

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef().def("my_ffi_extension.raise_error", RaiseError);
  refl::ObjectDef<IntPairObj>()
      .def(refl::init<int64_t, int64_t>())
      .def_static("static_get_second", [](IntPair pair) -> int64_t { return pair->b; })
      .def("get_first", &IntPairObj::GetFirst)
      .def_ro("a", &IntPairObj::a)
      .def_ro("b", &IntPairObj::b);
}

}  // namespace my_ffi_extension
