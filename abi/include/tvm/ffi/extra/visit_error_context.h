/*!
 * \file tvm/ffi/extra/visit_error_context.h
 * \brief VisitErrorContext: which nodes of a structure were being visited when an Error was thrown.
 *
 * \code
 * void Check(const Expr& node) {
 *   TVM_FFI_VISIT_BEGIN();
 *   if (IsBad(node)) TVM_FFI_VISIT_THROW(ValueError, node) << "bad node";
 *   for (const Expr& child : node->args) Check(child);
 *   TVM_FFI_VISIT_END(node);
 * }
 * \endcode
 *
 * While the Error unwinds, each visit adds its node to a list in the error's extra context; later
 * VisitErrorContext::FindAccessPaths tells where in the root that list of nodes leads. An error of
 * a module built before 0.1.8 has no room for a context and passes through unchanged.
 */
#ifndef TVM_FFI_EXTRA_VISIT_ERROR_CONTEXT_H_
#define TVM_FFI_EXTRA_VISIT_ERROR_CONTEXT_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/base.h>
#include <tvm/ffi/function_details.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/reflection/access_path.h>

#include <new>
#include <optional>
#include <string>
#include <utility>

namespace tvm {
namespace ffi {

/*! \brief The object behind VisitErrorContext. */
class VisitErrorContextObj : public Object {
 public:
  /*! \brief The nodes whose visits were left, innermost first. */
  List<ObjectRef> reverse_visit_pattern;
  /*! \brief The extra context that the error had before, when that was something else. */
  Optional<ObjectRef> prev_error_context;

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("ffi.VisitErrorContext", VisitErrorContextObj, Object);
};

/*! \brief The nodes that an Error passed; never null. */
class VisitErrorContext : public ObjectRef {
 public:
  explicit VisitErrorContext(ObjectPtr<VisitErrorContextObj> ptr)
      : ObjectRef(ObjectPtr<Object>(std::move(ptr))) {
    TVM_FFI_ICHECK(defined()) << "a VisitErrorContext is never null";
  }

  /*! \brief The context in the error, or nothing. */
  static Optional<VisitErrorContext> TryGetFromError(const Error& error) {
    std::optional<ObjectRef> context = error.extra_context();
    if (!context.has_value() || context->as<VisitErrorContextObj>() == nullptr) {
      return std::nullopt;
    }
    return context->as<VisitErrorContext>();
  }

