// Structural hash. The numbers are stable: equal values hash alike in every process, unless they
// hold variables that are bound nowhere, which hash by address.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/map_base.h>
#include <tvm/ffi/container/seq_base.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/function.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "libffi_core/big_int.h"
#include "libffi_core/extra/structural.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyView;
using tvm::ffi::Function;
using tvm::ffi::IsContiguous;
using tvm::ffi::MapBaseObj;
using tvm::ffi::SeqBaseObj;
using tvm::ffi::details::AnyUnsafe;
using tvm::ffi::details::FindTypeAttr;
using tvm::ffi::details::FindTypeAttrColumn;
using tvm::ffi::details::StableHashBytes;
using tvm::ffi::details::StableHashCombine;
using tvm::ffi::details::StableHashSmallStrBytes;

uint64_t HashPayload(int32_t type_index, uint64_t payload) {
  return StableHashCombine(static_cast<uint64_t>(static_cast<int64_t>(type_index)), payload);
}

// All NaNs are one value.
uint64_t HashFloat(const TVMFFIAny& value) {
  constexpr uint64_t kQuietNan = 0x7ff8000000000000;
  return HashPayload(kTVMFFIFloat, value.v_float64 != value.v_float64 ? kQuietNan : value.v_uint64);
}

// Short bytes have a number of their own, whichever form holds them.
uint64_t HashHeapBytes(const TVMFFIAny& value) {
  const TVMFFIByteArray* bytes = TVMFFIBytesGetByteArrayPtr(value.v_obj);
  const bool is_short_bytes =
      value.type_index == kTVMFFIBytes && bytes->size <= tvm::ffi::details::kMaxSmallBytes;
  return HashPayload(is_short_bytes ? kTVMFFISmallBytes : value.type_index,
                     StableHashBytes(bytes->data, bytes->size));
}

// Values that are no objects, and strings and bytes.
inline uint64_t HashPlain(const TVMFFIAny& value) {
  switch (value.type_index) {
    case kTVMFFIFloat:
      return HashFloat(value);
    case kTVMFFISmallStr:
      return HashPayload(kTVMFFIStr, StableHashSmallStrBytes(&value));
    case kTVMFFISmallBytes:
      return HashPayload(kTVMFFISmallBytes, StableHashSmallStrBytes(&value));
    case kTVMFFIStr:
    case kTVMFFIBytes:
      return HashHeapBytes(value);
    default:
      return HashPayload(value.type_index, value.v_uint64);
  }
}

bool IsPlain(const TVMFFIAny& value) {
  return value.type_index < kTVMFFIStaticObjectBegin || value.type_index == kTVMFFIStr ||
         value.type_index == kTVMFFIBytes;
}

uint64_t KeyHashOf(int32_t type_index) { return TVMFFIGetTypeInfo(type_index)->type_key_hash; }

uint64_t HashShape(const TVMFFIAny& value) {
  static const uint64_t type_hash = KeyHashOf(kTVMFFIShape);
  const TVMFFIShapeCell* shape = TVMFFIShapeGetCellPtr(value.v_obj);
  uint64_t hash = StableHashCombine(type_hash, shape->size);
  for (size_t i = 0; i < shape->size; ++i) hash = StableHashCombine(hash, shape->data[i]);
  return hash;
}

uint64_t HashWords(const TVMFFIAny& big_int) {
  const std::string_view words = BigIntWords(big_int);
  return StableHashBytes(words.data(), words.size());
}

uint64_t HashTensor(const TVMFFIAny& value, bool skip_content) {
  static const uint64_t type_hash = KeyHashOf(kTVMFFITensor);
  const DLTensor& tensor = *TVMFFITensorGetDLTensorPtr(value.v_obj);
  uint64_t hash = StableHashCombine(type_hash, tensor.ndim);
  for (int32_t i = 0; i < tensor.ndim; ++i) hash = StableHashCombine(hash, tensor.shape[i]);
  TVMFFIAny dtype{};
  dtype.v_dtype = tensor.dtype;
  hash = StableHashCombine(hash, dtype.v_uint64);
  if (skip_content) return hash;
  TVM_FFI_ICHECK_EQ(tensor.device.device_type, kDLCPU) << "can only hash CPU tensor";
  TVM_FFI_ICHECK(IsContiguous(tensor)) << "Can only hash contiguous tensor";
  return StableHashCombine(hash,
                           StableHashBytes(static_cast<char*>(tensor.data) + tensor.byte_offset,
                                           tvm::ffi::GetDataSize(tensor)));
}

class StructuralHasher {
 public:
  StructuralHasher(bool map_free_vars, bool skip_tensor_content)
      : skip_tensor_content_(skip_tensor_content),
        root_region_(map_free_vars ? kTVMFFIDefRegionKindRecursive : kTVMFFIDefRegionKindNone) {}

