/*!
 * \file tvm/ffi/string.h
 * \brief Immutable String and Bytes values, and how C and C++ strings travel.
 *
 * Both are one 16-byte value: up to 7 bytes of content lie inside it, longer content in a counted
 * object. Content may hold NUL bytes and is always followed by one. Moving a std::string in keeps
 * its buffer and always makes an object.
 */
#ifndef TVM_FFI_STRING_H_
#define TVM_FFI_STRING_H_

#include <tvm/ffi/error.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/object.h>
#include <tvm/ffi/type_traits.h>

#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#define TVM_FFI_SNPRINTF std::snprintf

namespace tvm {
namespace ffi {
namespace details {

class BytesObjBase : public Object, public TVMFFIByteArray {
 public:
  BytesObjBase() : TVMFFIByteArray{nullptr, 0} {}
};

/*! \brief A string object that keeps the buffer of a std::string. */
class BytesObjFromStd : public BytesObjBase {
 public:
  explicit BytesObjFromStd(std::string&& content) : content_(std::move(content)) {
    this->data = content_.data();
    this->size = content_.size();
  }

  static void Delete(void* header, int flags) {
    auto* obj = static_cast<BytesObjFromStd*>(static_cast<Object*>(header));
    if ((flags & kTVMFFIObjectDeleterFlagBitMaskStrong) != 0) {
      obj->~BytesObjFromStd();
    }
    if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) {
      AlignedFree(header);
    }
  }

 private:
  std::string content_;
};
}  // namespace details

/*! \brief The object behind a long Bytes. */
class BytesObj : public details::BytesObjBase {
 public:
  static constexpr int32_t _type_index = kTVMFFIBytes;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIBytes, BytesObj, Object);
};

/*! \brief The object behind a long String. */
class StringObj : public details::BytesObjBase {
 public:
  static constexpr int32_t _type_index = kTVMFFIStr;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIStr, StringObj, Object);
};

namespace details {

template <typename T, int32_t kSmallIndex>
struct BytesTypeTraits;

/*! \brief Content up to this length lies inside the value. */
inline constexpr size_t kMaxSmallBytes = 7;

/*! \brief Deleter of an object whose characters follow it: it has nothing to destroy. */
TVM_FFI_HIDDEN_ inline void DeleteInlineBytes(void* header, int flags) {
  if ((flags & kTVMFFIObjectDeleterFlagBitMaskWeak) != 0) {
    AlignedFree(header);
  }
}

/*! \brief The payload word of small content, zeros behind it; made as a whole, since it is read as
 * a whole. */
inline uint64_t SmallContent(const char* data, size_t size) {
#if TVM_FFI_LITTLE_ENDIAN
  auto byte_at = [data](size_t i) {
    return static_cast<uint64_t>(static_cast<unsigned char>(data[i])) << (8 * i);
  };
  if (size >= 4) {
    // Two words that may overlap.
    uint32_t head, tail;
    std::memcpy(&head, data, 4);
    std::memcpy(&tail, data + size - 4, 4);
    return head | (static_cast<uint64_t>(tail) << (8 * (size - 4)));
  }
  return size == 0 ? 0 : byte_at(0) | byte_at(size / 2) | byte_at(size - 1);
#else
  uint64_t word = 0;
  if (size != 0) {
    std::memcpy(&word, data, size);
  }
  return word;
#endif
}

/*! \brief A StringObj or BytesObj, as `type_index` says, with a copy of the content behind it. */
inline TVMFFIObject* MakeInlineBytes(int32_t type_index, const char* data, size_t size) {
  if (TVM_FFI_PREDICT_FALSE(size > SIZE_MAX / 2)) {
    throw std::bad_alloc();
  }
  constexpr size_t kHeaderSize = sizeof(TVMFFIObject) + sizeof(TVMFFIByteArray);
  char* memory = static_cast<char*>(AlignedAlloc<alignof(TVMFFIObject)>(kHeaderSize + size + 1));
  TVMFFIObject* header = new (memory) TVMFFIObject;
  SetFirstReference(header, type_index, DeleteInlineBytes);
  char* content = memory + kHeaderSize;
  new (memory + sizeof(TVMFFIObject)) TVMFFIByteArray{content, size};
  std::memcpy(content, data, size);
  content[size] = '\0';
  return header;
}

/*! \brief The same, keeping the buffer of `content`. */
inline TVMFFIObject* MakeBytesFromStd(int32_t type_index, std::string&& content) {
  void* memory = AlignedAlloc<alignof(BytesObjFromStd)>(sizeof(BytesObjFromStd));
  TVMFFIObject* header = ObjectUnsafe::GetHeader(new (memory) BytesObjFromStd(std::move(content)));
  SetFirstReference(header, type_index, BytesObjFromStd::Delete);
  return header;
}

/*! \brief Storage shared by String (SmallStr or StringObj) and Bytes (SmallBytes or BytesObj).
 *
 * Which of the two it is, the owner says with the index of the small form.
 */
class BytesCell {
 public:
  explicit BytesCell(int32_t small_index) { SetEmpty(small_index); }
  TVM_FFI_INLINE BytesCell(int32_t small_index, const char* data, size_t size) {
    if (size <= kMaxSmallBytes) {
      SetSmall(small_index, data, size);
    } else {
      SetHeap(HeapIndex(small_index), MakeInlineBytes(HeapIndex(small_index), data, size));
    }
  }
  BytesCell(int32_t small_index, std::string&& content) {
    SetHeap(HeapIndex(small_index), MakeBytesFromStd(HeapIndex(small_index), std::move(content)));
  }
  BytesCell(const BytesCell& other) : data_(other.data_) { IncRef(); }
  TVM_FFI_INLINE BytesCell(BytesCell&& other) noexcept {
    CopyFields(other.data_, &data_);
    other.SetMovedFrom();
  }
  BytesCell& operator=(const BytesCell& other) {
    BytesCell copy(other);
    swap(copy);
    return *this;
  }
  BytesCell& operator=(BytesCell&& other) noexcept {
    swap(other);
    return *this;
  }
  ~BytesCell() {
    if (is_object()) {
      ObjectUnsafe::DecRefObjectHandle(data_.v_obj);
    }
  }

