// Values to JSON text.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/json.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "libffi_core/extra/json_text.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::MapBaseObj;
using tvm::ffi::SeqBaseObj;
using tvm::ffi::String;
using tvm::ffi::TypeIndexToTypeKey;
using tvm::ffi::details::AnyUnsafe;
using tvm::ffi::details::ObjectUnsafe;

// For each character 0 when it stands for itself, 'u' when it becomes \u00XX, else what follows the
// backslash.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> escapes{};
  for (size_t c = 0; c < 32; ++c) escapes[c] = 'u';
  escapes[0x7f] = 'u';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['/'] = '/';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}
constexpr std::array<char, 256> kEscapes = MakeEscapes();
constexpr size_t kMaxEscapeLength = 6;
constexpr ptrdiff_t kLookAhead = 2;

uint64_t BytesToEscape(uint64_t word) {
  return BytesBelow32(word) | BytesEqualTo(word, '"') | BytesEqualTo(word, '\\') |
         BytesEqualTo(word, '/') | BytesEqualTo(word, 0x7f);
}

std::string_view TextOf(const TVMFFIAny* value) {
  const TVMFFIByteArray bytes = value->type_index == kTVMFFISmallStr
                                    ? TVMFFISmallBytesGetContentByteArray(value)
                                    : *TVMFFIBytesGetByteArrayPtr(value->v_obj);
  return {bytes.data, bytes.size};
}

bool IsText(const TVMFFIAny* value) {
  return value->type_index == kTVMFFISmallStr || value->type_index == kTVMFFIStr;
}

// Writes through a pointer into the free end of a growing string.
class JsonWriter {
 public:
  // Without an indentation everything stands on one line without spaces.
  explicit JsonWriter(int indent) : pretty_(indent != 0), indent_(indent > 0 ? indent : 0) {
    Grow(256);
  }

  void Write(const Any& any) {
    const TVMFFIAny* value = AnyUnsafe::TVMFFIAnyPtrFromAny(any);
    switch (value->type_index) {
      case kTVMFFINone:
        return WriteWord("null");
      case kTVMFFIBool:
        return WriteWord(value->v_int64 != 0 ? "true" : "false");
      case kTVMFFIInt:
        cur_ = WriteJsonInt(value->v_int64, Room(kMaxJsonNumberLength));
        return;
      case kTVMFFIFloat:
        cur_ = WriteJsonFloat(value->v_float64, Room(kMaxJsonNumberLength));
        return;
      case kTVMFFISmallStr:
      case kTVMFFIStr:
        return WriteText(TextOf(value));
      case kTVMFFIArray:
      case kTVMFFIList:
        return WriteSeq(*ObjectUnsafe::RawObjectPtrFromUnowned<SeqBaseObj>(value->v_obj));
      case kTVMFFIMap:
        return WriteMap(*ObjectUnsafe::RawObjectPtrFromUnowned<MapBaseObj>(value->v_obj));
      default:
        TVM_FFI_THROW(ValueError) << "Unsupported type: `" << TypeIndexToTypeKey(value->type_index)
                                  << "`";
    }
  }

  String TakeText() {
    buffer_.resize(static_cast<size_t>(cur_ - buffer_.data()));
    return String(std::move(buffer_));
  }

 private:
  void Grow(size_t size) {
    const size_t used = cur_ == nullptr ? 0 : static_cast<size_t>(cur_ - buffer_.data());
    buffer_.resize(std::max(2 * buffer_.size(), used + size));
    cur_ = buffer_.data() + used;
    end_ = buffer_.data() + buffer_.size();
  }
  // Where `size` characters can be written; `cur_` has to be moved behind them.
  char* Room(size_t size) {
    if (static_cast<size_t>(end_ - cur_) < size) Grow(size);
    return cur_;
  }
  void Put(char c) {
    *Room(1) = c;
    ++cur_;
  }
  void WriteWord(std::string_view word) {
    std::memcpy(Room(word.size()), word.data(), word.size());
    cur_ += word.size();
  }

