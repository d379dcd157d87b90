// Structural equality, and where two values first differ.
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/map_base.h>
#include <tvm/ffi/container/seq_base.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/access_path.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "libffi_core/big_int.h"
#include "libffi_core/extra/structural.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::AnyEqual;
using tvm::ffi::AnyView;
using tvm::ffi::Function;
using tvm::ffi::IsContiguous;
using tvm::ffi::MapBaseObj;
using tvm::ffi::Optional;
using tvm::ffi::SeqBaseObj;
using tvm::ffi::String;
using tvm::ffi::details::AnyUnsafe;
using tvm::ffi::details::FindTypeAttr;
using tvm::ffi::details::FindTypeAttrColumn;
using tvm::ffi::reflection::AccessPath;
using tvm::ffi::reflection::AccessPathPair;
using tvm::ffi::reflection::AccessStep;

bool IsText(int32_t index) { return index == kTVMFFISmallStr || index == kTVMFFIStr; }
bool IsBytes(int32_t index) { return index == kTVMFFISmallBytes || index == kTVMFFIBytes; }

TVMFFIByteArray ContentOf(const TVMFFIAny& value) {
  return value.type_index < kTVMFFIStaticObjectBegin ? TVMFFISmallBytesGetContentByteArray(&value)
                                                     : *TVMFFIBytesGetByteArrayPtr(value.v_obj);
}

bool SameContent(const TVMFFIAny& lhs, const TVMFFIAny& rhs) {
  const TVMFFIByteArray a = ContentOf(lhs);
  const TVMFFIByteArray b = ContentOf(rhs);
  return tvm::ffi::Bytes::memequal(a.data, b.data, a.size, b.size);
}

// The same value, and no object.
inline bool IsSameImage(const TVMFFIAny& lhs, const TVMFFIAny& rhs) {
  return lhs.type_index < kTVMFFIStaticObjectBegin && lhs.type_index == rhs.type_index &&
         lhs.v_uint64 == rhs.v_uint64 && lhs.zero_padding == rhs.zero_padding;
}

// Values below the objects, of one type, whose images differ.
bool SamePlain(const TVMFFIAny& lhs, const TVMFFIAny& rhs) {
  return lhs.type_index == kTVMFFIFloat && lhs.v_float64 != lhs.v_float64 &&
         rhs.v_float64 != rhs.v_float64;
}

bool SameShape(const TVMFFIAny& lhs, const TVMFFIAny& rhs) {
  const TVMFFIShapeCell* a = TVMFFIShapeGetCellPtr(lhs.v_obj);
  const TVMFFIShapeCell* b = TVMFFIShapeGetCellPtr(rhs.v_obj);
  return a->size == b->size && std::equal(a->data, a->data + a->size, b->data);
}

void RequireComparable(const DLTensor& lhs, const DLTensor& rhs) {
  TVM_FFI_ICHECK_EQ(lhs.device.device_type, kDLCPU) << "can only compare CPU tensor";
  TVM_FFI_ICHECK_EQ(rhs.device.device_type, kDLCPU) << "can only compare CPU tensor";
  TVM_FFI_ICHECK(IsContiguous(lhs)) << "Can only compare contiguous tensor";
  TVM_FFI_ICHECK(IsContiguous(rhs)) << "Can only compare contiguous tensor";
}

bool SameTensor(const TVMFFIAny& lhs, const TVMFFIAny& rhs, bool skip_content) {
  if (lhs.v_obj == rhs.v_obj) return true;
  const DLTensor& a = *TVMFFITensorGetDLTensorPtr(lhs.v_obj);
  const DLTensor& b = *TVMFFITensorGetDLTensorPtr(rhs.v_obj);
  if (a.ndim != b.ndim || !std::equal(a.shape, a.shape + a.ndim, b.shape)) return false;
  if (a.dtype.code != b.dtype.code || a.dtype.bits != b.dtype.bits ||
      a.dtype.lanes != b.dtype.lanes) {
    return false;
  }
  if (skip_content) return true;
  RequireComparable(a, b);
  const size_t size = tvm::ffi::GetDataSize(a);
  return size == 0 || std::memcmp(static_cast<const char*>(a.data) + a.byte_offset,
                                  static_cast<const char*>(b.data) + b.byte_offset, size) == 0;
}