  const char* data() const { return is_object() ? heap()->data : data_.v_bytes; }
  size_t size() const {
    return is_object() ? heap()->size : static_cast<size_t>(data_.small_str_len);
  }
  std::string_view view() const { return std::string_view(data(), size()); }
  /*! \brief Two objects, the usual case where content is long enough to matter, take few branches.
   */
  TVM_FFI_INLINE static bool Equal(const BytesCell& lhs, const BytesCell& rhs) {
    if (TVM_FFI_PREDICT_TRUE(lhs.is_object() && rhs.is_object())) {
      const TVMFFIByteArray* left = lhs.heap();
      const TVMFFIByteArray* right = rhs.heap();
      if (TVM_FFI_PREDICT_FALSE(left->size != right->size)) {
        return false;
      }
      return std::memcmp(left->data, right->data, left->size) == 0;
    }
    if (lhs.size() != rhs.size()) {
      return false;
    }
    return std::memcmp(lhs.data(), rhs.data(), lhs.size()) == 0;
  }

  const TVMFFIAny& any() const { return data_; }
  TVM_FFI_INLINE void MoveTo(TVMFFIAny* result) {
    CopyFields(data_, result);
    SetMovedFrom();
  }
  /*! \brief Reads an image that holds the small or the heap form. */
  static BytesCell FromView(const TVMFFIAny& any) {
    BytesCell result(any);
    result.IncRef();
    return result;
  }
  static BytesCell FromOwned(const TVMFFIAny& any) { return BytesCell(any); }

 private:
  static_assert(kTVMFFIStr - kTVMFFISmallStr == kTVMFFIBytes - kTVMFFISmallBytes, "see below");
  static constexpr int32_t kSmallToHeap = kTVMFFIStr - kTVMFFISmallStr;
  static int32_t HeapIndex(int32_t small_index) { return small_index + kSmallToHeap; }
  static int32_t SmallIndex(int32_t heap_index) { return heap_index - kSmallToHeap; }

