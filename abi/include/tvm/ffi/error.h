/*!
 * \file tvm/ffi/error.h
 * \brief The Error exception, the throwing and checking macros, and the bridge to the C ABI's
 * raised error.
 */
#ifndef TVM_FFI_ERROR_H_
#define TVM_FFI_ERROR_H_

#include <tvm/ffi/base_details.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/message_stream.h>
#include <tvm/ffi/object.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#ifndef TVM_FFI_ALWAYS_LOG_BEFORE_THROW
/*! \brief 1: every throw first prints the whole message to stderr. */
#define TVM_FFI_ALWAYS_LOG_BEFORE_THROW 0
#endif
#ifndef TVM_FFI_USE_LIBBACKTRACE
/*! \brief How the library was built; no effect on code using it. */
#define TVM_FFI_USE_LIBBACKTRACE 1
#endif
#ifndef TVM_FFI_BACKTRACE_ON_SEGFAULT
/*! \brief How the library was built; no effect on code using it. */
#define TVM_FFI_BACKTRACE_ON_SEGFAULT 1
#endif

namespace tvm {
namespace ffi {

/*! \brief The object behind Error. Owns cause_chain and extra_context. */
class ErrorObj : public Object, public TVMFFIErrorCell {
 public:
  ErrorObj() : TVMFFIErrorCell{} {}
  ErrorObj(const ErrorObj&) = delete;
  ErrorObj& operator=(const ErrorObj&) = delete;
  ~ErrorObj() {
    details::ObjectUnsafe::DecRefObjectHandle(cause_chain);
    details::ObjectUnsafe::DecRefObjectHandle(extra_context);
  }

  static constexpr int32_t _type_index = kTVMFFIError;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIError, ErrorObj, Object);
};

namespace details {

/*! \brief An ErrorObj that owns its texts. */
class ErrorObjFromStd : public ErrorObj {
 public:
  ErrorObjFromStd(std::string kind, std::string message, std::string backtrace)
      : kind_(std::move(kind)), message_(std::move(message)), backtrace_(std::move(backtrace)) {
    this->kind = View(kind_);
    this->message = View(message_);
    this->backtrace = View(backtrace_);
    this->update_backtrace = UpdateBacktrace;
  }

 private:
  static TVMFFIByteArray View(const std::string& text) {
    return TVMFFIByteArray{text.data(), text.size()};
  }

  static void UpdateBacktrace(TVMFFIObjectHandle self, const TVMFFIByteArray* backtrace,
                              int32_t update_mode) {
    auto* obj =
        ObjectUnsafe::RawObjectPtrFromUnowned<ErrorObjFromStd>(static_cast<TVMFFIObject*>(self));
    if (update_mode == kTVMFFIBacktraceUpdateModeReplace) {
      obj->backtrace_.assign(backtrace->data, backtrace->size);
    } else {
      obj->backtrace_.append(backtrace->data, backtrace->size);
    }
    obj->backtrace = View(obj->backtrace_);
  }

  std::string kind_;
  std::string message_;
  std::string backtrace_;
};
}  // namespace details

/*!
 * \brief The exception of this ABI: a kind such as "ValueError", a message and a backtrace.
 *
 * A copy refers to the same object. Its type information is visible across libraries, so any module
 * can catch it.
 */
class TVM_FFI_DLL_EXPORT Error : public ObjectRef, public std::exception {
 public:
  Error(std::string kind, std::string message, std::string backtrace)
      : ObjectRef(ObjectPtr<Object>(make_object<details::ErrorObjFromStd>(
            std::move(kind), std::move(message), std::move(backtrace)))) {}
  Error(std::string kind, std::string message, const TVMFFIByteArray* backtrace)
      : Error(std::move(kind), std::move(message), std::string(backtrace->data, backtrace->size)) {}
  /*! \brief With the error that led to this one and any object that tells more. */
  Error(std::string kind, std::string message, std::string backtrace,
        std::optional<Error> cause_chain, std::optional<ObjectRef> extra_context)
      : Error(std::move(kind), std::move(message), std::move(backtrace)) {
    if (cause_chain.has_value()) {
      cell()->cause_chain =
          details::ObjectUnsafe::MoveObjectRefToTVMFFIObjectPtr(std::move(*cause_chain));
    }
    if (extra_context.has_value()) {
      cell()->extra_context =
          details::ObjectUnsafe::MoveObjectRefToTVMFFIObjectPtr(std::move(*extra_context));
    }
  }
  explicit Error(UnsafeInit tag) : ObjectRef(tag) {}
  explicit Error(ObjectPtr<ErrorObj> ptr) : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {}
  Error(const Error&) = default;
  Error(Error&&) noexcept = default;
  Error& operator=(const Error&) = default;
  Error& operator=(Error&&) noexcept = default;

