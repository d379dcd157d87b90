// Small helpers around values and raised errors, by layout and with C functions of 0.1.0.
#ifndef TVMFFI_PROTO_CODEC_ANY_H_
#define TVMFFI_PROTO_CODEC_ANY_H_

#include <tvm/ffi/c_api.h>

#include <string>
#include <utility>

#include "proto/base/status.h"

namespace tvmffi {

inline TVMFFIAny NoneAny() {
  TVMFFIAny none;
  none.type_index = kTVMFFINone;
  none.zero_padding = 0;
  none.v_uint64 = 0;
  return none;
}

// Drops the reference an owned value holds, if any, and makes it None. Harmless on views without
// objects.
inline void ReleaseAny(TVMFFIAny* value) {
  if (value->type_index >= kTVMFFIStaticObjectBegin) TVMFFIObjectDecRef(value->v_obj);
  *value = NoneAny();
}

// Owner of one reference to an object, or of none.
class ObjectRef {
 public:
  ObjectRef() = default;
  // Takes over the reference.
  explicit ObjectRef(TVMFFIObjectHandle object) : object_(object) {}
  static ObjectRef Share(TVMFFIObjectHandle object) {
    if (object != nullptr) TVMFFIObjectIncRef(object);
    return ObjectRef(object);
  }
  ObjectRef(ObjectRef&& other) noexcept : object_(other.release()) {}
  ObjectRef& operator=(ObjectRef&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ObjectRef(const ObjectRef&) = delete;
  ObjectRef& operator=(const ObjectRef&) = delete;
  ~ObjectRef() { reset(); }

  TVMFFIObjectHandle get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  TVMFFIObjectHandle release() { return std::exchange(object_, nullptr); }
  void reset(TVMFFIObjectHandle object = nullptr) {
    if (TVMFFIObjectHandle old = std::exchange(object_, object)) TVMFFIObjectDecRef(old);
  }

 private:
  TVMFFIObjectHandle object_ = nullptr;
};

// Owner of a value of any kind.
class OwnedAny {
 public:
  OwnedAny() : value_(NoneAny()) {}
  OwnedAny(OwnedAny&& other) noexcept : value_(other.release()) {}
  OwnedAny& operator=(OwnedAny&& other) noexcept {
    TVMFFIAny taken = other.release();
    ReleaseAny(&value_);
    value_ = taken;
    return *this;
  }
  OwnedAny(const OwnedAny&) = delete;
  OwnedAny& operator=(const OwnedAny&) = delete;
  ~OwnedAny() { ReleaseAny(&value_); }

  const TVMFFIAny& get() const { return value_; }
  // For functions that write a result; what was held is released first.
  TVMFFIAny* out() {
    ReleaseAny(&value_);
    return &value_;
  }
  TVMFFIAny release() { return std::exchange(value_, NoneAny()); }

 private:
  TVMFFIAny value_;
};

// An error's texts, copied out.
struct ErrorText {
  std::string kind;
  std::string message;
  std::string backtrace;
};

// Reads any version's error object: only the part of its cell that all versions have.
ErrorText ReadError(TVMFFIObjectHandle error);

// Takes the calling thread's raised error. False when there is none.
bool TakeRaised(ErrorText* out);

// Takes the raised error as a Status, "<what>: <kind>: <message>".
Status RaisedStatus(Code code, const std::string& what);

// The bytes of a string or bytes value of any kind; {nullptr, 0} and false for others. Small ones
// lie inside `value`.
bool ViewText(const TVMFFIAny& value, TVMFFIByteArray* out);

// A global function of the process's libtvm_ffi, looked up once; null when it has none of that
// name.
TVMFFIObjectHandle FindGlobal(const char* name);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_CODEC_ANY_H_