  TVM_FFI_INLINE explicit BytesCell(const TVMFFIAny& any) { CopyFields(any, &data_); }
  bool is_object() const { return data_.type_index >= kTVMFFIStaticObjectBegin; }
  const TVMFFIByteArray* heap() const { return TVMFFIBytesGetByteArrayPtr(data_.v_obj); }
  void IncRef() {
    if (is_object()) {
      ObjectUnsafe::IncRefObjectHandle(data_.v_obj);
    }
  }
  void swap(BytesCell& other) noexcept {
    TVMFFIAny mine;
    CopyFields(data_, &mine);
    CopyFields(other.data_, &data_);
    CopyFields(mine, &other.data_);
  }
  TVM_FFI_INLINE void SetMovedFrom() {
    SetEmpty(is_object() ? SmallIndex(data_.type_index) : data_.type_index);
  }
  void SetEmpty(int32_t small_index) {
    data_.type_index = small_index;
    data_.small_str_len = 0;
    data_.v_uint64 = 0;
  }
  // Takes the reference. The index is known: reading it back from the new object would wait for it.
  TVM_FFI_INLINE void SetHeap(int32_t heap_index, TVMFFIObject* object) {
    data_.type_index = heap_index;
    data_.zero_padding = 0;
    TVM_FFI_CLEAR_PTR_PADDING_IN_FFI_ANY(&data_);
    data_.v_obj = object;
  }
  TVM_FFI_INLINE void SetSmall(int32_t small_index, const char* data, size_t size) {
    data_.type_index = small_index;
    data_.small_str_len = static_cast<uint32_t>(size);
    data_.v_uint64 = SmallContent(data, size);
  }

  TVMFFIAny data_;
};
}  // namespace details

/*! \brief Immutable bytes. */
class Bytes {
 public:
  Bytes() : cell_(kTVMFFISmallBytes) {}
  Bytes(const char* data, size_t size) : cell_(kTVMFFISmallBytes, data, size) {}
  Bytes(TVMFFIByteArray bytes) : Bytes(bytes.data, bytes.size) {}                 // NOLINT
  Bytes(const std::string& content) : Bytes(content.data(), content.size()) {}    // NOLINT
  Bytes(std::string&& content) : cell_(kTVMFFISmallBytes, std::move(content)) {}  // NOLINT

  const char* data() const { return cell_.data(); }
  size_t size() const { return cell_.size(); }
  operator std::string() const { return std::string(data(), size()); }  // NOLINT

  /*! \brief Three-way comparison: bytewise, then by length. */
  static int memncmp(const char* lhs, const char* rhs, size_t lhs_count, size_t rhs_count) {
    return std::string_view(lhs, lhs_count).compare(std::string_view(rhs, rhs_count));
  }
  static bool memequal(const void* lhs, const void* rhs, size_t lhs_count, size_t rhs_count) {
    return lhs_count == rhs_count &&
           (lhs == rhs || lhs_count == 0 || std::memcmp(lhs, rhs, lhs_count) == 0);
  }

 private:
  friend bool operator==(const Bytes& lhs, const Bytes& rhs);
  explicit Bytes(details::BytesCell cell) : cell_(std::move(cell)) {}
  details::BytesCell cell_;
  template <typename, int32_t>
  friend struct details::BytesTypeTraits;
};

/*! \brief Immutable text, UTF-8 by convention. */
class String {
 public:
  static constexpr size_t npos = static_cast<size_t>(-1);

  String() : cell_(kTVMFFISmallStr) {}
  String(std::nullptr_t) = delete;
  String(const char* text) : String(text, LengthOf(text)) {}  // NOLINT(google-explicit-constructor)
  TVM_FFI_INLINE String(const char* data, size_t size) : cell_(kTVMFFISmallStr, data, size) {}
  String(const std::string& text) : String(text.data(), text.size()) {}    // NOLINT
  String(std::string&& text) : cell_(kTVMFFISmallStr, std::move(text)) {}  // NOLINT
  explicit String(TVMFFIByteArray bytes) : String(bytes.data, bytes.size) {}

  String& operator=(const std::string& text) { return *this = String(text); }
  String& operator=(std::string&& text) { return *this = String(std::move(text)); }
  String& operator=(const char* text) { return *this = String(text); }