  /*!
   * \brief The paths from `root` on which the recorded nodes lie in order, outermost first.
   *
   * Walks reflected fields and the elements and values of containers. Other objects may lie between
   * two recorded nodes. Only objects of types with reflection metadata are looked for: a root
   * without it has no paths, and recorded containers are passed over.
   *
   * \param allow_prefix_match Where nodes are missing, also report the end of every branch below an
   *        outermost recorded node, as the deepest match there.
   * \note A node reached in several ways has several paths. Cycles are not followed.
   */
  TVM_FFI_EXTRA_CXX_API static Array<reflection::AccessPath> FindAccessPaths(
      const ObjectRef& root, const VisitErrorContext& visit_error_context,
      bool allow_prefix_match = false);

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(VisitErrorContext, ObjectRef, VisitErrorContextObj);
};

static_assert(sizeof(VisitErrorContextObj) == 40, "part of the ABI");

namespace details {

/*! \brief Objects of modules built before 0.1.8 end before the fields for a context. */
inline bool HasRoomForContext(const ErrorObj* error) {
  return error->cause_chain != static_cast<const void*>(error->kind.data);
}

/*! \brief The error's visit context, made when it has none; nothing when there is no room. */
inline Optional<VisitErrorContext> FindOrAddVisitErrorContext(const Error& error) {
  Optional<VisitErrorContext> found = VisitErrorContext::TryGetFromError(error);
  if (found.has_value() || !HasRoomForContext(error.get())) {
    return found;
  }
  VisitErrorContext added(make_object<VisitErrorContextObj>());
  if (std::optional<ObjectRef> previous = error.extra_context()) {
    added->prev_error_context = *std::move(previous);
  }
  auto* cell = const_cast<ErrorObj*>(error.get());
  ObjectUnsafe::DecRefObjectHandle(cell->extra_context);
  cell->extra_context = ObjectUnsafe::MoveObjectRefToTVMFFIObjectPtr(VisitErrorContext(added));
  return added;
}

/*! \brief Adds a node that `error` is leaving. Anything but an object is not recorded. */
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline void RecordVisitedNode(
    const Error& error, const Any& node) noexcept {
  if (node.type_index() < kTVMFFIStaticObjectBegin) {
    return;
  }
  try {
    Optional<VisitErrorContext> context = FindOrAddVisitErrorContext(error);
    if (context.has_value()) {
      context.value()->reverse_visit_pattern.push_back(node.cast<ObjectRef>());
    }
  } catch (const std::bad_alloc&) {
    // The error itself matters more than where it came from.
  }
}

/*! \brief In a handler: the exception being handled, as an Error. */
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline Error ErrorInFlight() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (...) {
    RaiseCurrentException();
    return MoveFromSafeCallRaised();
  }
}

/*! \brief ErrorInFlight with `node` recorded. */
TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ inline Error VisitErrorInFlight(
    const Any& node) {
  Error error = ErrorInFlight();
  RecordVisitedNode(error, node);
  return error;
}

/*! \brief An ErrorBuilder whose error has recorded `node`. */
class VisitErrorBuilder {
 public:
  VisitErrorBuilder(const char* kind, const TVMFFIByteArray* backtrace, bool log, Any node)
      : builder_(new ErrorBuilder(kind, backtrace, log)), node_(std::move(node)) {}
  VisitErrorBuilder(const VisitErrorBuilder&) = delete;
  VisitErrorBuilder& operator=(const VisitErrorBuilder&) = delete;

  TVM_FFI_COLD_CODE TVM_FFI_NO_INLINE TVM_FFI_HIDDEN_ ~VisitErrorBuilder() noexcept(false) {
    try {
      // Throws.
      delete builder_;
    } catch (const Error& error) {
      RecordVisitedNode(error, node_);
      throw;
    }
  }

  auto& stream() { return builder_->stream(); }

 private:
  ErrorBuilder* builder_;
  Any node_;
};
}  // namespace details
}  // namespace ffi
}  // namespace tvm

/*! \brief Opens the visit of a node; one of the two macros below closes it in the same block. */
#define TVM_FFI_VISIT_BEGIN() try {
/*! \brief Closes the visit of `node`. An Error that leaves it records the node and goes on; other
 * exceptions pass. */
#define TVM_FFI_VISIT_END(node)                                           \
  }                                                                       \
  catch (const ::tvm::ffi::Error& tvm_ffi_visit_error_) {                 \
    ::tvm::ffi::details::RecordVisitedNode(tvm_ffi_visit_error_, (node)); \
    throw;                                                                \
  }

/*! \brief The same in a function that returns an Expected: any exception becomes its error. */
#define TVM_FFI_VISIT_END_RETURN_EXPECTED(node)             \
  }                                                         \
  catch (...) {                                             \
    return ::tvm::ffi::details::VisitErrorInFlight((node)); \
  }

/*! \brief `TVM_FFI_VISIT_THROW(ValueError, node) << "...";` throws an Error that has recorded
 * `node`. */
#define TVM_FFI_VISIT_THROW(ErrorKind, node)                                                       \
  ::tvm::ffi::details::VisitErrorBuilder(#ErrorKind,                                               \
                                         TVMFFIBacktrace(__FILE__, __LINE__, TVM_FFI_FUNC_SIG, 0), \
                                         TVM_FFI_ALWAYS_LOG_BEFORE_THROW, (node))                  \
      .stream()

#endif  // TVM_FFI_EXTRA_VISIT_ERROR_CONTEXT_H_
