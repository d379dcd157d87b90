#include "libffi_core/extra/object_graph.h"

#include <pthread.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/seq_base.h>
#include <tvm/ffi/error.h>

#include <string>
#include <utility>

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::MapBaseObj;
using tvm::ffi::SeqBaseObj;

const SeqBaseObj* SequenceOf(const Any& node) {
  return static_cast<const SeqBaseObj*>(ObjectOf(node));
}
const MapBaseObj* MappingOf(const Any& node) {
  return static_cast<const MapBaseObj*>(ObjectOf(node));
}

// The lowest address that this thread's stack may reach, or 0 when unknown.
uintptr_t StackLimit() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* lowest = nullptr;
  size_t size = 0;
  const bool known = pthread_attr_getstack(&attributes, &lowest, &size) == 0;
  pthread_attr_destroy(&attributes);
  return known ? reinterpret_cast<uintptr_t>(lowest) : 0;
}

}  // namespace

NodeKind KindOf(const Any& value) {
  switch (value.type_index()) {
    case kTVMFFIArray:
    case kTVMFFIList:
      return NodeKind::kSequence;
    case kTVMFFIMap:
    case kTVMFFIDict:
      return NodeKind::kMapping;
    case kTVMFFIStr:
    case kTVMFFIBytes:
    case kTVMFFIShape:
    case kTVMFFIBigInt:
      return NodeKind::kLeaf;
    default:
      return value.type_index() < kTVMFFIStaticObjectBegin ? NodeKind::kLeaf : NodeKind::kRecord;
  }
}

ChildCursor::ChildCursor(const Any& node, int64_t skipped_flags)
    : node_(node), kind_(KindOf(node)), skipped_flags_(skipped_flags) {
  if (kind_ == NodeKind::kSequence) {
    size_ = static_cast<int64_t>(SequenceOf(node_)->size());
  } else if (kind_ == NodeKind::kMapping) {
    const MapBaseObj* map = MappingOf(node_);
    size_ = static_cast<int64_t>(map->size());
    entries_.reserve(2 * map->size());
    for (uint64_t slot = map->FirstSlot(); slot != MapBaseObj::kNoSlot;
         slot = map->NextSlot(slot)) {
      entries_.push_back(map->PairAt(slot).first);
      entries_.push_back(map->PairAt(slot).second);
    }
  }
}

bool ChildCursor::Next() {
  switch (kind_) {
    case NodeKind::kSequence:
      return NextElement();
    case NodeKind::kMapping:
      return NextEntryPart();
    default:
      return NextField();
  }
}

bool ChildCursor::NextElement() {
  const SeqBaseObj* sequence = SequenceOf(node_);
  if (position_ >= size_ || position_ >= static_cast<int64_t>(sequence->size())) return false;
  value_ = sequence->begin()[position_++];
  return true;
}

bool ChildCursor::NextEntryPart() {
  if (position_ >= static_cast<int64_t>(entries_.size())) return false;
  value_ = std::move(entries_[static_cast<size_t>(position_++)]);
  return true;
}

bool ChildCursor::NextField() {
  const TVMFFITypeInfo* type = TVMFFIGetTypeInfo(node_.type_index());
  for (; level_ <= type->type_depth; ++level_, field_position_ = 0) {
    const TVMFFITypeInfo* owner = level_ == type->type_depth ? type : type->type_ancestors[level_];
    while (field_position_ < owner->num_fields) {
      const TVMFFIFieldInfo* field = &owner->fields[field_position_++];
      if ((field->flags & skipped_flags_) != 0) continue;
      field_ = field;
      value_ = tvm::ffi::reflection::FieldGetter(field)(ObjectOf(node_));
      return true;
    }
  }
  return false;
}

void RequireStackForHook(std::string_view what) {
  constexpr uintptr_t kReserve = uintptr_t{128} << 10;
  static thread_local const uintptr_t limit = StackLimit();
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  if (limit == 0 || here > limit + kReserve) return;
  TVM_FFI_THROW(RecursionError) << what << ": the hooks of the types call each other too deeply";
}

}  // namespace tvmffi::core