  const char* data() const { return cell_.data(); }
  /*! \brief NUL terminated. */
  const char* c_str() const { return cell_.data(); }
  size_t size() const { return cell_.size(); }
  size_t length() const { return size(); }
  bool empty() const { return size() == 0; }
  /*! \brief Throws std::out_of_range. */
  char at(size_t pos) const {
    if (pos >= size()) {
      throw std::out_of_range("tvm::String index out of bounds");
    }
    return data()[pos];
  }

  int compare(const String& other) const { return view().compare(other.view()); }
  int compare(const std::string& other) const { return view().compare(other); }
  int compare(const char* other) const { return view().compare(other); }
  int compare(const TVMFFIByteArray& other) const {
    return view().compare(std::string_view(other.data, other.size));
  }

  size_t find(const String& str, size_t pos = 0) const { return view().find(str.view(), pos); }
  size_t find(const char* str, size_t pos = 0) const { return view().find(str, pos); }
  size_t find(const char* str, size_t pos, size_t count) const {
    return view().find(str, pos, count);
  }
  size_t find(char c, size_t pos = 0) const { return view().find(c, pos); }
  /*! \brief Throws std::out_of_range when `pos` is behind the end. */
  String substr(size_t pos = 0, size_t count = npos) const {
    if (pos > size()) {
      throw std::out_of_range("tvm::String substr index out of bounds");
    }
    const std::string_view part = view().substr(pos, count);
    return String(part.data(), part.size());
  }
  bool starts_with(const String& prefix) const { return starts_with(prefix.view()); }
  bool starts_with(const char* prefix) const { return starts_with(std::string_view(prefix)); }
  bool starts_with(std::string_view prefix) const {
    return view().substr(0, prefix.size()) == prefix;
  }
  bool ends_with(const String& suffix) const { return ends_with(suffix.view()); }
  bool ends_with(const char* suffix) const { return ends_with(std::string_view(suffix)); }
  bool ends_with(std::string_view suffix) const {
    return size() >= suffix.size() && view().substr(size() - suffix.size()) == suffix;
  }
  /*! \brief The pieces between separators; they point into this string. */
  std::vector<std::string_view> Split(char separator) const {
    std::vector<std::string_view> pieces;
    std::string_view rest = view();
    for (size_t end = rest.find(separator); end != npos; end = rest.find(separator)) {
      pieces.push_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    pieces.push_back(rest);
    return pieces;
  }
  operator std::string() const { return std::string(data(), size()); }  // NOLINT

 private:
  friend bool operator==(const String& lhs, const String& rhs);
  explicit String(details::BytesCell cell) : cell_(std::move(cell)) {}
  std::string_view view() const { return cell_.view(); }
  static size_t LengthOf(const char* text) { return std::strlen(TVM_FFI_ICHECK_NOTNULL(text)); }
  details::BytesCell cell_;
  template <typename, int32_t>
  friend struct details::BytesTypeTraits;
};

inline std::string_view ToStringView(TVMFFIByteArray bytes) {
  return std::string_view(bytes.data, bytes.size);
}

namespace details {
TVM_FFI_INLINE std::string_view AsStringView(const String& text) {
  return std::string_view(text.data(), text.size());
}
TVM_FFI_INLINE std::string_view AsStringView(const std::string& text) { return text; }
TVM_FFI_INLINE std::string_view AsStringView(const char* text) { return text; }

inline String ConcatText(std::string_view lhs, std::string_view rhs) {
  std::string result;
  result.reserve(lhs.size() + rhs.size());
  result.append(lhs).append(rhs);
  return String(result.data(), result.size());
}
}  // namespace details

inline String operator+(const String& lhs, const String& rhs) {
  return details::ConcatText(details::AsStringView(lhs), details::AsStringView(rhs));
}
inline String operator+(const String& lhs, const std::string& rhs) {
  return details::ConcatText(details::AsStringView(lhs), rhs);
}
inline String operator+(const std::string& lhs, const String& rhs) {
  return details::ConcatText(lhs, details::AsStringView(rhs));
}
inline String operator+(const String& lhs, const char* rhs) {
  return details::ConcatText(details::AsStringView(lhs), rhs);
}
inline String operator+(const char* lhs, const String& rhs) {
  return details::ConcatText(lhs, details::AsStringView(rhs));
}

#define TVM_FFI_STRING_COMPARE_PAIR_(Op, TLeft, TRight)              \
  inline bool operator Op(TLeft lhs, TRight rhs) {                   \
    return details::AsStringView(lhs) Op details::AsStringView(rhs); \
  }
#define TVM_FFI_STRING_COMPARE_OTHERS_(Op)                            \
  TVM_FFI_STRING_COMPARE_PAIR_(Op, const String&, const std::string&) \
  TVM_FFI_STRING_COMPARE_PAIR_(Op, const std::string&, const String&) \
  TVM_FFI_STRING_COMPARE_PAIR_(Op, const String&, const char*)        \
  TVM_FFI_STRING_COMPARE_PAIR_(Op, const char*, const String&)        \
  bool operator Op(const String&, std::nullptr_t) = delete;           \
  bool operator Op(std::nullptr_t, const String&) = delete;
#define TVM_FFI_STRING_COMPARE_(Op)                              \
  TVM_FFI_STRING_COMPARE_PAIR_(Op, const String&, const String&) \
  TVM_FFI_STRING_COMPARE_OTHERS_(Op)
inline bool operator==(const String& lhs, const String& rhs) {
  return details::BytesCell::Equal(lhs.cell_, rhs.cell_);
}
inline bool operator!=(const String& lhs, const String& rhs) { return !(lhs == rhs); }
TVM_FFI_STRING_COMPARE_OTHERS_(==)
TVM_FFI_STRING_COMPARE_OTHERS_(!=)
TVM_FFI_STRING_COMPARE_(<)
TVM_FFI_STRING_COMPARE_(>)
TVM_FFI_STRING_COMPARE_(<=)
TVM_FFI_STRING_COMPARE_(>=)
#undef TVM_FFI_STRING_COMPARE_
#undef TVM_FFI_STRING_COMPARE_OTHERS_
#undef TVM_FFI_STRING_COMPARE_PAIR_

inline bool operator==(const Bytes& lhs, const Bytes& rhs) {
  return details::BytesCell::Equal(lhs.cell_, rhs.cell_);
}
inline bool operator!=(const Bytes& lhs, const Bytes& rhs) { return !(lhs == rhs); }

template <typename Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& os,
                                             const String& text) {
  return os << details::AsStringView(text);
}
inline details::MessageStream& operator<<(details::MessageStream& os, const String& text) {
  return os << details::AsStringView(text);
}