  uint64_t HashRoot(const TVMFFIAny& value) { return Hash(value, root_region_, true); }

 private:
  using Region = TVMFFIDefRegionKind;

  using Hashes = std::unordered_map<const TVMFFIObject*, uint64_t>;

  struct MapEntry {
    uint64_t key_hash;
    const Any* value;
  };

  // `held`: a reference to the value is held here, on top of those its graph has.
  TVM_FFI_INLINE uint64_t Hash(const TVMFFIAny& value, Region region, bool held = false) {
    if (value.type_index == kTVMFFIInt) return HashPayload(kTVMFFIInt, value.v_uint64);
    return IsPlain(value) ? HashPlain(value) : HashObject(value, region, held);
  }
  uint64_t HashObject(const TVMFFIAny& value, Region region, bool held) {
    switch (value.type_index) {
      case kTVMFFIArray:
      case kTVMFFIList:
      case kTVMFFIMap:
      case kTVMFFIDict:
        return HashContainer(value, region, held);
      case kTVMFFIShape:
        return HashShape(value);
      case kTVMFFIBigInt:
        return HashPayload(kTVMFFIBigInt, HashWords(value));
      case kTVMFFITensor:
        return HashTensor(value, skip_tensor_content_);
      default:
        return HashReflected(value.v_obj, region, held);
    }
  }

  void Remember(Hashes* hashes, TVMFFIObject* object, uint64_t hash) {
    hashes->emplace(object, hash);
    remembered_.Add(object);
  }

  // A container that several others share is hashed once. Not when it skipped a key: the key may be
  // known the next time.
  uint64_t HashContainer(const TVMFFIAny& value, Region region, bool held) {
    stack_.Check("hash");
    const bool shared = StrongCount(value.v_obj) > (held ? 2u : 1u);
    if (shared) {
      auto it = containers_.find(value.v_obj);
      if (it != containers_.end()) return it->second;
    }
    const uint64_t skipped_before = num_skipped_keys_;
    const bool is_seq = value.type_index == kTVMFFIArray || value.type_index == kTVMFFIList;
    const uint64_t hash = is_seq ? HashSeq(value, region) : HashMap(value, region);
    if (shared && num_skipped_keys_ == skipped_before) Remember(&containers_, value.v_obj, hash);
    return hash;
  }

  uint64_t HashSeq(const TVMFFIAny& value, Region region) {
    static const uint64_t array_hash = KeyHashOf(kTVMFFIArray);
    static const uint64_t list_hash = KeyHashOf(kTVMFFIList);
    const auto* seq = AnyUnsafe::RawObjectPtrFromUnowned<SeqBaseObj>(value.v_obj);
    uint64_t hash =
        StableHashCombine(value.type_index == kTVMFFIArray ? array_hash : list_hash, seq->size());
    for (size_t i = 0; i < seq->size(); ++i) {
      hash = StableHashCombine(hash, Hash(Raw(seq->begin()[i]), region));
    }
    return hash;
  }

  // Entries count in the order of their keys' hashes. Keys whose hashes collide have no order, so
  // their values are left out; so are entries whose key is an object not met before.
  uint64_t HashMap(const TVMFFIAny& value, Region region) {
    static const uint64_t map_hash = KeyHashOf(kTVMFFIMap);
    static const uint64_t dict_hash = KeyHashOf(kTVMFFIDict);
    const auto* map = AnyUnsafe::RawObjectPtrFromUnowned<MapBaseObj>(value.v_obj);
    uint64_t hash =
        StableHashCombine(value.type_index == kTVMFFIMap ? map_hash : dict_hash, map->size());
    // Values of nested maps come and go behind these entries.
    const size_t begin = entries_.size();
    CollectEntries(*map);
    const size_t end = entries_.size();
    for (size_t i = begin; i < end;) {
      const MapEntry entry = entries_[i];
      hash = StableHashCombine(hash, entry.key_hash);
      size_t next = i + 1;
      while (next < end && entries_[next].key_hash == entry.key_hash) ++next;
      if (next == i + 1) hash = StableHashCombine(hash, Hash(Raw(*entry.value), region));
      i = next;
    }
    entries_.resize(begin);
    return hash;
  }

  void CollectEntries(const MapBaseObj& map) {
    const auto begin = static_cast<std::ptrdiff_t>(entries_.size());
    for (uint64_t i = map.FirstSlot(); i != MapBaseObj::kNoSlot; i = map.NextSlot(i)) {
      const MapBaseObj::KVType& pair = map.PairAt(i);
      if (std::optional<uint64_t> key_hash = HashKey(Raw(pair.first))) {
        entries_.push_back({*key_hash, &pair.second});
      } else {
        ++num_skipped_keys_;
      }
    }
    std::sort(entries_.begin() + begin, entries_.end(),
              [](const MapEntry& a, const MapEntry& b) { return a.key_hash < b.key_hash; });
  }
  std::optional<uint64_t> HashKey(const TVMFFIAny& key) const {
    if (IsPlain(key)) return HashPlain(key);
    auto it = objects_.find(key.v_obj);
    if (it == objects_.end()) return std::nullopt;
    return it->second;
  }

