// RecursiveEq and the orderings. The first difference decides, so a pair of objects that was met
// before is taken as equal: had it not been, nothing would be left to compare.
#include <tvm/ffi/container/map_base.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/extra/dataclass.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libffi_core/big_int.h"
#include "libffi_core/extra/object_graph.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Bytes;
using tvm::ffi::Function;

enum class Mode { kEquality, kOrder };

// What equality says of values that cannot be ordered.
constexpr int kDifferent = 1;

template <typename T>
int Sign(const T& lhs, const T& rhs) {
  return lhs < rhs ? -1 : static_cast<int>(rhs < lhs);
}

// Small and heap strings are one type, and so are bytes.
int32_t ComparedType(const Any& value) {
  if (value.type_index() == kTVMFFISmallStr) return kTVMFFIStr;
  return value.type_index() == kTVMFFISmallBytes ? kTVMFFIBytes : value.type_index();
}

TVMFFIByteArray ContentOf(const TVMFFIAny& raw) {
  const bool small = raw.type_index == kTVMFFISmallStr || raw.type_index == kTVMFFISmallBytes;
  return small ? TVMFFISmallBytesGetContentByteArray(&raw) : *TVMFFIBytesGetByteArrayPtr(raw.v_obj);
}

int CompareContent(const TVMFFIAny& lhs, const TVMFFIAny& rhs) {
  const TVMFFIByteArray a = ContentOf(lhs);
  const TVMFFIByteArray b = ContentOf(rhs);
  return Bytes::memncmp(a.data, b.data, a.size, b.size);
}

int CompareFloats(double lhs, double rhs, Mode mode) {
  if (!std::isnan(lhs) && !std::isnan(rhs)) return Sign(lhs, rhs);
  TVM_FFI_CHECK(mode == Mode::kEquality, TypeError) << "Cannot order NaN values";
  return std::isnan(lhs) && std::isnan(rhs) ? 0 : kDifferent;
}

int CompareShapes(const tvm::ffi::Shape& lhs, const tvm::ffi::Shape& rhs) {
  const auto [a, b] = std::mismatch(lhs.begin(), lhs.end(), rhs.begin(), rhs.end());
  if (a != lhs.end() && b != rhs.end()) return Sign(*a, *b);
  return Sign(lhs.size(), rhs.size());
}

// A big integer is beyond every int: its sign decides.
int SignOf(const Any& big_int) { return IsNegativeBigInt(BigIntWords(RawOf(big_int))) ? -1 : 1; }

// Two leaves of the same type.
int CompareLeaves(const Any& lhs, const Any& rhs, Mode mode) {
  const TVMFFIAny& a = RawOf(lhs);
  const TVMFFIAny& b = RawOf(rhs);
  switch (ComparedType(lhs)) {
    case kTVMFFINone:
      return 0;
    case kTVMFFIInt:
      return Sign(a.v_int64, b.v_int64);
    case kTVMFFIBool:
      return Sign(a.v_int64 != 0, b.v_int64 != 0);
    case kTVMFFIFloat:
      return CompareFloats(a.v_float64, b.v_float64, mode);
    case kTVMFFIDataType: {
      const int code = Sign(a.v_dtype.code, b.v_dtype.code);
      const int bits = Sign(a.v_dtype.bits, b.v_dtype.bits);
      return code != 0 ? code : bits != 0 ? bits : Sign(a.v_dtype.lanes, b.v_dtype.lanes);
    }
    case kTVMFFIDevice: {
      const int type = Sign(a.v_device.device_type, b.v_device.device_type);
      return type != 0 ? type : Sign(a.v_device.device_id, b.v_device.device_id);
    }
    case kTVMFFIStr:
    case kTVMFFIBytes:
      return CompareContent(a, b);
    case kTVMFFIShape:
      return CompareShapes(lhs.cast<tvm::ffi::Shape>(), rhs.cast<tvm::ffi::Shape>());
    case kTVMFFIBigInt:
      return CompareBigIntWords(BigIntWords(a), BigIntWords(b));
    default:
      if (a.v_uint64 == b.v_uint64) return 0;
      TVM_FFI_CHECK(mode == Mode::kEquality, TypeError)
          << "Cannot order values of type " << lhs.GetTypeKey();
      return kDifferent;
  }
}

