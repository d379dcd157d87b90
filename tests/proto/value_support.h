// Values for the codec's tests and fuzz targets.
#ifndef TVMFFI_TESTS_PROTO_VALUE_SUPPORT_H_
#define TVMFFI_TESTS_PROTO_VALUE_SUPPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "proto/codec/any.h"
#include "proto/codec/tensor.h"
#include "proto/codec/value.h"

namespace tvmffi {

inline TVMFFIAny PodAny(int32_t kind, uint64_t bits) {
  TVMFFIAny any = NoneAny();
  any.type_index = kind;
  any.v_uint64 = bits;
  return any;
}

inline TVMFFIAny IntAny(int64_t value) { return PodAny(kTVMFFIInt, static_cast<uint64_t>(value)); }

inline TVMFFIAny RawStrAny(const char* text) {
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIRawStr;
  any.v_c_str = text;
  return any;
}

inline OwnedAny TextAny(const std::string& text) {
  OwnedAny any;
  const TVMFFIByteArray bytes = {text.data(), text.size()};
  TVMFFIStringFromByteArray(&bytes, any.out());
  return any;
}

inline OwnedAny BytesAny(const std::string& content) {
  OwnedAny any;
  const TVMFFIByteArray bytes = {content.data(), content.size()};
  TVMFFIBytesFromByteArray(&bytes, any.out());
  return any;
}

// The result of a global function; None when it fails.
inline OwnedAny CallGlobal(const char* name, std::vector<TVMFFIAny> args) {
  OwnedAny result;
  ObjectRef function(FindGlobal(name));
  if (!function) return result;
  if (TVMFFIFunctionCall(function.get(), args.data(), static_cast<int32_t>(args.size()),
                         result.out()) != 0) {
    ErrorText ignored;
    TakeRaised(&ignored);
  }
  return result;
}

bool SameValue(const TVMFFIAny& a, const TVMFFIAny& b);

inline bool SameSequence(const char* size, const char* get, const TVMFFIAny& a,
                         const TVMFFIAny& b) {
  const int64_t count = CallGlobal(size, {a}).get().v_int64;
  if (CallGlobal(size, {b}).get().v_int64 != count) return false;
  for (int64_t i = 0; i < count; ++i) {
    if (!SameValue(CallGlobal(get, {a, IntAny(i)}).get(), CallGlobal(get, {b, IntAny(i)}).get()))
      return false;
  }
  return true;
}

// Through the library's own iterator: the same pairs in the same order.
inline bool SameMap(const char* size, const char* iterate, const TVMFFIAny& a, const TVMFFIAny& b) {
  const int64_t count = CallGlobal(size, {a}).get().v_int64;
  if (CallGlobal(size, {b}).get().v_int64 != count) return false;
  const OwnedAny iterators[] = {CallGlobal(iterate, {a}), CallGlobal(iterate, {b})};
  auto step = [&](int which, int64_t command) {
    OwnedAny result;
    TVMFFIAny argument = IntAny(command);
    TVMFFIFunctionCall(iterators[which].get().v_obj, &argument, 1, result.out());
    return result;
  };
  for (int64_t i = 0; i < count; ++i) {
    if (!SameValue(step(0, 0).get(), step(1, 0).get()) ||
        !SameValue(step(0, 1).get(), step(1, 1).get()))
      return false;
    step(0, 2);
    step(1, 2);
  }
  return true;
}

// True when both have the same type and content, all the way down.
inline bool SameValue(const TVMFFIAny& a, const TVMFFIAny& b) {
  if (a.type_index != b.type_index) return false;
  TVMFFIByteArray texts[2];
  switch (a.type_index) {
    case kTVMFFIStr:
    case kTVMFFIBytes:
      return ViewText(a, &texts[0]) && ViewText(b, &texts[1]) &&
             std::string(texts[0].data, texts[0].size) == std::string(texts[1].data, texts[1].size);
    case kTVMFFIShape: {
      const TVMFFIShapeCell* shapes[] = {TVMFFIShapeGetCellPtr(a.v_obj),
                                         TVMFFIShapeGetCellPtr(b.v_obj)};
      return std::vector<int64_t>(shapes[0]->data, shapes[0]->data + shapes[0]->size) ==
             std::vector<int64_t>(shapes[1]->data, shapes[1]->data + shapes[1]->size);
    }
    case kTVMFFIArray:
      return SameSequence("ffi.ArraySize", "ffi.ArrayGetItem", a, b);
    case kTVMFFIList:
      return SameSequence("ffi.ListSize", "ffi.ListGetItem", a, b);
    case kTVMFFIMap:
      return SameMap("ffi.MapSize", "ffi.MapForwardIterFunctor", a, b);
    case kTVMFFIDict:
      return SameMap("ffi.DictSize", "ffi.DictForwardIterFunctor", a, b);
    default:
      return a.small_str_len == b.small_str_len && a.v_uint64 == b.v_uint64;
  }
}

// A memory of 4096 bytes that tensors lie in, known as arena 5 on both ends; functions and opaque
// objects are handles by their address.
class TestMemory final : public ValueExporter, public ValueImporter {
 public:
  static constexpr uint32_t kArena = 5;
  static constexpr size_t kSize = 4096;