// The two paths to the first difference, last step first. Filled while the comparison returns.
class MismatchTrace {
 public:
  bool found() const { return found_; }
  // The difference lies where the comparison stands.
  void Start() { found_ = true; }
  void Step(AccessStep lhs, AccessStep rhs) {
    lhs_.push_back(std::move(lhs));
    rhs_.push_back(std::move(rhs));
  }
  AccessPathPair Paths() const {
    return AccessPathPair(AccessPath::FromSteps(lhs_.rbegin(), lhs_.rend()),
                          AccessPath::FromSteps(rhs_.rbegin(), rhs_.rend()));
  }

 private:
  bool found_ = false;
  std::vector<AccessStep> lhs_;
  std::vector<AccessStep> rhs_;
};

class StructuralComparer {
 public:
  // `trace` may be null: then only the answer counts.
  StructuralComparer(bool map_free_vars, bool skip_tensor_content, MismatchTrace* trace)
      : skip_tensor_content_(skip_tensor_content),
        root_region_(map_free_vars ? kTVMFFIDefRegionKindRecursive : kTVMFFIDefRegionKindNone),
        trace_(trace) {}

  bool EqualRoots(const TVMFFIAny& lhs, const TVMFFIAny& rhs) {
    return Equal(lhs, rhs, root_region_, true);
  }

 private:
  using Region = TVMFFIDefRegionKind;
  using Objects = std::unordered_map<const TVMFFIObject*, TVMFFIObject*>;

  using ObjectPair = std::pair<const TVMFFIObject*, const TVMFFIObject*>;

  struct PairHash {
    size_t operator()(const ObjectPair& pair) const {
      return tvm::ffi::details::StableHashCombine(reinterpret_cast<uintptr_t>(pair.first),
                                                  reinterpret_cast<uintptr_t>(pair.second));
    }
  };

  struct Memory {
    // Variables and graph nodes matched so far, one to one.
    Objects to_rhs;
    Objects to_lhs;
    std::unordered_set<ObjectPair, PairHash> equal_pairs;
    Remembered remembered;
  };

  bool Answer(bool equal) {
    if (!equal && trace_ != nullptr) trace_->Start();
    return equal;
  }

  // `held`: a reference to each value is held here, on top of those its graph has.
  TVM_FFI_INLINE bool Equal(const TVMFFIAny& lhs, const TVMFFIAny& rhs, Region region,
                            bool held = false) {
    return IsSameImage(lhs, rhs) || EqualSlow(lhs, rhs, region, held);
  }
  bool EqualSlow(const TVMFFIAny& lhs, const TVMFFIAny& rhs, Region region, bool held) {
    const int32_t index = lhs.type_index;
    if (index != rhs.type_index) {
      const bool same_kind =
          (IsText(index) && IsText(rhs.type_index)) || (IsBytes(index) && IsBytes(rhs.type_index));
      return Answer(same_kind && SameContent(lhs, rhs));
    }
    if (index < kTVMFFIStaticObjectBegin) return Answer(SamePlain(lhs, rhs));
    switch (index) {
      case kTVMFFIStr:
      case kTVMFFIBytes:
        return Answer(SameContent(lhs, rhs));
      case kTVMFFIArray:
      case kTVMFFIList:
      case kTVMFFIMap:
      case kTVMFFIDict:
        return EqualContainers(lhs, rhs, region, held);
      case kTVMFFIShape:
        return Answer(SameShape(lhs, rhs));
      case kTVMFFIBigInt:
        return Answer(BigIntWords(lhs) == BigIntWords(rhs));
      case kTVMFFITensor:
        return Answer(SameTensor(lhs, rhs, skip_tensor_content_));
      default:
        return EqualReflected(lhs.v_obj, rhs.v_obj, region, held);
    }
  }

  static bool IsShared(const TVMFFIObject* object, bool held) {
    return StrongCount(object) > (held ? 2u : 1u);
  }

  // A pair that others share too is compared once. Not when a key was looked up by itself: it may
  // be matched with another one the next time.
  template <typename Compare>
  bool EqualOnce(TVMFFIObject* lhs, TVMFFIObject* rhs, bool held, Compare&& compare) {
    if (!IsShared(lhs, held) || !IsShared(rhs, held)) return compare();
    const ObjectPair pair(lhs, rhs);
    if (memory_.has_value() && memory_->equal_pairs.count(pair) != 0) return true;
    const uint64_t unmatched_before = num_unmatched_keys_;
    if (!compare()) return false;
    if (num_unmatched_keys_ == unmatched_before) {
      Remember(lhs, rhs).equal_pairs.insert(pair);
    }
    return true;
  }

