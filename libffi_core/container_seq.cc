// The global functions about Array and List.
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
using tvm::ffi::List;
using tvm::ffi::PackedArgs;

// What a binding's empty list can take before its first growth.
constexpr int64_t kEmptyListCapacity = 4;

template <typename Sequence>
Any GetItem(const Sequence& sequence, int64_t index) {
  return sequence[index];
}

template <typename Sequence>
int64_t Size(const Sequence& sequence) {
  return static_cast<int64_t>(sequence.size());
}

template <typename Sequence>
bool Contains(const Sequence& sequence, const Any& value) {
  for (const Any& element : sequence) {
    if (AnyEqual()(element, value)) return true;
  }
  return false;
}

void CheckBound(int64_t index, int64_t bound, int64_t size) {
  if (index < 0 || index >= bound) {
    TVM_FFI_THROW(IndexError) << "Index " << index << " out of bounds " << size;
  }
}

void CheckRange(int64_t begin, int64_t end, int64_t size) {
  if (begin < 0 || begin > end || end > size) {
    TVM_FFI_THROW(IndexError) << "Range [" << begin << ", " << end << ") out of bounds " << size;
  }
}

void MakeArray(PackedArgs args, Any* result) {
  *result = Array<Any>(args.data(), args.data() + args.size());
}

void MakeList(PackedArgs args, Any* result) {
  List<Any> list(args.data(), args.data() + args.size());
  if (args.size() == 0) list.reserve(kEmptyListCapacity);
  *result = std::move(list);
}

void Insert(List<Any> list, int64_t index, Any value) {
  CheckBound(index, Size(list) + 1, Size(list));
  list.insert(list.begin() + index, std::move(value));
}

Any Pop(List<Any> list, int64_t index) {
  CheckBound(index, Size(list), Size(list));
  Any value = list[index];
  list.erase(list.begin() + index);
  return value;
}

void Erase(List<Any> list, int64_t index) {
  CheckBound(index, Size(list), Size(list));
  list.erase(list.begin() + index);
}

void EraseRange(List<Any> list, int64_t begin, int64_t end) {
  CheckRange(begin, end, Size(list));
  list.erase(list.begin() + begin, list.begin() + end);
}

void ReplaceSlice(List<Any> list, int64_t begin, int64_t end, const List<Any>& replacement) {
  CheckRange(begin, end, Size(list));
  // A copy: the replacement may be the list itself.
  const std::vector<Any> values(replacement.begin(), replacement.end());
  list.erase(list.begin() + begin, list.begin() + end);
  list.insert(list.begin() + begin, values.begin(), values.end());
}

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef()
      .Packed("ffi.Array", MakeArray)
      .Typed("ffi.ArrayGetItem", GetItem<Array<Any>>)
      .Typed("ffi.ArraySize", Size<Array<Any>>)
      .Typed("ffi.ArrayContains", Contains<Array<Any>>)
      .Packed("ffi.List", MakeList)
      .Typed("ffi.ListGetItem", GetItem<List<Any>>)
      .Typed("ffi.ListSize", Size<List<Any>>)
      .Typed("ffi.ListContains", Contains<List<Any>>)
      .Typed("ffi.ListSetItem",
             [](List<Any> list, int64_t index, Any value) { list.Set(index, std::move(value)); })
      .Typed("ffi.ListAppend",
             [](List<Any> list, Any value) { list.push_back(std::move(value)); })
      .Typed("ffi.ListInsert", Insert)
      .Typed("ffi.ListPop", Pop)
      .Typed("ffi.ListErase", Erase)
      .Typed("ffi.ListEraseRange", EraseRange)
      .Typed("ffi.ListReplaceSlice", ReplaceSlice)
      .Typed("ffi.ListReverse", [](List<Any> list) { list.GetListObj()->Reverse(); })
      .Typed("ffi.ListClear", [](List<Any> list) { list.clear(); });
}

}  // namespace
}  // namespace tvmffi::core
