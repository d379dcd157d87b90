// The global functions about Array and List. Each takes its own kind only: a conversion would
// change a copy.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/function.h>

#include <vector>

#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyEqual;
using tvm::ffi::Array;
using tvm::ffi::ArrayObj;
using tvm::ffi::List;
using tvm::ffi::ListObj;
using tvm::ffi::PackedArgs;

template <typename SequenceObj>
Any GetItem(const SequenceObj* sequence, int64_t index) {
  return sequence->at(index);
}

template <typename SequenceObj>
int64_t Size(const SequenceObj* sequence) {
  return static_cast<int64_t>(sequence->size());
}

template <typename SequenceObj>
bool Contains(const SequenceObj* sequence, const Any& value) {
  for (const Any& element : *sequence) {
    if (AnyEqual()(element, value)) return true;
  }
  return false;
}

void MakeArray(PackedArgs args, Any* result) {
  *result = Array<Any>(args.data(), args.data() + args.size());
}

void MakeList(PackedArgs args, Any* result) {
  tvm::ffi::ObjectPtr<tvm::ffi::Object> empty = ListObj::Empty();
  List<Any> list(std::move(empty));
  list.insert(list.begin(), args.data(), args.data() + args.size());
  *result = std::move(list);
}

void Append(ListObj* list, Any value) {
  list->ReserveMore(1);
  list->EmplaceBack(std::move(value));
}

void Insert(ListObj* list, int64_t index, Any value) {
  list->ReserveMore(1);
  list->insert(index, std::move(value));
}

void Reserve(const List<Any>& list, int64_t capacity) {
  constexpr int64_t kMaxCapacity = INT64_MAX / static_cast<int64_t>(sizeof(Any));
  TVM_FFI_CHECK(capacity <= kMaxCapacity, ValueError)
      << "ffi.ListReserve: no list has room for " << capacity << " elements";
  List<Any>(list).reserve(capacity);
}

Any Pop(ListObj* list, int64_t index) {
  Any value = list->at(index);
  list->erase(index);
  return value;
}

void ReplaceSlice(ListObj* list, int64_t begin, int64_t end, const ListObj* replacement) {
  // A copy: the replacement may be the list itself.
  const std::vector<Any> values(replacement->begin(), replacement->end());
  list->erase(begin, end);
  list->ReserveMore(static_cast<int64_t>(values.size()));
  list->insert(begin, values.begin(), values.end());
}

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef()
      .Packed("ffi.Array", MakeArray)
      .Typed("ffi.ArrayGetItem", GetItem<ArrayObj>)
      .Typed("ffi.ArraySize", Size<ArrayObj>)
      .Typed("ffi.ArrayContains", Contains<ArrayObj>)
      .Packed("ffi.List", MakeList)
      .Typed("ffi.ListGetItem", GetItem<ListObj>)
      .Typed("ffi.ListSize", Size<ListObj>)
      .Typed("ffi.ListContains", Contains<ListObj>)
      .Typed("ffi.ListSetItem", [](ListObj* list, int64_t index,
                                   Any value) { list->SetItem(index, std::move(value)); })
      .Typed("ffi.ListAppend", Append)
      .Typed("ffi.ListInsert", Insert)
      .Typed("ffi.ListPop", Pop)
      .Typed("ffi.ListErase", [](ListObj* list, int64_t index) { list->erase(index); })
      .Typed("ffi.ListEraseRange",
             [](ListObj* list, int64_t begin, int64_t end) { list->erase(begin, end); })
      .Typed("ffi.ListReplaceSlice", ReplaceSlice)
      .Typed("ffi.ListReverse", [](ListObj* list) { list->Reverse(); })
      .Typed("ffi.ListReserve", Reserve)
      .Typed("ffi.ListClear", [](ListObj* list) { list->clear(); });
}

}  // namespace
}  // namespace tvmffi::core
