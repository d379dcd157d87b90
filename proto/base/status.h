// Outcome of an operation inside proto, hostd and client, where nothing throws. Errors cross the
// ABI as tvm::ffi errors instead; client/src turns one into the other.
#ifndef TVMFFI_PROTO_BASE_STATUS_H_
#define TVMFFI_PROTO_BASE_STATUS_H_

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace tvmffi {

enum class Code {
  kOk,
  kInvalidArgument,
  kNotFound,
  kDeadlineExceeded,
  kResourceExhausted,
  kPermissionDenied,
  kUnavailable,
  kInternal,
};

struct [[nodiscard]] Status {
  Code code = Code::kOk;
  // What was being done, to what, and the two values that disagree.
  std::string message;

  bool ok() const { return code == Code::kOk; }
};

inline Status OkStatus() { return {}; }

// "<what>: <strerror text> (<errno>)", with the code that fits `error_number`.
Status ErrnoStatus(int error_number, const std::string& what);

// A T, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}        // NOLINT(google-explicit-constructor)
  Result(Status status) : state_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    assert(!std::get<Status>(state_).ok());
  }

  bool ok() const { return std::holds_alternative<T>(state_); }
  const Status& status() const { return std::get<Status>(state_); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace tvmffi

// Returns the Status of `expr` from the enclosing function when it is not ok.
#define TVMFFI_RETURN_IF_ERROR(expr)                                      \
  do {                                                                    \
    if (::tvmffi::Status status_ = (expr); !status_.ok()) return status_; \
  } while (0)

#endif  // TVMFFI_PROTO_BASE_STATUS_H_