  std::string kind() const { return ToString(cell()->kind); }
  std::string message() const { return ToString(cell()->message); }
  /*! \brief Innermost frame first, one line each. */
  std::string backtrace() const { return ToString(cell()->backtrace); }

  std::optional<Error> cause_chain() const {
    if (HasNoContextFields() || cell()->cause_chain == nullptr) {
      return std::nullopt;
    }
    return details::ObjectUnsafe::ObjectRefFromObjectPtr<Error>(
        details::ObjectUnsafe::ObjectPtrFromUnowned<Object>(
            static_cast<TVMFFIObject*>(cell()->cause_chain)));
  }
  std::optional<ObjectRef> extra_context() const {
    if (HasNoContextFields() || cell()->extra_context == nullptr) {
      return std::nullopt;
    }
    return ObjectRef(details::ObjectUnsafe::ObjectPtrFromUnowned<Object>(
        static_cast<TVMFFIObject*>(cell()->extra_context)));
  }

  /*! \brief The backtrace outermost frame first; an unterminated last line is dropped. */
  std::string TracebackMostRecentCallLast() const {
    const std::string_view lines(cell()->backtrace.data, cell()->backtrace.size);
    std::string result;
    result.reserve(lines.size());
    size_t end = lines.rfind('\n');
    while (end != std::string_view::npos) {
      const size_t before = end == 0 ? std::string_view::npos : lines.rfind('\n', end - 1);
      const size_t begin = before == std::string_view::npos ? 0 : before + 1;
      result.append(lines.substr(begin, end + 1 - begin));
      end = before;
    }
    return result;
  }

  /*! \brief Traceback, kind and message, as a terminal shows them. */
  std::string FullMessage() const {
    return "Traceback (most recent call last):\n" + TracebackMostRecentCallLast() + kind() + ": " +
           message() + '\n';
  }

  /*! \brief The message alone. */
  const char* what() const noexcept override { return cell()->message.data; }

  /*! \brief Replaces or appends to the backtrace, as TVMFFIBacktraceUpdateMode says. */
  void UpdateBacktrace(const TVMFFIByteArray* backtrace_str, int32_t update_mode) {
    cell()->update_backtrace(details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(*this),
                             backtrace_str, update_mode);
  }

  const ErrorObj* operator->() const { return get(); }
  const ErrorObj* get() const { return static_cast<const ErrorObj*>(data_.get()); }
  using ContainerType = ErrorObj;
  static constexpr bool _type_is_nullable = false;

 private:
  TVMFFIErrorCell* cell() const { return static_cast<ErrorObj*>(data_.get()); }
  // Objects of modules built before 0.1.8 end before these fields; there lies their own copy of
  // kind.
  bool HasNoContextFields() const {
    return cell()->cause_chain == static_cast<const void*>(cell()->kind.data);
  }
  static std::string ToString(const TVMFFIByteArray& bytes) {
    return std::string(bytes.data, bytes.size);
  }
};

/*! \brief Throw this after the host language has set its own pending error, for example on Ctrl-C.
 */
inline Error EnvErrorAlreadySet() { return Error("EnvErrorAlreadySet", "", ""); }

namespace details {

/*! \brief Takes the error that a failed C call raised on this thread. */
inline Error MoveFromSafeCallRaised() {
  TVMFFIObjectHandle handle = nullptr;
  TVMFFIErrorMoveFromRaised(&handle);
  if (TVM_FFI_PREDICT_FALSE(handle == nullptr)) {
    return Error("InternalError", "a call through the C ABI failed without raising an error", "");
  }
  return ObjectUnsafe::ObjectRefFromObjectPtr<Error>(
      ObjectUnsafe::ObjectPtrFromOwned<Object>(static_cast<TVMFFIObject*>(handle)));
}

inline void SetSafeCallRaised(const Error& error) {
  TVMFFIErrorSetRaised(ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(error));
}

/*! \brief An Error whose object the library makes: it does not depend on this module's code. */
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline Error MakeError(
    std::string_view kind, std::string_view message, std::string_view backtrace) {
  const TVMFFIByteArray texts[] = {{kind.data(), kind.size()},
                                   {message.data(), message.size()},
                                   {backtrace.data(), backtrace.size()}};
  TVMFFIObjectHandle handle = nullptr;
  if (TVMFFIErrorCreate(&texts[0], &texts[1], &texts[2], &handle) != 0) {
    throw std::bad_alloc();
  }
  return ObjectUnsafe::ObjectRefFromObjectPtr<Error>(
      ObjectUnsafe::ObjectPtrFromOwned<Object>(static_cast<TVMFFIObject*>(handle)));
}

/*! \brief An error in the making. */
struct PendingError {
  const char* kind;
  std::string backtrace;
  MessageStream stream;