  bool EqualContainers(const TVMFFIAny& lhs, const TVMFFIAny& rhs, Region region, bool held) {
    stack_.Check("compare");
    return EqualOnce(lhs.v_obj, rhs.v_obj, held, [&] {
      const bool is_seq = lhs.type_index == kTVMFFIArray || lhs.type_index == kTVMFFIList;
      return is_seq ? EqualSeqs(*AnyUnsafe::RawObjectPtrFromUnowned<SeqBaseObj>(lhs.v_obj),
                                *AnyUnsafe::RawObjectPtrFromUnowned<SeqBaseObj>(rhs.v_obj), region)
                    : EqualMaps(*AnyUnsafe::RawObjectPtrFromUnowned<MapBaseObj>(lhs.v_obj),
                                *AnyUnsafe::RawObjectPtrFromUnowned<MapBaseObj>(rhs.v_obj), region);
    });
  }

  bool EqualSeqs(const SeqBaseObj& lhs, const SeqBaseObj& rhs, Region region) {
    if (trace_ == nullptr && lhs.size() != rhs.size()) return false;
    const size_t common = std::min(lhs.size(), rhs.size());
    for (size_t i = 0; i < common; ++i) {
      if (!Equal(Raw(lhs.begin()[i]), Raw(rhs.begin()[i]), region)) {
        return TraceItems(AccessStep::ArrayItem, AccessStep::ArrayItem, i);
      }
    }
    if (lhs.size() == rhs.size()) return true;
    trace_->Start();
    return lhs.size() > rhs.size()
               ? TraceItems(AccessStep::ArrayItem, AccessStep::ArrayItemMissing, common)
               : TraceItems(AccessStep::ArrayItemMissing, AccessStep::ArrayItem, common);
  }
  bool TraceItems(AccessStep (*lhs)(int64_t), AccessStep (*rhs)(int64_t), size_t index) {
    if (trace_ != nullptr) {
      trace_->Step(lhs(static_cast<int64_t>(index)), rhs(static_cast<int64_t>(index)));
    }
    return false;
  }

  bool EqualMaps(const MapBaseObj& lhs, const MapBaseObj& rhs, Region region) {
    if (trace_ == nullptr && lhs.size() != rhs.size()) return false;
    // Maps built alike have their entries in the same order.
    uint64_t guess = rhs.FirstSlot();
    for (uint64_t i = lhs.FirstSlot(); i != MapBaseObj::kNoSlot; i = lhs.NextSlot(i)) {
      const MapBaseObj::KVType& entry = lhs.PairAt(i);
      Any matched;
      const Any& counterpart = CounterpartOf(entry.first, &Memory::to_rhs, &matched);
      const uint64_t slot =
          guess != MapBaseObj::kNoSlot && AnyEqual()(rhs.PairAt(guess).first, counterpart)
              ? guess
              : rhs.Find(counterpart);
      if (slot == MapBaseObj::kNoSlot) {
        return TraceMissing(AccessStep::MapItem(entry.first),
                            AccessStep::MapItemMissing(counterpart));
      }
      guess = rhs.NextSlot(slot);
      if (!Equal(Raw(entry.second), Raw(rhs.PairAt(slot).second), region)) {
        if (trace_ != nullptr) {
          trace_->Step(AccessStep::MapItem(entry.first), AccessStep::MapItem(counterpart));
        }
        return false;
      }
    }
    return lhs.size() == rhs.size() || TraceSurplus(lhs, rhs);
  }
  // The key on the other side that goes with `key`: kept in `matched`, or the key itself.
  const Any& CounterpartOf(const Any& key, Objects Memory::*matches, Any* matched) {
    const TVMFFIAny& raw = Raw(key);
    if (raw.type_index >= kTVMFFIStaticObjectBegin && !IsText(raw.type_index) &&
        !IsBytes(raw.type_index)) {
      if (memory_.has_value()) {
        const Objects& objects = (*memory_).*matches;
        auto it = objects.find(raw.v_obj);
        if (it != objects.end()) {
          *matched = AnyUnsafe::ObjectRefFromObjectPtr<tvm::ffi::ObjectRef>(
              AnyUnsafe::ObjectPtrFromUnowned<tvm::ffi::Object>(it->second));
          return *matched;
        }
      }
      ++num_unmatched_keys_;
    }
    return key;
  }
  bool TraceMissing(AccessStep lhs, AccessStep rhs) {
    if (trace_ != nullptr) {
      trace_->Start();
      trace_->Step(std::move(lhs), std::move(rhs));
    }
    return false;
  }
  // Every key of `lhs` is in `rhs`, which has more.
  bool TraceSurplus(const MapBaseObj& lhs, const MapBaseObj& rhs) {
    for (uint64_t i = rhs.FirstSlot(); i != MapBaseObj::kNoSlot; i = rhs.NextSlot(i)) {
      const Any& key = rhs.PairAt(i).first;
      Any matched;
      const Any& counterpart = CounterpartOf(key, &Memory::to_lhs, &matched);
      if (lhs.Find(counterpart) == MapBaseObj::kNoSlot) {
        return TraceMissing(AccessStep::MapItemMissing(counterpart), AccessStep::MapItem(key));
      }
    }
    // Two keys of `lhs` go with one of `rhs`.
    return Answer(false);
  }

