// What the tests of the C ABI share: owners of one reference, values, and the raised error as a C++
// value.
#ifndef TVMFFI_TESTS_LIBFFI_CORE_ABI_TEST_UTIL_H_
#define TVMFFI_TESTS_LIBFFI_CORE_ABI_TEST_UTIL_H_

#include <gtest/gtest.h>
#include <tvm/ffi/c_api.h>
#include <tvm/ffi/extra/c_env_api.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tvmffi::test {

inline TVMFFIByteArray Bytes(std::string_view text) { return {text.data(), text.size()}; }
inline std::string Text(const TVMFFIByteArray& bytes) {
  return bytes.size == 0 ? std::string() : std::string(bytes.data, bytes.size);
}

inline const TVMFFIObject* Header(TVMFFIObjectHandle handle) {
  return static_cast<const TVMFFIObject*>(handle);
}
inline uint64_t StrongCount(TVMFFIObjectHandle handle) {
  return __atomic_load_n(&Header(handle)->combined_ref_count, __ATOMIC_RELAXED) & 0xffffffff;
}

// One strong reference.
class Ref {
 public:
  Ref() = default;
  explicit Ref(TVMFFIObjectHandle adopted) : handle_(adopted) {}
  Ref(Ref&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Ref() { TVMFFIObjectDecRef(handle_); }

  TVMFFIObjectHandle get() const { return handle_; }
  void Drop() { TVMFFIObjectDecRef(std::exchange(handle_, nullptr)); }
  // For out parameters.
  TVMFFIObjectHandle* out() {
    Drop();
    return &handle_;
  }

 private:
  TVMFFIObjectHandle handle_ = nullptr;
};

inline TVMFFIAny MakeAny(int32_t type_index, int64_t payload = 0) {
  TVMFFIAny any;
  any.type_index = type_index;
  any.zero_padding = 0;
  any.v_int64 = payload;
  return any;
}
inline TVMFFIAny None() { return MakeAny(kTVMFFINone); }
inline TVMFFIAny Int(int64_t value) { return MakeAny(kTVMFFIInt, value); }
inline TVMFFIAny Bool(bool value) { return MakeAny(kTVMFFIBool, value ? 1 : 0); }
inline TVMFFIAny Pointer(void* value) {
  TVMFFIAny any = MakeAny(kTVMFFIOpaquePtr);
  any.v_ptr = value;
  return any;
}
inline TVMFFIAny Float(double value) {
  TVMFFIAny any = MakeAny(kTVMFFIFloat);
  any.v_float64 = value;
  return any;
}
inline TVMFFIAny RawStr(const char* text) {
  TVMFFIAny any = MakeAny(kTVMFFIRawStr);
  any.v_c_str = text;
  return any;
}
inline TVMFFIAny View(TVMFFIObjectHandle handle) {
  TVMFFIAny any = MakeAny(Header(handle)->type_index);
  any.v_obj = static_cast<TVMFFIObject*>(handle);
  return any;
}

// An owned value.
class Value {
 public:
  Value() : any_(None()) {}
  explicit Value(const TVMFFIAny& adopted) : any_(adopted) {}
  Value(Value&& other) noexcept : any_(std::exchange(other.any_, None())) {}
  Value& operator=(Value&& other) noexcept {
    std::swap(any_, other.any_);
    return *this;
  }
  ~Value() { Reset(); }

  const TVMFFIAny& any() const { return any_; }
  TVMFFIAny* out() {
    Reset();
    return &any_;
  }
  int32_t type_index() const { return any_.type_index; }
  int64_t as_int() const { return any_.v_int64; }
  TVMFFIObjectHandle object() const {
    return any_.type_index >= kTVMFFIStaticObjectBegin ? any_.v_obj : nullptr;
  }
  // The content of a string or bytes value.
  std::string text() const {
    if (any_.type_index == kTVMFFISmallStr || any_.type_index == kTVMFFISmallBytes) {
      return std::string(any_.v_bytes, any_.small_str_len);
    }
    return Text(*TVMFFIBytesGetByteArrayPtr(any_.v_obj));
  }

 private:
  void Reset() {
    if (object() != nullptr) TVMFFIObjectDecRef(any_.v_obj);
    any_ = None();
  }
  TVMFFIAny any_;
};

struct Raised {
  bool present = false;
  std::string kind;
  std::string message;
  std::string backtrace;
};

// Takes the raised error.
inline Raised TakeRaised() {
  Ref error;
  TVMFFIErrorMoveFromRaised(error.out());
  if (error.get() == nullptr) return {};
  const TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error.get());
  return {true, Text(cell->kind), Text(cell->message), Text(cell->backtrace)};
}

// The call failed and raised this; `text` is part of the message.
inline void ExpectRaised(int code, const std::string& kind, const std::string& text) {
  EXPECT_NE(code, 0);
  const Raised raised = TakeRaised();
  ASSERT_TRUE(raised.present);
  EXPECT_EQ(raised.kind, kind);
  EXPECT_NE(raised.message.find(text), std::string::npos)
      << "message: " << raised.message << "\nexpected part: " << text;
}

inline Ref GetGlobal(std::string_view name) {
  const TVMFFIByteArray key = Bytes(name);
  Ref function;
  EXPECT_EQ(TVMFFIFunctionGetGlobal(&key, function.out()), 0);
  return function;
}

inline int Call(TVMFFIObjectHandle function, std::vector<TVMFFIAny> args, Value* result) {
  TVMFFIAny* out = result->out();
  return TVMFFIFunctionCall(function, args.data(), static_cast<int32_t>(args.size()), out);
}

inline int TryCallGlobal(std::string_view name, std::vector<TVMFFIAny> args, Value* result) {
  const Ref function = GetGlobal(name);
  if (function.get() == nullptr) {
    ADD_FAILURE() << "no global function " << name;
    return -1;
  }
  return Call(function.get(), std::move(args), result);
}

inline Value CallGlobal(std::string_view name, std::vector<TVMFFIAny> args) {
  Value result;
  const int code = TryCallGlobal(name, std::move(args), &result);
  if (code != 0) ADD_FAILURE() << name << ": " << TakeRaised().message;
  return result;
}

}  // namespace tvmffi::test

#endif  // TVMFFI_TESTS_LIBFFI_CORE_ABI_TEST_UTIL_H_
