// How a C entry point of the library fails: it throws inside, and one of the guards below turns
// that into the contract of the C ABI at the boundary.
#ifndef TVMFFI_LIBFFI_CORE_GUARD_H_
#define TVMFFI_LIBFFI_CORE_GUARD_H_

#include <tvm/ffi/c_api.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

namespace tvmffi::core {

// An error on its way to the C boundary of the library.
class Failure : public std::exception {
 public:
  Failure(const char* kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  const char* kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  const char* kind_;
  std::string message_;
};

// The callee has already raised an error; only the return code is left to hand on.
struct AlreadyRaised {
  int code;
};

// Makes the error the calling thread's raised one. Returns -1.
int Raise(const char* kind, std::string_view message) noexcept;

// Prints `Exception caught during <name>:` and the text, and ends the process with exit(-1).
[[noreturn]] void ExitAfterException(const char* name, std::string_view text) noexcept;

template <typename Body>
int Guarded(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const Failure& failure) {
    return Raise(failure.kind(), failure.message());
  } catch (const AlreadyRaised& raised) {
    return raised.code;
  } catch (const std::exception& error) {
    return Raise("InternalError", error.what());
  }
}

// For entry points that have no way to report an error.
template <typename Body>
auto GuardedOrExit(const char* name, Body&& body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (const Failure& failure) {
    ExitAfterException(name, std::string(failure.kind()) + ": " + failure.message());
  } catch (const std::exception& error) {
    ExitAfterException(name, std::string("InternalError: ") + error.what());
  }
}

// Throws the Failure of an argument that is NULL and must not be: `what` is `function: argument`.
[[noreturn]] void FailNull(const char* what);

template <typename T>
T& NotNull(T* argument, const char* what) {
  if (argument == nullptr) FailNull(what);
  return *argument;
}

inline std::string_view ViewOf(const TVMFFIByteArray& bytes) {
  if (bytes.data == nullptr && bytes.size != 0) FailNull("TVMFFIByteArray: data");
  return bytes.size == 0 ? std::string_view() : std::string_view(bytes.data, bytes.size);
}

inline TVMFFIByteArray BytesOf(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_GUARD_H_
