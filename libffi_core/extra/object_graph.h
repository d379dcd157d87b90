// What the walks over object graphs share: repr, hash, comparison and deep copy each keep a stack
// of frames of their own instead of recursing, so that depth costs heap, not stack.
#ifndef TVMFFI_LIBFFI_CORE_EXTRA_OBJECT_GRAPH_H_
#define TVMFFI_LIBFFI_CORE_EXTRA_OBJECT_GRAPH_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/accessor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace tvmffi::core {

// How a value is walked.
enum class NodeKind {
  kLeaf,      // no object, or one without inner references: strings, bytes, shapes, integers
  kSequence,  // Array, List
  kMapping,   // Map, Dict: keys and values take turns
  kRecord,    // any other object: its reflected fields, none when there are none
};

NodeKind KindOf(const tvm::ffi::Any& value);

inline const TVMFFIAny& RawOf(const tvm::ffi::Any& value) {
  return *tvm::ffi::details::AnyUnsafe::TVMFFIAnyPtrFromAny(value);
}
// The identity of an object value.
inline TVMFFIObject* IdentityOf(const tvm::ffi::Any& value) { return RawOf(value).v_obj; }
inline const tvm::ffi::Object* ObjectOf(const tvm::ffi::Any& value) {
  return tvm::ffi::details::AnyUnsafe::ObjectPtrFromAnyAfterCheck(value);
}

// The parts of one node, in order. Hooks run in between and may change the node: a sequence that
// shrinks ends early, a mapping is read before the first step.
class ChildCursor {
 public:
  // `node` is no leaf. Fields with one of `skipped_flags` are left out.
  explicit ChildCursor(const tvm::ffi::Any& node, int64_t skipped_flags = 0);

  // The number of elements or entries at the start.
  int64_t size() const { return size_; }
  // Steps to the next part; false at the end.
  bool Next();
  tvm::ffi::Any TakeValue() { return std::move(value_); }
  // Of a record's part.
  const TVMFFIFieldInfo* field() const { return field_; }

 private:
  bool NextElement();
  bool NextEntryPart();
  bool NextField();

  tvm::ffi::Any node_;
  NodeKind kind_;
  int64_t skipped_flags_;
  int64_t size_ = 0;
  int64_t position_ = 0;
  std::vector<tvm::ffi::Any> entries_;
  // A record's type and its ancestors: where the walk over their fields stands.
  int32_t level_ = 1;
  int32_t field_position_ = 0;
  const TVMFFIFieldInfo* field_ = nullptr;
  tvm::ffi::Any value_;
};

// The hook that a type, not an ancestor of it, registered in a column that exists from the start.
class TypeHook {
 public:
  explicit TypeHook(const char* column) : column_(column) {}
  std::optional<tvm::ffi::Function> Find(int32_t type_index) const {
    const tvm::ffi::AnyView hook = column_[type_index];
    if (hook == nullptr) return std::nullopt;  // which would also read as a null Function
    return hook.cast<tvm::ffi::Function>();
  }

 private:
  tvm::ffi::reflection::TypeAttrColumn column_;
};

// Hooks call back and are called again: that does recurse. Throws RecursionError while there is
// still stack to unwind on; `what` names the operation.
void RequireStackForHook(std::string_view what);

}  // namespace tvmffi::core

#endif  // TVMFFI_LIBFFI_CORE_EXTRA_OBJECT_GRAPH_H_