  void WriteText(std::string_view text) {
    // In pieces, so that room for the worst case is little.
    constexpr size_t kPiece = 1024;
    Put('"');
    for (; text.size() > kPiece; text.remove_prefix(kPiece)) WritePiece(text.substr(0, kPiece));
    WritePiece(text);
    Put('"');
  }
  void WritePiece(std::string_view text) {
    char* out = Room(text.size() * kMaxEscapeLength + sizeof(uint64_t));
    const char* p = text.data();
    const char* const end = p + text.size();
    while (end - p >= 8) {
      const uint64_t word = LoadEightBytes(p);
      std::memcpy(out, &word, sizeof(word));
      const uint64_t hits = BytesToEscape(word);
      if (hits == 0) {
        p += 8;
        out += 8;
      } else {
        const int plain = FirstHit(hits);
        out = Escape(p[plain], out + plain);
        p += plain + 1;
      }
    }
    for (; p != end; ++p) {
      if (kEscapes[static_cast<unsigned char>(*p)] == 0) {
        *out++ = *p;
      } else {
        out = Escape(*p, out);
      }
    }
    cur_ = out;
  }
  static char* Escape(char c, char* out) {
    const char escape = kEscapes[static_cast<unsigned char>(c)];
    *out++ = '\\';
    *out++ = escape;
    if (escape == 'u') {
      constexpr char kHex[] = "0123456789abcdef";
      *out++ = '0';
      *out++ = '0';
      *out++ = kHex[c >> 4];
      *out++ = kHex[c & 15];
    }
    return out;
  }

  // The objects of a large document lie all over the memory.
  static void PrefetchObject(const Any& any) {
    const TVMFFIAny* value = AnyUnsafe::TVMFFIAnyPtrFromAny(any);
    if (value->type_index >= kTVMFFIStaticObjectBegin) __builtin_prefetch(value->v_obj);
  }

  void WriteSeq(const SeqBaseObj& seq) {
    Open('[');
    const char* separator = "";
    for (const Any *element = seq.begin(), *end = seq.end(); element != end; ++element) {
      if (end - element > kLookAhead) PrefetchObject(element[kLookAhead]);
      StartElement(&separator);
      Write(*element);
    }
    Close(']');
  }
  void WriteMap(const MapBaseObj& map) {
    Open('{');
    const char* separator = "";
    for (uint64_t i = map.FirstSlot(); i != MapBaseObj::kNoSlot; i = map.NextSlot(i)) {
      const MapBaseObj::KVType& entry = map.PairAt(i);
      StartElement(&separator);
      WriteKey(AnyUnsafe::TVMFFIAnyPtrFromAny(entry.first));
      Write(entry.second);
    }
    Close('}');
  }
  void WriteKey(const TVMFFIAny* key) {
    if (!IsText(key)) {
      TVM_FFI_THROW(ValueError) << "Expect key to be string, got `"
                                << TypeIndexToTypeKey(key->type_index) << "`";
    }
    WriteText(TextOf(key));
    WriteWord(pretty_ ? ": " : ":");
  }

  void Open(char bracket) {
    if (depth_ == kMaxJsonDepth) {
      TVM_FFI_THROW(ValueError) << "cannot write JSON: containers are nested more than "
                                << kMaxJsonDepth << " levels deep";
    }
    ++depth_;
    Put(bracket);
  }
  void StartElement(const char** separator) {
    WriteWord(*separator);
    *separator = ",";
    if (pretty_) NewLine();
  }
  void Close(char bracket) {
    --depth_;
    if (pretty_) NewLine();
    Put(bracket);
  }
  void NewLine() {
    const size_t spaces = depth_ * static_cast<size_t>(indent_);
    char* const out = Room(spaces + 1);
    *out = '\n';
    std::memset(out + 1, ' ', spaces);
    cur_ = out + 1 + spaces;
  }

  std::string buffer_;
  char* cur_ = nullptr;
  char* end_ = nullptr;
  size_t depth_ = 0;
  const bool pretty_;
  const int indent_;
};

}  // namespace

// Optional<int> as it was up to version 0.1.12 of the convention, where it was passed by value:
// that is, as a reference to a copy.
struct FormerOptionalInt {
  int32_t value;
  bool has_value;
};

}  // namespace tvmffi::core

namespace tvm {
namespace ffi {
namespace json {

String Stringify(const Value& value, const Optional<int>& indent) {
  tvmffi::core::JsonWriter writer(indent.has_value() ? indent.value() : 0);
  writer.Write(value);
  return writer.TakeText();
}

// What modules built with those headers call.
TVM_FFI_EXTRA_CXX_API String
StringifyFormer(const Value& value, const tvmffi::core::FormerOptionalInt& indent) __asm__(
    "_ZN3tvm3ffi4json9StringifyERKNS0_3AnyENS0_8OptionalIivEE");

String StringifyFormer(const Value& value, const tvmffi::core::FormerOptionalInt& indent) {
  return indent.has_value ? Stringify(value, indent.value) : Stringify(value);
}

namespace {

TVM_FFI_STATIC_INIT_BLOCK() {
  tvmffi::core::GlobalDef().Typed(
      "ffi.json.Stringify",
      [](const Any& value, const Optional<int>& indent) { return Stringify(value, indent); });
}

}  // namespace

}  // namespace json
}  // namespace ffi
}  // namespace tvm
