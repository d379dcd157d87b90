// DeepCopy. Every object's copy is made, and known, before its parts: a cycle finds it.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/dataclass.h>

#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libffi_core/extra/object_graph.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::ArrayObj;
using tvm::ffi::Dict;
using tvm::ffi::Function;
using tvm::ffi::List;
using tvm::ffi::ListObj;
using tvm::ffi::Map;
using tvm::ffi::MapBaseObj;
using tvm::ffi::SeqBaseObj;

// Enum values are one object each in a process.
bool IsEnum(const Any& value) {
  const TVMFFITypeInfo* type = TVMFFIGetTypeInfo(value.type_index());
  const TVMFFITypeInfo* base = type->type_depth > 1 ? type->type_ancestors[1] : type;
  return ViewOf(base->type_key) == "ffi.Enum";
}

bool IsShared(const Any& value) {
  return KindOf(value) == NodeKind::kLeaf || (KindOf(value) == NodeKind::kRecord && IsEnum(value));
}

class DeepCopier {
 public:
  Any Copy(const Any& root) {
    Any done = Begin(root).value_or(nullptr);
    while (!frames_.empty()) {
      if (frames_.back().cursor.Next()) {
        Any part = frames_.back().cursor.TakeValue();
        if (std::optional<Any> copy = Begin(part)) frames_.back().Add(part, *std::move(copy));
      } else {
        Frame finished = std::move(frames_.back());
        frames_.pop_back();
        if (frames_.empty()) return finished.copy;
        frames_.back().Add(finished.original, std::move(finished.copy));
      }
    }
    return done;
  }

 private:
  struct Frame {
    Frame(const Any& node, Any shell) : original(node), copy(std::move(shell)), cursor(node) {}

    void Add(const Any& part, Any part_copy) {
      switch (KindOf(original)) {
        case NodeKind::kSequence:
          static_cast<SeqBaseObj*>(MutableCopy())->EmplaceBack(std::move(part_copy));
          break;
        case NodeKind::kMapping:
          AddEntryPart(std::move(part_copy));
          break;
        default:
          if (part_copy.same_as(part)) break;
          tvm::ffi::reflection::FieldSetter(cursor.field())(ObjectOf(copy), part_copy);
      }
    }

    void AddEntryPart(Any part_copy) {
      if (!key.has_value()) {
        key = std::move(part_copy);
        return;
      }
      static_cast<MapBaseObj*>(MutableCopy())->Set(*std::move(key), std::move(part_copy));
      key.reset();
    }

    tvm::ffi::Object* MutableCopy() const {
      return tvm::ffi::details::AnyUnsafe::ObjectPtrFromAnyAfterCheck(copy);
    }

    Any original;
    Any copy;
    ChildCursor cursor;
    std::optional<Any> key;
  };

  // The copy, or nothing and a new frame that will have it.
  std::optional<Any> Begin(const Any& value) {
    if (IsShared(value)) return value;
    auto it = copies_.find(IdentityOf(value));
    if (it != copies_.end()) return it->second.copy;
    const Any shell = MakeShell(value);
    copies_.emplace(IdentityOf(value), Copied{value, shell});
    frames_.emplace_back(value, shell);
    return std::nullopt;
  }

  // A container with room for the copied parts, or an object whose fields are still the original's.
  Any MakeShell(const Any& value) const {
    switch (value.type_index()) {
      case kTVMFFIArray:
        return tvm::ffi::ObjectPtr<ArrayObj>(ArrayObj::Empty(SizeOf(value)));
      case kTVMFFIList:
        return tvm::ffi::ObjectPtr<ListObj>(ListObj::Empty(SizeOf(value)));
      case kTVMFFIMap:
        return Map<Any, Any>();
      case kTVMFFIDict:
        return Dict<Any, Any>();
      default:
        return ShallowCopy(value);
    }
  }

  static int64_t SizeOf(const Any& sequence) {
    return static_cast<int64_t>(static_cast<const SeqBaseObj*>(ObjectOf(sequence))->size());
  }

  Any ShallowCopy(const Any& value) const {
    const std::optional<Function> copy_fn = hook_.Find(value.type_index());
    TVM_FFI_ICHECK(copy_fn.has_value())
        << "Cannot deep copy object of type \"" << value.GetTypeKey()
        << "\" because it is not copy-constructible";
    Any copy = (*copy_fn)(value);
    TVM_FFI_CHECK(copy.type_index() == value.type_index(), TypeError)
        << "__ffi_shallow_copy__ of `" << value.GetTypeKey() << "` returned `" << copy.GetTypeKey()
        << "`";
    return copy;
  }

  struct Copied {
    Any keep_alive;
    Any copy;
  };

  TypeHook hook_{tvm::ffi::reflection::type_attr::kShallowCopy};
  std::vector<Frame> frames_;
  std::unordered_map<const void*, Copied> copies_;
};

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

Any DeepCopy(const Any& value) { return tvmffi::core::DeepCopier().Copy(value); }

TVM_FFI_STATIC_INIT_BLOCK() { tvmffi::core::GlobalDef().Typed("ffi.DeepCopy", DeepCopy); }

}  // namespace ffi
}  // namespace tvm