/*! \brief A JSON string literal of the text; UTF-8 is kept. */
inline String EscapeStringJSON(const String& value) {
  std::string out = "\"";
  for (const char c : details::AsStringView(value)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '/':
        out += "\\/";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default: {
        const unsigned char byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
          char hex[8];
          std::snprintf(hex, sizeof(hex), "\\u%04x", byte);
          out += hex;
        } else {
          out += c;
        }
      }
    }
  }
  out += '"';
  return String(out);
}

[[deprecated("use EscapeStringJSON")]] inline String EscapeString(const String& value) {
  return EscapeStringJSON(value);
}

namespace details {

/*! \brief Length of the UTF-8 sequence at `text`, 0 when it is not one; `*code_point` is what it
 * encodes. */
inline size_t DecodeUTF8(std::string_view text, uint32_t* code_point) {
  const unsigned char lead = static_cast<unsigned char>(text[0]);
  const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) {
    return 0;
  }
  uint32_t value = lead & (0x7fU >> size);
  for (size_t i = 1; i < size; ++i) {
    const unsigned char byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) {
      return 0;
    }
    value = (value << 6) | (byte & 0x3fU);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
    return 0;
  }
  *code_point = value;
  return size;
}

/*! \brief Length of the ANSI colour sequence at `text`, 0 when it is not one. */
inline size_t AnsiSequenceLength(std::string_view text) {
  if (text.size() < 3 || text[0] != '\x1b' || text[1] != '[') {
    return 0;
  }
  size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}
}  // namespace details