// The value of a key, or nothing.
std::optional<Any> Lookup(const Any& mapping, const Any& key) {
  const auto* map = static_cast<const tvm::ffi::MapBaseObj*>(ObjectOf(mapping));
  const uint64_t slot = map->Find(key);
  if (slot == tvm::ffi::MapBaseObj::kNoSlot) return std::nullopt;
  return map->PairAt(slot).second;
}

// One comparison and the callbacks that hooks got from it.
class Comparer : public std::enable_shared_from_this<Comparer> {
 public:
  explicit Comparer(Mode mode) : mode_(mode) {}

  // Negative, zero or positive; of equality only whether it is zero counts.
  int Compare(const Any& lhs, const Any& rhs) {
    std::vector<Frame> frames;
    int result = Begin(lhs, rhs, &frames);
    while (result == 0 && !frames.empty()) {
      result = Step(&frames);
    }
    // Sequences and fields hand a difference on; entries of mappings have no order to hand on.
    for (const Frame& frame : frames) {
      if (KindOf(frame.lhs) == NodeKind::kMapping) RequireEqualMappings(false);
    }
    return result;
  }

 private:
  struct Pair {
    const void* lhs;
    const void* rhs;
    bool operator==(const Pair& other) const { return lhs == other.lhs && rhs == other.rhs; }
  };
  struct PairHash {
    size_t operator()(const Pair& pair) const {
      return tvm::ffi::details::StableHashCombine(reinterpret_cast<uintptr_t>(pair.lhs),
                                                  reinterpret_cast<uintptr_t>(pair.rhs));
    }
  };
  struct Met {
    Any keep_lhs;
    Any keep_rhs;
    bool in_progress = true;
  };
  struct Frame {
    Any lhs;
    Any rhs;
    ChildCursor left;
    ChildCursor right;
  };

  int Begin(const Any& lhs, const Any& rhs, std::vector<Frame>* frames) {
    if (ComparedType(lhs) != ComparedType(rhs)) return CompareTypes(lhs, rhs);
    if (KindOf(lhs) == NodeKind::kLeaf) return CompareLeaves(lhs, rhs, mode_);
    if (lhs.same_as(rhs)) return 0;
    const Pair pair{IdentityOf(lhs), IdentityOf(rhs)};
    auto [it, is_new] = met_.try_emplace(pair, Met{lhs, rhs});
    if (!is_new) {
      TVM_FFI_CHECK(mode_ == Mode::kEquality || !it->second.in_progress, ValueError)
          << "RecursiveCompare: cyclic reference detected in ordering";
      return 0;
    }
    met_order_.push_back(pair);
    if (std::optional<int> result = CallHook(lhs, rhs)) {
      met_.at(pair).in_progress = false;
      return *result;
    }
    frames->push_back(Frame{lhs, rhs, ChildCursor(lhs, kTVMFFIFieldFlagBitMaskCompareOff),
                            ChildCursor(rhs, kTVMFFIFieldFlagBitMaskCompareOff)});
    const int64_t left_size = frames->back().left.size();
    const int64_t right_size = frames->back().right.size();
    if (left_size == right_size) return 0;
    if (KindOf(lhs) == NodeKind::kMapping) return RequireEqualMappings(false);
    return mode_ == Mode::kEquality ? kDifferent : 0;
  }

  int CompareTypes(const Any& lhs, const Any& rhs) const {
    if (lhs == nullptr) return -1;
    if (rhs == nullptr) return 1;
    if (lhs.type_index() == kTVMFFIBigInt && rhs.type_index() == kTVMFFIInt) return SignOf(lhs);
    if (lhs.type_index() == kTVMFFIInt && rhs.type_index() == kTVMFFIBigInt) return -SignOf(rhs);
    TVM_FFI_CHECK(mode_ == Mode::kEquality, TypeError)
        << "Cannot compare values of different types: " << lhs.GetTypeKey() << " vs "
        << rhs.GetTypeKey();
    return kDifferent;
  }

  int RequireEqualMappings(bool equal) const {
    TVM_FFI_CHECK(equal || mode_ == Mode::kEquality, TypeError) << "Cannot order Map/Dict values";
    return equal ? 0 : kDifferent;
  }