  Status ExportTensor(const TVMFFIAny& cell, const DLTensor& tensor, TensorDesc* desc,
                      int64_t* argument) override {
    if (return_argument >= 0) {
      *argument = return_argument;
      return OkStatus();
    }
    (void)cell;
    int64_t scratch[kMaxNdim];
    TensorLayout layout;
    TensorSpan span;
    TVMFFI_RETURN_IF_ERROR(LayoutOf(tensor, scratch, &layout));
    TVMFFI_RETURN_IF_ERROR(SpanOf(layout, &span));
    const char* first = static_cast<const char*>(tensor.data) + tensor.byte_offset;
    desc->arena_id = kArena;
    desc->data_offset = static_cast<uint64_t>(first - memory);
    desc->offset = desc->data_offset + static_cast<uint64_t>(span.low);
    desc->nbytes = static_cast<uint64_t>(span.nbytes());
    desc->id = 9;
    return OkStatus();
  }

  Status ExportObject(const TVMFFIAny& cell, int32_t* kind, ObjectDesc* desc,
                      TVMFFIByteArray* key) override {
    if (cell.type_index == kTVMFFIOpaquePyObject)
      return {Code::kInvalidArgument, "opaque Python object"};
    *kind = export_kind;
    desc->id = 1234;
    desc->static_type_index = cell.type_index;
    if (export_kind == kWireHandle) *key = TVMFFIGetTypeInfo(cell.type_index)->type_key;
    return OkStatus();
  }

  Status ImportTensor(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                      bool as_pointer, TVMFFIAny* out) override {
    ++imports;
    last_tensor = desc;
    last_shape.assign(shape, shape + desc.ndim);
    last_strides.assign(strides, strides + desc.ndim);
    last_as_pointer = as_pointer;
    if (desc.arena_id != kArena || desc.offset > kSize || desc.nbytes > kSize - desc.offset) {
      return {Code::kInvalidArgument, "tensor outside arena"};
    }
    *out = IntAny(static_cast<int64_t>(desc.id));
    return OkStatus();
  }

  Status ImportObject(int32_t kind, const ObjectDesc& desc, const char* key,
                      TVMFFIAny* out) override {
    ++imports;
    last_kind = kind;
    last_object = desc;
    last_key.assign(key, desc.key_size);
    *out = IntAny(static_cast<int64_t>(desc.id));
    return OkStatus();
  }

  Status ImportArgument(uint64_t index, TVMFFIAny* out) override {
    ++imports;
    last_argument = static_cast<int64_t>(index);
    *out = NoneAny();
    return OkStatus();
  }

  alignas(64) char memory[kSize] = {};
  int64_t return_argument = -1;
  int32_t export_kind = kWireHandle;

  int imports = 0;
  TensorDesc last_tensor = {};
  std::vector<int64_t> last_shape;
  std::vector<int64_t> last_strides;
  bool last_as_pointer = false;
  int32_t last_kind = 0;
  ObjectDesc last_object = {};
  std::string last_key;
  int64_t last_argument = -1;
};

}  // namespace tvmffi

#endif  // TVMFFI_TESTS_PROTO_VALUE_SUPPORT_H_