  bool EqualReflected(TVMFFIObject* lhs, TVMFFIObject* rhs, Region region, bool held) {
    stack_.Check("compare");
    const TVMFFITypeInfo& info = *TVMFFIGetTypeInfo(lhs->type_index);
    switch (RequireStructuralKind(info)) {
      case kTVMFFISEqHashKindUniqueInstance:
        return Answer(lhs == rhs);
      case kTVMFFISEqHashKindFreeVar:
        return EqualVariables(lhs, rhs, info, region);
      case kTVMFFISEqHashKindDAGNode:
        return EqualGraphNodes(lhs, rhs, info, region);
      case kTVMFFISEqHashKindConstTreeNode:
        if (lhs == rhs) return true;
        [[fallthrough]];
      default:
        return EqualOnce(lhs, rhs, held, [&] { return EqualContents(lhs, rhs, info, region); });
    }
  }

  // Nothing when neither was matched yet.
  std::optional<bool> FindMatch(TVMFFIObject* lhs, TVMFFIObject* rhs) const {
    if (!memory_.has_value()) return std::nullopt;
    auto it = memory_->to_rhs.find(lhs);
    if (it != memory_->to_rhs.end()) return it->second == rhs;
    if (memory_->to_lhs.count(rhs) != 0) return false;
    return std::nullopt;
  }
  bool Match(TVMFFIObject* lhs, TVMFFIObject* rhs) {
    Memory& memory = Remember(lhs, rhs);
    memory.to_rhs.emplace(lhs, rhs);
    memory.to_lhs.emplace(rhs, lhs);
    return true;
  }
  Memory& Remember(TVMFFIObject* lhs, TVMFFIObject* rhs) {
    if (!memory_.has_value()) memory_.emplace();
    memory_->remembered.Add(lhs);
    memory_->remembered.Add(rhs);
    return *memory_;
  }

  bool EqualVariables(TVMFFIObject* lhs, TVMFFIObject* rhs, const TVMFFITypeInfo& info,
                      Region region) {
    if (std::optional<bool> match = FindMatch(lhs, rhs)) return Answer(*match);
    if (!EqualContents(lhs, rhs, info, VariableFieldRegion(region))) return false;
    if (region == kTVMFFIDefRegionKindNone && lhs != rhs) return Answer(false);
    return Match(lhs, rhs);
  }

  bool EqualGraphNodes(TVMFFIObject* lhs, TVMFFIObject* rhs, const TVMFFITypeInfo& info,
                       Region region) {
    if (std::optional<bool> match = FindMatch(lhs, rhs)) return Answer(*match);
    return EqualContents(lhs, rhs, info, region) && Match(lhs, rhs);
  }

  bool EqualContents(TVMFFIObject* lhs, TVMFFIObject* rhs, const TVMFFITypeInfo& info,
                     Region region) {
    static const TVMFFITypeAttrColumn* const hooks = FindTypeAttrColumn("__s_equal__");
    if (const TVMFFIAny* hook = FindTypeAttr(hooks, lhs->type_index)) {
      return CallEqualHook(*hook, lhs, rhs, region);
    }
    return ForEachStructuralField(info, [&](const TVMFFIFieldInfo& field) {
      const Any a = ReadField(lhs, field);
      const Any b = ReadField(rhs, field);
      if (Equal(Raw(a), Raw(b), FieldRegion(region, field), true)) return true;
      if (trace_ != nullptr) TraceAttr(String(field.name));
      return false;
    });
  }
  void TraceAttr(const String& name) {
    trace_->Step(AccessStep::Attr(name), AccessStep::Attr(name));
  }