  uint64_t HashReflected(TVMFFIObject* object, Region region, bool held) {
    stack_.Check("hash");
    const TVMFFITypeInfo& info = *TVMFFIGetTypeInfo(object->type_index);
    const TVMFFISEqHashKind kind = RequireStructuralKind(info);
    // What only its one parent knows is not met again, except variables and graph nodes, whose
    // number must stay.
    const bool keep = kind == kTVMFFISEqHashKindFreeVar || kind == kTVMFFISEqHashKindDAGNode ||
                      StrongCount(object) > (held ? 2u : 1u);
    if (keep) {
      auto it = objects_.find(object);
      if (it != objects_.end()) return it->second;
    }
    const uint64_t hash = HashByKind(object, info, kind, region);
    if (keep) Remember(&objects_, object, hash);
    return hash;
  }

  uint64_t HashByKind(TVMFFIObject* object, const TVMFFITypeInfo& info, TVMFFISEqHashKind kind,
                      Region region) {
    const bool is_var = kind == kTVMFFISEqHashKindFreeVar;
    if (is_var && region == kTVMFFIDefRegionKindNone) return reinterpret_cast<uintptr_t>(object);
    const uint64_t hash = HashContent(object, info, is_var ? VariableFieldRegion(region) : region);
    if (is_var) return StableHashCombine(hash, num_vars_++);
    if (kind == kTVMFFISEqHashKindDAGNode) return StableHashCombine(hash, num_graph_nodes_++);
    return hash;
  }

  uint64_t HashContent(TVMFFIObject* object, const TVMFFITypeInfo& info, Region region) {
    static const TVMFFITypeAttrColumn* const hooks = FindTypeAttrColumn("__s_hash__");
    uint64_t hash = info.type_key_hash;
    if (const TVMFFIAny* hook = FindTypeAttr(hooks, object->type_index)) {
      return CallHashHook(*hook, object, hash, region);
    }
    ForEachStructuralField(info, [&](const TVMFFIFieldInfo& field) {
      const Any value = ReadField(object, field);
      hash = StableHashCombine(hash, Hash(Raw(value), FieldRegion(region, field), true));
      return true;
    });
    return hash;
  }

  uint64_t CallHashHook(const TVMFFIAny& hook, TVMFFIObject* object, uint64_t init, Region region) {
    auto hash_part = [lease = lease_.Share(this), region](AnyView value, int64_t init,
                                                          int64_t own) {
      StructuralHasher& self = VisitorLease<StructuralHasher>::Require(lease);
      const Any part(value);
      const Region nested = NestedRegion(region, RequireDefRegion(own));
      return static_cast<int64_t>(
          StableHashCombine(static_cast<uint64_t>(init), self.Hash(Raw(part), nested, true)));
    };
    const Function callback = Function::FromTyped(std::move(hash_part));
    TVMFFIAny args[3]{};
    tvm::ffi::details::SetObjectView(&args[0], object);
    args[1] = AnyView(static_cast<int64_t>(init)).CopyToTVMFFIAny();
    args[2] = AnyView(callback).CopyToTVMFFIAny();
    return static_cast<uint64_t>(CallHook(hook, args, 3).cast<int64_t>());
  }

  const bool skip_tensor_content_;
  const Region root_region_;
  StackGuard stack_;
  uint64_t num_vars_ = 0;
  uint64_t num_graph_nodes_ = 0;
  uint64_t num_skipped_keys_ = 0;
  std::vector<MapEntry> entries_;
  Hashes objects_;
  Hashes containers_;
  Remembered remembered_;
  VisitorLease<StructuralHasher> lease_;
};

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef().Typed(
      "ffi.StructuralHash", [](Any value, bool map_free_vars, bool skip_tensor_content) {
        return static_cast<int64_t>(
            tvm::ffi::StructuralHash::Hash(value, map_free_vars, skip_tensor_content));
      });
}

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

uint64_t StructuralHash::Hash(const Any& value, bool map_free_vars, bool skip_tensor_content) {
  const TVMFFIAny& raw = tvmffi::core::Raw(value);
  if (tvmffi::core::IsPlain(raw)) return tvmffi::core::HashPlain(raw);
  return tvmffi::core::StructuralHasher(map_free_vars, skip_tensor_content).HashRoot(raw);
}

}  // namespace ffi
}  // namespace tvm
