// The global functions about Map and Dict, and the search for a device in any container. Like the
// ones about sequences they take their own kind only.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>

#include <optional>
#include <unordered_set>
#include <vector>

#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::Dict;
using tvm::ffi::DictObj;
using tvm::ffi::Function;
using tvm::ffi::List;
using tvm::ffi::Map;
using tvm::ffi::MapBaseObj;
using tvm::ffi::MapObj;
using tvm::ffi::Object;
using tvm::ffi::PackedArgs;
using tvm::ffi::Tensor;

template <typename Mapping>
void Make(PackedArgs args, Any* result) {
  TVM_FFI_ICHECK_EQ(args.size() % 2, 0) << "keys and values must alternate";
  Mapping mapping;
  for (int i = 0; i < args.size(); i += 2) mapping.Set(Any(args[i]), Any(args[i + 1]));
  *result = std::move(mapping);
}

template <typename MappingObj>
int64_t Size(const MappingObj* mapping) {
  return static_cast<int64_t>(mapping->size());
}

template <typename MappingObj>
Any GetItem(const MappingObj* mapping, const Any& key) {
  return mapping->at(key);
}

template <typename MappingObj>
int64_t Count(const MappingObj* mapping, const Any& key) {
  return static_cast<int64_t>(mapping->count(key));
}

template <typename MappingObj>
Any GetItemOrMissing(const MappingObj* mapping, const Any& key) {
  static const Function missing = Function::GetGlobalRequired("ffi.GetInvalidObject");
  const uint64_t slot = mapping->Find(key);
  return slot != MapBaseObj::kNoSlot ? mapping->PairAt(slot).second : missing();
}

// A cursor as a function: 0 gives its key, 1 its value, 2 steps on and says whether there is
// another entry. It walks a copy of the entries, as a dict may change under it.
Function ForwardIterFunctor(const MapBaseObj* mapping) {
  std::vector<MapBaseObj::KVType> entries;
  for (uint64_t slot = mapping->FirstSlot(); slot != MapBaseObj::kNoSlot;
       slot = mapping->NextSlot(slot)) {
    entries.push_back(mapping->PairAt(slot));
  }
  auto cursor = [entries = std::move(entries), at = size_t{0}](int64_t command) mutable -> Any {
    if (at == entries.size()) {
      TVM_FFI_THROW(IndexError) << "the iterator is at the end of the map";
    }
    switch (command) {
      case 0:
        return entries[at].first;
      case 1:
        return entries[at].second;
      case 2:
        return ++at != entries.size();
      default:
        TVM_FFI_THROW(ValueError) << "iterator command " << command << ", expected 0, 1 or 2";
    }
  };
  return Function::FromTyped(std::move(cursor));
}

// Depth first. Lists and dicts can contain themselves, so it remembers where it has been.
class DeviceSearch {
 public:
  std::optional<DLDevice> In(const Any& value) {
    switch (value.type_index()) {
      case kTVMFFITensor:
        return NonCpu(value.cast<Tensor>().device());
      case kTVMFFIDLTensorPtr:
        return NonCpu(value.cast<DLTensor*>()->device);
      case kTVMFFIArray:
        return InElements(value.cast<Array<Any>>());
      case kTVMFFIList:
        return InElements(value.cast<List<Any>>());
      case kTVMFFIMap:
        return InValues(value.cast<Map<Any, Any>>());
      case kTVMFFIDict:
        return InValues(value.cast<Dict<Any, Any>>());
      default:
        return std::nullopt;
    }
  }

 private:
  static std::optional<DLDevice> NonCpu(DLDevice device) {
    if (device.device_type == kDLCPU) return std::nullopt;
    return device;
  }

  template <typename Sequence>
  std::optional<DLDevice> InElements(const Sequence& sequence) {
    if (!visited_.insert(sequence.get()).second) return std::nullopt;
    for (const Any& element : sequence) {
      if (auto device = In(element)) return device;
    }
    return std::nullopt;
  }

  template <typename Mapping>
  std::optional<DLDevice> InValues(const Mapping& mapping) {
    if (!visited_.insert(mapping.get()).second) return std::nullopt;
    for (const auto& [key, value] : mapping) {
      if (auto device = In(value)) return device;
    }
    return std::nullopt;
  }

  std::unordered_set<const Object*> visited_;
};

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef()
      .Packed("ffi.Map", Make<Map<Any, Any>>)
      .Typed("ffi.MapSize", Size<MapObj>)
      .Typed("ffi.MapGetItem", GetItem<MapObj>)
      .Typed("ffi.MapCount", Count<MapObj>)
      .Typed("ffi.MapGetItemOrMissing", GetItemOrMissing<MapObj>)
      .Typed("ffi.MapForwardIterFunctor", [](const MapObj* map) { return ForwardIterFunctor(map); })
      .Packed("ffi.Dict", Make<Dict<Any, Any>>)
      .Typed("ffi.DictSize", Size<DictObj>)
      .Typed("ffi.DictGetItem", GetItem<DictObj>)
      .Typed("ffi.DictCount", Count<DictObj>)
      .Typed("ffi.DictGetItemOrMissing", GetItemOrMissing<DictObj>)
      .Typed("ffi.DictForwardIterFunctor",
             [](const DictObj* dict) { return ForwardIterFunctor(dict); })
      .Typed("ffi.DictSetItem",
             [](DictObj* dict, Any key, Any value) { dict->Set(std::move(key), std::move(value)); })
      .Typed("ffi.DictErase", [](DictObj* dict, const Any& key) { dict->Erase(key); })
      .Typed("ffi.DictClear", [](DictObj* dict) { dict->Clear(); })
      .Typed("ffi.ContainerFindFirstNonCPUDevice", [](const Any& value) {
        return DeviceSearch().In(value).value_or(DLDevice{kDLCPU, 0});
      });
}

}  // namespace
}  // namespace tvmffi::core