  bool CallEqualHook(const TVMFFIAny& hook, TVMFFIObject* lhs, TVMFFIObject* rhs, Region region) {
    auto equal_part = [lease = lease_.Share(this), region](AnyView a, AnyView b, int64_t own,
                                                           Optional<String> name) {
      StructuralComparer& self = VisitorLease<StructuralComparer>::Require(lease);
      return self.EqualParts(Any(a), Any(b), NestedRegion(region, RequireDefRegion(own)), name);
    };
    const Function callback = Function::FromTyped(std::move(equal_part));
    TVMFFIAny args[3]{};
    tvm::ffi::details::SetObjectView(&args[0], lhs);
    tvm::ffi::details::SetObjectView(&args[1], rhs);
    args[2] = AnyView(callback).CopyToTVMFFIAny();
    const bool equal = CallHook(hook, args, 3).cast<bool>();
    if (trace_ != nullptr) {
      // The hook has the last word on what its parts said.
      if (equal) {
        *trace_ = MismatchTrace();
      } else {
        trace_->Start();
      }
    }
    return equal;
  }
  // A hook may go on after a difference; only the first one is traced.
  bool EqualParts(const Any& lhs, const Any& rhs, Region region, const Optional<String>& name) {
    if (trace_ != nullptr && trace_->found()) {
      const TraceOff off(this);
      return Equal(Raw(lhs), Raw(rhs), region, true);
    }
    if (Equal(Raw(lhs), Raw(rhs), region, true)) return true;
    if (trace_ != nullptr && name.has_value()) TraceAttr(*name);
    return false;
  }

  class TraceOff {
   public:
    explicit TraceOff(StructuralComparer* self)
        : self_(self), trace_(std::exchange(self->trace_, nullptr)) {}
    TraceOff(const TraceOff&) = delete;
    TraceOff& operator=(const TraceOff&) = delete;
    ~TraceOff() { self_->trace_ = trace_; }

   private:
    StructuralComparer* self_;
    MismatchTrace* trace_;
  };

  const bool skip_tensor_content_;
  const Region root_region_;
  MismatchTrace* trace_;
  StackGuard stack_;
  uint64_t num_unmatched_keys_ = 0;
  // Most comparisons need none.
  std::optional<Memory> memory_;
  VisitorLease<StructuralComparer> lease_;
};

TVM_FFI_STATIC_INIT_BLOCK() {
  GlobalDef()
      .Typed("ffi.StructuralEqual",
             [](Any lhs, Any rhs, bool map_free_vars, bool skip_tensor_content) {
               return tvm::ffi::StructuralEqual::Equal(lhs, rhs, map_free_vars,
                                                       skip_tensor_content);
             })
      .Typed("ffi.GetFirstStructuralMismatch",
             [](Any lhs, Any rhs, bool map_free_vars, bool skip_tensor_content) {
               return tvm::ffi::StructuralEqual::GetFirstMismatch(lhs, rhs, map_free_vars,
                                                                  skip_tensor_content);
             });
}

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

bool StructuralEqual::Equal(const Any& lhs, const Any& rhs, bool map_free_vars,
                            bool skip_tensor_content) {
  const TVMFFIAny& a = tvmffi::core::Raw(lhs);
  const TVMFFIAny& b = tvmffi::core::Raw(rhs);
  if (tvmffi::core::IsSameImage(a, b)) return true;
  return tvmffi::core::StructuralComparer(map_free_vars, skip_tensor_content, nullptr)
      .EqualRoots(a, b);
}

Optional<reflection::AccessPathPair> StructuralEqual::GetFirstMismatch(const Any& lhs,
                                                                       const Any& rhs,
                                                                       bool map_free_vars,
                                                                       bool skip_tensor_content) {
  tvmffi::core::MismatchTrace trace;
  tvmffi::core::StructuralComparer comparer(map_free_vars, skip_tensor_content, &trace);
  if (comparer.EqualRoots(tvmffi::core::Raw(lhs), tvmffi::core::Raw(rhs))) return std::nullopt;
  return trace.Paths();
}

}  // namespace ffi
}  // namespace tvm
