// RecursiveHash: part of what programs may store, so the combination below must not change.
#include <tvm/ffi/base_details.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/extra/dataclass.h>

#include <algorithm>
#include <cmath>
#include <cstring>
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
using tvm::ffi::Function;
using tvm::ffi::details::StableHashCombine;

uint64_t KeyHash(const Any& value) { return TVMFFIGetTypeInfo(value.type_index())->type_key_hash; }

uint64_t FloatHash(double value) {
  // One zero and one NaN, as RecursiveEq sees them.
  if (value == 0) value = 0;
  uint64_t bits = 0x7ff8000000000000;
  if (!std::isnan(value)) std::memcpy(&bits, &value, sizeof(bits));
  return StableHashCombine(kTVMFFIFloat, bits);
}

uint64_t ShapeHash(const Any& value) {
  const auto shape = value.cast<tvm::ffi::Shape>();
  uint64_t hash = StableHashCombine(KeyHash(value), shape.size());
  for (const int64_t extent : shape) hash = StableHashCombine(hash, static_cast<uint64_t>(extent));
  return hash;
}

uint64_t LeafHash(const Any& value) {
  const TVMFFIAny& raw = RawOf(value);
  switch (raw.type_index) {
    case kTVMFFIFloat:
      return FloatHash(raw.v_float64);
    case kTVMFFIDataType: {
      const uint64_t code = StableHashCombine(kTVMFFIDataType, raw.v_dtype.code);
      return StableHashCombine(StableHashCombine(code, raw.v_dtype.bits), raw.v_dtype.lanes);
    }
    case kTVMFFIDevice: {
      const auto type = static_cast<uint64_t>(raw.v_device.device_type);
      return StableHashCombine(StableHashCombine(kTVMFFIDevice, type),
                               static_cast<uint64_t>(int64_t{raw.v_device.device_id}));
    }
    case kTVMFFIShape:
      return ShapeHash(value);
    case kTVMFFIBigInt: {
      const std::string_view words = BigIntWords(raw);
      return tvm::ffi::details::StableHashBytes(words.data(), words.size());
    }
    default:
      return tvm::ffi::AnyHash()(value);
  }
}

// One RecursiveHash and the callbacks that hooks got from it.
class RecursiveHasher : public std::enable_shared_from_this<RecursiveHasher> {
 public:
  uint64_t Hash(const Any& root) {
    std::vector<Frame> frames;
    std::optional<uint64_t> result = Begin(root, &frames);
    while (!frames.empty()) {
      if (result.has_value()) frames.back().Add(*std::exchange(result, std::nullopt));
      if (frames.back().cursor.Next()) {
        result = Begin(frames.back().cursor.TakeValue(), &frames);
      } else {
        result = frames.back().Finish();
        known_.at(IdentityOf(frames.back().node)).hash = *result;
        frames.pop_back();
      }
    }
    return *result;
  }

 private:
  struct Frame {
    Frame(const Any& object, int64_t skipped_flags)
        : node(object), cursor(object, skipped_flags), hash(KeyHash(object)) {
      if (KindOf(node) != NodeKind::kRecord) {
        hash = StableHashCombine(hash, static_cast<uint64_t>(cursor.size()));
      }
    }

    void Add(uint64_t part) {
      switch (KindOf(node)) {
        case NodeKind::kSequence:
          hash = StableHashCombine(hash, StableHashCombine(part, num_parts));
          break;
        case NodeKind::kMapping:
          if (num_parts % 2 == 0) {
            entries.push_back(part);
          } else {
            entries.back() = StableHashCombine(entries.back(), part);
          }
          break;
        default:
          hash = StableHashCombine(hash, part);
      }
      ++num_parts;
    }

    // Entries count in the order of their hashes: the order of insertion does not matter.
    uint64_t Finish() {
      std::sort(entries.begin(), entries.end());
      for (const uint64_t entry : entries) hash = StableHashCombine(hash, entry);
      return hash;
    }

    Any node;
    ChildCursor cursor;
    uint64_t hash;
    uint64_t num_parts = 0;
    std::vector<uint64_t> entries;
  };
  // While an object is being hashed, the hash it has inside itself.
  struct Known {
    Any keep_alive;
    uint64_t hash;
  };

  // The hash, or nothing and a new frame that will have it.
  std::optional<uint64_t> Begin(const Any& value, std::vector<Frame>* frames) {
    if (KindOf(value) == NodeKind::kLeaf) return LeafHash(value);
    auto [it, is_new] = known_.try_emplace(IdentityOf(value), Known{value, KeyHash(value)});
    if (!is_new) return it->second.hash;
    if (std::optional<uint64_t> hash = CallHook(value)) {
      known_.at(IdentityOf(value)).hash = *hash;
      return hash;
    }
    frames->emplace_back(value, kTVMFFIFieldFlagBitMaskHashOff | kTVMFFIFieldFlagBitMaskCompareOff);
    return std::nullopt;
  }

  std::optional<uint64_t> CallHook(const Any& value) {
    const std::optional<Function> hook = hash_.Find(value.type_index());
    if (!hook.has_value()) {
      RequireNoEquality(value);
      return std::nullopt;
    }
    RequireStackForHook("RecursiveHash");
    const Function hash_part = Function::FromTyped([self = shared_from_this()](const Any& part) {
      return static_cast<int64_t>(self->Hash(part));
    });
    return static_cast<uint64_t>((*hook)(value, hash_part).cast<int64_t>());
  }

  void RequireNoEquality(const Any& value) const {
    const int32_t type_index = value.type_index();
    if (!eq_.Find(type_index).has_value() && !compare_.Find(type_index).has_value()) return;
    TVM_FFI_THROW(ValueError)
        << "RecursiveHash: type '" << value.GetTypeKey()
        << "' defines __ffi_eq__ or __ffi_compare__ but not __ffi_hash__. Add a __ffi_hash__ hook "
           "to maintain the invariant RecursiveEq(a,b) => RecursiveHash(a)==RecursiveHash(b).";
  }

  TypeHook hash_{tvm::ffi::reflection::type_attr::kHash};
  TypeHook eq_{tvm::ffi::reflection::type_attr::kEq};
  TypeHook compare_{tvm::ffi::reflection::type_attr::kCompare};
  std::unordered_map<const void*, Known> known_;
};

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

int64_t RecursiveHash(const Any& value) {
  return static_cast<int64_t>(std::make_shared<tvmffi::core::RecursiveHasher>()->Hash(value));
}

TVM_FFI_STATIC_INIT_BLOCK() { tvmffi::core::GlobalDef().Typed("ffi.RecursiveHash", RecursiveHash); }

}  // namespace ffi
}  // namespace tvm
