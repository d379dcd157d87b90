// testing.TestIntPair, which functions and types of the testing library use.
#ifndef TVMFFI_LIBFFI_CORE_TESTING_INT_PAIR_H_
#define TVMFFI_LIBFFI_CORE_TESTING_INT_PAIR_H_

#include <tvm/ffi/object.h>

#include <cstdint>

namespace tvmffi::testing {

struct TestIntPairObj : public tvm::ffi::Object {
  int64_t a = 0;
  int64_t b = 0;
  TestIntPairObj() = default;
  TestIntPairObj(int64_t a_value, int64_t b_value) : a(a_value), b(b_value) {}
  int64_t Sum() const { return a + b; }
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("testing.TestIntPair", TestIntPairObj, tvm::ffi::Object);
};

class TestIntPair : public tvm::ffi::ObjectRef {
 public:
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(TestIntPair, tvm::ffi::ObjectRef, TestIntPairObj);
};

}  // namespace tvmffi::testing

#endif  // TVMFFI_LIBFFI_CORE_TESTING_INT_PAIR_H_