/*! \brief A Python string literal of the text. */
inline String EscapedStringPy(const String& value) {
  std::string out = "\"";
  char buffer[16];
  for (std::string_view rest = details::AsStringView(value); !rest.empty();) {
    const unsigned char byte = static_cast<unsigned char>(rest[0]);
    uint32_t code_point = 0;
    size_t used = 1;
    if (byte == '"' || byte == '\\') {
      (out += '\\') += rest[0];
    } else if (byte == '\n' || byte == '\r' || byte == '\t') {
      (out += '\\') += byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += rest[0];
    } else if (size_t ansi = details::AnsiSequenceLength(rest)) {
      out.append("\\x1b").append(rest.substr(1, ansi - 1));
      used = ansi;
    } else if (size_t size = byte < 0x80 ? 0 : details::DecodeUTF8(rest, &code_point)) {
      std::snprintf(buffer, sizeof(buffer), code_point < 0x10000 ? "\\u%04x" : "\\U%08x",
                    static_cast<unsigned>(code_point));
      out += buffer;
      used = size;
    } else {
      std::snprintf(buffer, sizeof(buffer), "\\x%02x", byte);
      out += buffer;
    }
    rest.remove_prefix(used);
  }
  out += '"';
  return String(out);
}

namespace details {

// The traits below are templates even where they serve one type: what a file does not use of them
// is then not compiled.

/*! \brief Traits of String and Bytes: the part without the borrowed forms. */
template <typename T, int32_t kSmallIndex>
struct BytesTypeTraits : public TypeTraitsBase {
  static constexpr int32_t kHeapIndex = kSmallIndex == kTVMFFISmallStr ? kTVMFFIStr : kTVMFFIBytes;

  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    *result = src.cell_.any();
  }
  TVM_FFI_INLINE static void MoveToAny(T src, TVMFFIAny* result) { src.cell_.MoveTo(result); }
  TVM_FFI_INLINE static bool CheckAnyStrict(const TVMFFIAny* src) {
    return src->type_index == kSmallIndex || src->type_index == kHeapIndex;
  }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return T(BytesCell::FromView(*src));
  }
  TVM_FFI_INLINE static T MoveFromAnyAfterCheck(TVMFFIAny* src) {
    T result(BytesCell::FromOwned(*src));
    src->type_index = kTVMFFINone;
    src->zero_padding = 0;
    src->v_int64 = 0;
    return result;
  }
  TVM_FFI_INLINE static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (CheckAnyStrict(src)) {
      return CopyFromAnyViewAfterCheck(src);
    }
    if constexpr (kSmallIndex == kTVMFFISmallStr) {
      if (src->type_index == kTVMFFIRawStr) {
        return T(src->v_c_str);
      }
    } else {
      if (src->type_index == kTVMFFIByteArrayPtr) {
        return T(*static_cast<const TVMFFIByteArray*>(src->v_ptr));
      }
    }
    return std::nullopt;
  }
  static std::string TypeStr() { return kSmallIndex == kTVMFFISmallStr ? "str" : "bytes"; }
  static std::string TypeSchema() {
    return TypeSchemaOf(kSmallIndex == kTVMFFISmallStr ? StaticTypeKey::kTVMFFIStr
                                                       : StaticTypeKey::kTVMFFIBytes);
  }
};

/*! \brief Traits of `const char*` and `TVMFFIByteArray*`: borrowed as arguments, copied
 * when stored. */
template <typename T, int32_t kTypeIndex>
struct BorrowedBytesTypeTraits : public PODTypeTraits<T, kTypeIndex> {
  static constexpr bool storage_enabled = false;

  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    TVM_FFI_ICHECK_NOTNULL(src);
    BorrowedBytesTypeTraits::SetPtr(result, src);
  }
  TVM_FFI_INLINE static T CopyFromAnyViewAfterCheck(const TVMFFIAny* src) {
    return static_cast<T>(src->v_ptr);
  }
  TVM_FFI_INLINE static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    if (src->type_index == kTypeIndex) {
      return CopyFromAnyViewAfterCheck(src);
    }
    return std::nullopt;
  }
};
}  // namespace details

template <>
struct TypeTraits<String> : public details::BytesTypeTraits<String, kTVMFFISmallStr> {};