  /*! \brief The finished error; `pending` is gone then. */
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ static Error Finish(PendingError* pending) {
    struct Deleter {
      PendingError* pending;
      ~Deleter() { delete pending; }
    } deleter{pending};
    return MakeError(pending->kind, pending->stream.str(), pending->backtrace);
  }
};

/*!
 * \brief Collects a message; throws at the end of the full expression it is made in.
 *
 * Has nothing to destroy, so that the exception passes its frame without a stop.
 */
class ErrorThrower {
 public:
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ ErrorThrower(const char* kind,
                                                                   const TVMFFIByteArray* backtrace)
      : pending_(new PendingError{kind, std::string(backtrace->data, backtrace->size), {}}) {}
  ErrorThrower(const ErrorThrower&) = delete;
  ErrorThrower& operator=(const ErrorThrower&) = delete;

  [[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ ~ErrorThrower() noexcept(false) {
    throw PendingError::Finish(pending_);
  }

  MessageStream& stream() { return pending_->stream; }

 private:
  PendingError* pending_;
};

/*! \brief The same; with `log_before_throw` it prints the whole message to stderr first. */
class ErrorBuilder {
 public:
  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ ErrorBuilder(const char* kind,
                                                                   const TVMFFIByteArray* backtrace,
                                                                   bool log_before_throw)
      : kind_(kind),
        backtrace_(backtrace->data, backtrace->size),
        log_before_throw_(log_before_throw) {}
  ErrorBuilder(const ErrorBuilder&) = delete;
  ErrorBuilder& operator=(const ErrorBuilder&) = delete;

  [[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ ~ErrorBuilder() noexcept(false) {
    Error error = MakeError(kind_, stream_.str(), backtrace_);
    if (log_before_throw_) {
      std::fputs(error.FullMessage().c_str(), stderr);
    }
    throw error;
  }

  MessageStream& stream() { return stream_; }

 private:
  const char* kind_;
  std::string backtrace_;
  MessageStream stream_;
  bool log_before_throw_;
};

/*! \brief The text of a failed comparison; null when it held. */
class CheckFailure {
 public:
  CheckFailure() = default;
  explicit CheckFailure(std::string* text) : text_(text) {}
  CheckFailure(CheckFailure&& other) noexcept : text_(other.text_) { other.text_ = nullptr; }
  CheckFailure& operator=(CheckFailure&&) = delete;
  ~CheckFailure() {
    if (TVM_FFI_PREDICT_FALSE(text_ != nullptr)) {
      delete text_;
    }
  }
  explicit operator bool() const { return TVM_FFI_PREDICT_FALSE(text_ != nullptr); }
  const std::string& operator*() const { return *text_; }

 private:
  std::string* text_{nullptr};
};

template <typename X, typename Y>
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ CheckFailure FormatCheckFailure(const X& x,
                                                                                    const Y& y) {
  MessageStream os;
  os << " (" << x << " vs. " << y << ") ";
  return CheckFailure(new std::string(os.str()));
}

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
#define TVM_FFI_CHECK_FUNC_(Name, Op)                               \
  template <typename X, typename Y>                                 \
  TVM_FFI_INLINE CheckFailure Check##Name(const X& x, const Y& y) { \
    if (TVM_FFI_PREDICT_TRUE(x Op y)) {                             \
      return CheckFailure();                                        \
    }                                                               \
    return FormatCheckFailure(x, y);                                \
  }
TVM_FFI_CHECK_FUNC_(LT, <)
TVM_FFI_CHECK_FUNC_(GT, >)
TVM_FFI_CHECK_FUNC_(LE, <=)
TVM_FFI_CHECK_FUNC_(GE, >=)
TVM_FFI_CHECK_FUNC_(EQ, ==)
TVM_FFI_CHECK_FUNC_(NE, !=)
#undef TVM_FFI_CHECK_FUNC_
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/*! \brief The stream of an error that is thrown at the end of the full expression. */
#if TVM_FFI_ALWAYS_LOG_BEFORE_THROW
#define TVM_FFI_ERROR_STREAM_(ErrorKind, Backtrace) \
  ::tvm::ffi::details::ErrorBuilder(ErrorKind, Backtrace, true).stream()
#else
#define TVM_FFI_ERROR_STREAM_(ErrorKind, Backtrace) \
  ::tvm::ffi::details::ErrorThrower(ErrorKind, Backtrace).stream()
#endif

[[noreturn]] TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void ThrowCheckNotNull(
    const char* kind, const char* expr, const TVMFFIByteArray* backtrace) {
  TVM_FFI_ERROR_STREAM_(kind, backtrace) << "Check not null: " << expr << ' ';
  TVM_FFI_UNREACHABLE();
}

/*! \brief Returns `value` unless it is null. */
template <typename T>
TVM_FFI_INLINE T CheckNotNull(const char* kind, const char* expr, const char* file, int line,
                              const char* func, T&& value) {
  if (TVM_FFI_PREDICT_FALSE(value == nullptr)) {
    ThrowCheckNotNull(kind, expr, TVMFFIBacktrace(file, line, func, 0));
  }
  return static_cast<T&&>(value);
}

}  // namespace details
}  // namespace ffi
}  // namespace tvm

#define TVM_FFI_THROW_(ErrorKind) \
  TVM_FFI_ERROR_STREAM_(ErrorKind, TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0))

/*! \brief `TVM_FFI_THROW(ValueError) << "...";` throws Error; the kind is a bare token. */
#define TVM_FFI_THROW(ErrorKind) TVM_FFI_THROW_(#ErrorKind)

/*! \brief The same, and prints the whole message to stderr: for places where an exception ends the
 * process. */
#define TVM_FFI_LOG_AND_THROW(ErrorKind)                                          \
  ::tvm::ffi::details::ErrorBuilder(                                              \
      #ErrorKind, TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0), true) \
      .stream()

// `while` instead of `if`: the body never returns, and no `else` after the macro can bind to it.
// The messages end in a string literal, so another literal may follow directly.
#define TVM_FFI_CHECK_(cond, KindText)   \
  while (TVM_FFI_PREDICT_FALSE(!(cond))) \
  TVM_FFI_THROW_(KindText) << "Check failed: (" #cond ") is false: "

#define TVM_FFI_CHECK_BINARY_(Name, Op, x, y, KindText)                        \
  while (auto tvm_ffi_check_failure_ = ::tvm::ffi::details::Check##Name(x, y)) \
  TVM_FFI_THROW_(KindText) << "Check failed: " #x " " #Op " " #y << *tvm_ffi_check_failure_ << ": "

#define TVM_FFI_CHECK_NOTNULL_(x, KindText) \
  ::tvm::ffi::details::CheckNotNull(KindText, #x, __FILE__, __LINE__, TVM_FFI_FUNC_SIG, (x))

/*! \brief Unless `cond` holds, throws an Error of the given kind with the condition and what is
 * streamed in. */
#define TVM_FFI_CHECK(cond, ErrorKind) TVM_FFI_CHECK_(cond, #ErrorKind)
#define TVM_FFI_CHECK_LT(x, y, ErrorKind) TVM_FFI_CHECK_BINARY_(LT, <, x, y, #ErrorKind)
#define TVM_FFI_CHECK_GT(x, y, ErrorKind) TVM_FFI_CHECK_BINARY_(GT, >, x, y, #ErrorKind)
#define TVM_FFI_CHECK_LE(x, y, ErrorKind) TVM_FFI_CHECK_BINARY_(LE, <=, x, y, #ErrorKind)
#define TVM_FFI_CHECK_GE(x, y, ErrorKind) TVM_FFI_CHECK_BINARY_(GE, >=, x, y, #ErrorKind)
#define TVM_FFI_CHECK_EQ(x, y, ErrorKind) TVM_FFI_CHECK_BINARY_(EQ, ==, x, y, #ErrorKind)
#define TVM_FFI_CHECK_NE(x, y, ErrorKind) TVM_FFI_CHECK_BINARY_(NE, !=, x, y, #ErrorKind)
/*! \brief An expression: `x`, which must not be null. */
#define TVM_FFI_CHECK_NOTNULL(x, ErrorKind) TVM_FFI_CHECK_NOTNULL_(x, #ErrorKind)

/*! \brief TVM_FFI_CHECK for conditions that only a bug breaks: kind InternalError. */
#define TVM_FFI_ICHECK(x) TVM_FFI_CHECK_(x, "InternalError")
#define TVM_FFI_ICHECK_LT(x, y) TVM_FFI_CHECK_BINARY_(LT, <, x, y, "InternalError")
#define TVM_FFI_ICHECK_GT(x, y) TVM_FFI_CHECK_BINARY_(GT, >, x, y, "InternalError")
#define TVM_FFI_ICHECK_LE(x, y) TVM_FFI_CHECK_BINARY_(LE, <=, x, y, "InternalError")
#define TVM_FFI_ICHECK_GE(x, y) TVM_FFI_CHECK_BINARY_(GE, >=, x, y, "InternalError")
#define TVM_FFI_ICHECK_EQ(x, y) TVM_FFI_CHECK_BINARY_(EQ, ==, x, y, "InternalError")
#define TVM_FFI_ICHECK_NE(x, y) TVM_FFI_CHECK_BINARY_(NE, !=, x, y, "InternalError")
#define TVM_FFI_ICHECK_NOTNULL(x) TVM_FFI_CHECK_NOTNULL_(x, "InternalError")

/*! \brief TVM_FFI_ICHECK in debug builds; with NDEBUG compiled but never run. */
#ifndef NDEBUG
#define TVM_FFI_DCHECK(x) TVM_FFI_ICHECK(x)
#define TVM_FFI_DCHECK_LT(x, y) TVM_FFI_ICHECK_LT(x, y)
#define TVM_FFI_DCHECK_GT(x, y) TVM_FFI_ICHECK_GT(x, y)
#define TVM_FFI_DCHECK_LE(x, y) TVM_FFI_ICHECK_LE(x, y)
#define TVM_FFI_DCHECK_GE(x, y) TVM_FFI_ICHECK_GE(x, y)
#define TVM_FFI_DCHECK_EQ(x, y) TVM_FFI_ICHECK_EQ(x, y)
#define TVM_FFI_DCHECK_NE(x, y) TVM_FFI_ICHECK_NE(x, y)
#define TVM_FFI_DCHECK_NOTNULL(x) TVM_FFI_ICHECK_NOTNULL(x)
#else
#define TVM_FFI_DCHECK(x) \
  while (false) TVM_FFI_ICHECK(x)
#define TVM_FFI_DCHECK_LT(x, y) \
  while (false) TVM_FFI_ICHECK_LT(x, y)
#define TVM_FFI_DCHECK_GT(x, y) \
  while (false) TVM_FFI_ICHECK_GT(x, y)
#define TVM_FFI_DCHECK_LE(x, y) \
  while (false) TVM_FFI_ICHECK_LE(x, y)
#define TVM_FFI_DCHECK_GE(x, y) \
  while (false) TVM_FFI_ICHECK_GE(x, y)
#define TVM_FFI_DCHECK_EQ(x, y) \
  while (false) TVM_FFI_ICHECK_EQ(x, y)
#define TVM_FFI_DCHECK_NE(x, y) \
  while (false) TVM_FFI_ICHECK_NE(x, y)
#define TVM_FFI_DCHECK_NOTNULL(x) (x)
#endif

#endif  // TVM_FFI_ERROR_H_