  int Step(std::vector<Frame>* frames) {
    Frame& top = frames->back();
    const bool has_left = top.left.Next();
    if (KindOf(top.lhs) == NodeKind::kMapping) {
      return has_left ? StepEntry(&top, frames) : Finish(frames);
    }
    const bool has_right = top.right.Next();
    if (has_left && has_right) {
      return Begin(top.left.TakeValue(), top.right.TakeValue(), frames);
    }
    if (has_left != has_right) return has_left ? 1 : -1;
    return Finish(frames);
  }

  int StepEntry(Frame* frame, std::vector<Frame>* frames) {
    const std::optional<Any> other = Lookup(frame->rhs, frame->left.TakeValue());
    if (!other.has_value()) return RequireEqualMappings(false);
    frame->left.Next();
    return Begin(frame->left.TakeValue(), *other, frames);
  }

  int Finish(std::vector<Frame>* frames) {
    met_.at(Pair{IdentityOf(frames->back().lhs), IdentityOf(frames->back().rhs)}).in_progress =
        false;
    frames->pop_back();
    return 0;
  }

  // Equality asks for __ffi_eq__ first; both take __ffi_compare__.
  std::optional<int> CallHook(const Any& lhs, const Any& rhs) {
    if (KindOf(lhs) != NodeKind::kRecord) return std::nullopt;
    if (mode_ == Mode::kEquality) {
      if (std::optional<Function> eq = eq_.Find(lhs.type_index())) {
        RequireStackForHook("RecursiveEq");
        const Function part =
            Function::FromTyped([self = shared_from_this()](const Any& a, const Any& b) {
              return self->CompareForHook(a, b) == 0;
            });
        return (*eq)(lhs, rhs, part).cast<bool>() ? 0 : kDifferent;
      }
    }
    const std::optional<Function> compare = compare_.Find(lhs.type_index());
    if (!compare.has_value()) return std::nullopt;
    RequireStackForHook("RecursiveCompare");
    const Function part =
        Function::FromTyped([self = shared_from_this()](const Any& a, const Any& b) {
          return self->CompareForHook(a, b);
        });
    return Sign((*compare)(lhs, rhs, part).cast<int64_t>(), int64_t{0});
  }

  // A hook goes on after a difference: what was taken as equal on the way to it is forgotten.
  int CompareForHook(const Any& lhs, const Any& rhs) {
    const size_t before = met_order_.size();
    try {
      const int result = Compare(lhs, rhs);
      if (result != 0) ForgetSince(before);
      return result;
    } catch (...) {
      ForgetSince(before);
      throw;
    }
  }

  void ForgetSince(size_t count) {
    while (met_order_.size() > count) {
      met_.erase(met_order_.back());
      met_order_.pop_back();
    }
  }

  Mode mode_;
  TypeHook eq_{tvm::ffi::reflection::type_attr::kEq};
  TypeHook compare_{tvm::ffi::reflection::type_attr::kCompare};
  std::unordered_map<Pair, Met, PairHash> met_;
  std::vector<Pair> met_order_;
};

int Order(const Any& lhs, const Any& rhs) {
  return std::make_shared<Comparer>(Mode::kOrder)->Compare(lhs, rhs);
}

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

bool RecursiveEq(const Any& lhs, const Any& rhs) {
  using tvmffi::core::Comparer;
  return std::make_shared<Comparer>(tvmffi::core::Mode::kEquality)->Compare(lhs, rhs) == 0;
}
bool RecursiveLt(const Any& lhs, const Any& rhs) { return tvmffi::core::Order(lhs, rhs) < 0; }
bool RecursiveLe(const Any& lhs, const Any& rhs) { return tvmffi::core::Order(lhs, rhs) <= 0; }
bool RecursiveGt(const Any& lhs, const Any& rhs) { return tvmffi::core::Order(lhs, rhs) > 0; }
bool RecursiveGe(const Any& lhs, const Any& rhs) { return tvmffi::core::Order(lhs, rhs) >= 0; }

TVM_FFI_STATIC_INIT_BLOCK() {
  tvmffi::core::GlobalDef()
      .Typed("ffi.RecursiveEq", RecursiveEq)
      .Typed("ffi.RecursiveLt", RecursiveLt)
      .Typed("ffi.RecursiveLe", RecursiveLe)
      .Typed("ffi.RecursiveGt", RecursiveGt)
      .Typed("ffi.RecursiveGe", RecursiveGe);
}

}  // namespace ffi
}  // namespace tvm