template <>
struct TypeTraits<Bytes> : public details::BytesTypeTraits<Bytes, kTVMFFISmallBytes> {};

/*! \brief Raw C strings: borrowed as arguments, copied into a String when stored. */
template <>
struct TypeTraits<const char*>
    : public details::BorrowedBytesTypeTraits<const char*, kTVMFFIRawStr> {
  TVM_FFI_INLINE static void MoveToAny(const char* src, TVMFFIAny* result) {
    TypeTraits<String>::MoveToAny(String(src), result);
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIRawStr; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIRawStr); }
};

template <size_t N>
struct TypeTraits<char[N]> : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;

  TVM_FFI_INLINE static void CopyToAnyView(const char (&src)[N], TVMFFIAny* result) {
    TypeTraits<const char*>::CopyToAnyView(src, result);
  }
  TVM_FFI_INLINE static void MoveToAny(const char (&src)[N], TVMFFIAny* result) {
    TypeTraits<const char*>::MoveToAny(src, result);
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIRawStr; }
  static std::string TypeSchema() { return details::TypeSchemaOf(StaticTypeKey::kTVMFFIRawStr); }
};

template <>
struct TypeTraits<TVMFFIByteArray*>
    : public details::BorrowedBytesTypeTraits<TVMFFIByteArray*, kTVMFFIByteArrayPtr> {
  TVM_FFI_INLINE static void MoveToAny(TVMFFIByteArray* src, TVMFFIAny* result) {
    TypeTraits<Bytes>::MoveToAny(Bytes(*TVM_FFI_ICHECK_NOTNULL(src)), result);
  }
  static std::string TypeStr() { return StaticTypeKey::kTVMFFIByteArrayPtr; }
  static std::string TypeSchema() {
    return details::TypeSchemaOf(StaticTypeKey::kTVMFFIByteArrayPtr);
  }
};

namespace details {
/*! \brief std::string arguments borrow as raw C strings; as a parameter it takes any string or
 * bytes. */
template <typename T>
struct StdStringTypeTraits : public TypeTraitsBase {
  static constexpr bool storage_enabled = false;

  TVM_FFI_INLINE static void CopyToAnyView(const T& src, TVMFFIAny* result) {
    TypeTraits<const char*>::CopyToAnyView(src.c_str(), result);
  }
  TVM_FFI_INLINE static void MoveToAny(T src, TVMFFIAny* result) {
    TypeTraits<String>::MoveToAny(String(std::move(src)), result);
  }
  static std::optional<T> TryCastFromAnyView(const TVMFFIAny* src) {
    switch (src->type_index) {
      case kTVMFFIRawStr:
        return T(src->v_c_str);
      case kTVMFFIByteArrayPtr:
        return Copy(*static_cast<const TVMFFIByteArray*>(src->v_ptr));
      case kTVMFFISmallStr:
      case kTVMFFISmallBytes:
        return Copy(TVMFFISmallBytesGetContentByteArray(src));
      case kTVMFFIStr:
      case kTVMFFIBytes:
        return Copy(*TVMFFIBytesGetByteArrayPtr(src->v_obj));
      default:
        return std::nullopt;
    }
  }
  static std::string TypeStr() { return "std::string"; }
  static std::string TypeSchema() { return TypeSchemaOf("std::string"); }

 private:
  static T Copy(const TVMFFIByteArray& bytes) { return T(bytes.data, bytes.size); }
};
}  // namespace details

template <>
struct TypeTraits<std::string> : public details::StdStringTypeTraits<std::string> {};

}  // namespace ffi
}  // namespace tvm

namespace std {
/*! \brief Equal to the hash of the same text as std::string_view. */
template <>
struct hash<::tvm::ffi::String> {
  size_t operator()(const ::tvm::ffi::String& text) const {
    return std::hash<std::string_view>()(std::string_view(text.data(), text.size()));
  }
};
template <>
struct hash<::tvm::ffi::Bytes> {
  size_t operator()(const ::tvm::ffi::Bytes& bytes) const {
    return std::hash<std::string_view>()(std::string_view(bytes.data(), bytes.size()));
  }
};
}  // namespace std
#endif  // TVM_FFI_STRING_H_
