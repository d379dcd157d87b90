// JSON text to values. Not recursive: open containers are kept in a stack, and the finished
// elements of all of them in another, so that a container is allocated once, at its full size.
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/json.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libffi_core/extra/json_text.h"
#include "libffi_core/global_def.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::ArrayObj;
using tvm::ffi::MapObj;
using tvm::ffi::ObjectPtr;
using tvm::ffi::ObjectRef;
using tvm::ffi::String;

constexpr uint32_t kHighSurrogate = 0xd800;
constexpr uint32_t kLowSurrogate = 0xdc00;
constexpr uint32_t kSurrogateEnd = 0xe000;

void AppendUtf8(uint32_t code_point, std::string* out) {
  const auto append = [out](uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    append(code_point);
    return;
  }
  if (code_point < 0x800) {
    append(0xc0 | (code_point >> 6));
  } else {
    if (code_point < 0x10000) {
      append(0xe0 | (code_point >> 12));
    } else {
      append(0xf0 | (code_point >> 18));
      append(0x80 | ((code_point >> 12) & 0x3f));
    }
    append(0x80 | ((code_point >> 6) & 0x3f));
  }
  append(0x80 | (code_point & 0x3f));
}

// What a character behind a backslash stands for; 0 when it is none of the short escapes.
char ShortEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

// Takes key, value, key, value ... Of equal keys the last value counts; from four entries on it
// also takes the last one's place in the order, as it does by itself in the dense form of a map.
ObjectRef MakeMap(Any* first, size_t num_entries) {
  constexpr size_t kMaxSmallEntries = 4;
  ObjectPtr<MapObj> map = MapObj::Empty(num_entries);
  for (size_t i = 0; i < num_entries; ++i) {
    Any& key = first[2 * i];
    if (num_entries == kMaxSmallEntries) map->Erase(key);
    map->Set(std::move(key), std::move(first[2 * i + 1]));
  }
  return ObjectRef(std::move(map));
}

ObjectRef MakeArray(Any* first, size_t size) {
  ObjectPtr<ArrayObj> array = ArrayObj::Empty(static_cast<int64_t>(size));
  for (size_t i = 0; i < size; ++i) array->EmplaceBack(std::move(first[i]));
  return ObjectRef(std::move(array));
}

class JsonParser {
 public:
  explicit JsonParser(std::string_view text)
      : begin_(text.data()), cur_(begin_), end_(begin_ + text.size()) {}

  // False when the text has an error.
  bool Parse() {
    SkipSpace();
    while (true) {
      bool opened = false;
      if (!ReadValue(&opened)) return false;
      if (opened) continue;
      bool more = false;
      if (!CloseFinished(&more)) return false;
      if (!more) return true;
    }
  }

  Any TakeResult() { return std::move(values_.back()); }

  std::string ErrorText() const {
    const std::string_view before(begin_, static_cast<size_t>(error_at_ - begin_));
    const size_t line_start = before.rfind('\n') + 1;
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return std::string(error_) + ": line " + std::to_string(line) + " column " +
           std::to_string(before.size() - line_start + 1) + " (char " +
           std::to_string(before.size()) + ")";
  }

 private:
  struct Container {
    size_t first_value;
    bool is_object;
  };

  bool Fail(const char* error, const char* at) {
    error_ = error;
    error_at_ = at;
    return false;
  }
  bool FailExpectingValue() { return Fail("Expecting value", cur_); }

  void SkipSpace() {
    while (cur_ != end_ && (*cur_ == ' ' || *cur_ == '\n' || *cur_ == '\r' || *cur_ == '\t'))
      ++cur_;
  }

  // Reads a value that is no container, or an empty one. Of any other container it reads what is
  // before its first value.
  bool ReadValue(bool* opened) {
    if (cur_ == end_) return FailExpectingValue();
    switch (*cur_) {
      case '"':
        return ReadString();
      case '[':
      case '{':
        return OpenContainer(opened);
      case 't':
        return ReadWord("true", true);
      case 'f':
        return ReadWord("false", false);
      case 'n':
        return ReadWord("null", nullptr);
      case 'N':
        return ReadWord("NaN", std::numeric_limits<double>::quiet_NaN());
      case 'I':
        return ReadWord("Infinity", std::numeric_limits<double>::infinity());
      case '-':
        if (cur_ + 1 != end_ && cur_[1] == 'I')
          return ReadWord("-Infinity", -std::numeric_limits<double>::infinity());
        break;
      default:
        break;
    }
    return ReadNumber();
  }

  template <typename T>
  bool ReadWord(std::string_view word, T value) {
    const std::string_view rest(cur_, static_cast<size_t>(end_ - cur_));
    if (rest.substr(0, word.size()) != word) return FailExpectingValue();
    cur_ += word.size();
    values_.emplace_back(value);
    return true;
  }

  bool ReadNumber() {
    Any number;
    const char* after = ReadJsonNumber(cur_, end_, &number);
    if (after == nullptr) return FailExpectingValue();
    cur_ = after;
    values_.push_back(std::move(number));
    return true;
  }

  bool OpenContainer(bool* opened) {
    const bool is_object = *cur_ == '{';
    if (open_.size() == kMaxJsonDepth) return Fail("Containers are nested too deeply", cur_);
    open_.push_back({values_.size(), is_object});
    ++cur_;
    SkipSpace();
    if (cur_ != end_ && *cur_ == (is_object ? '}' : ']')) {
      CloseContainer();
      return true;
    }
    *opened = true;
    return !is_object || ReadKey();
  }

  void CloseContainer() {
    ++cur_;
    const Container container = open_.back();
    open_.pop_back();
    Any* const first = values_.data() + container.first_value;
    const size_t count = values_.size() - container.first_value;
    Any value = container.is_object ? MakeMap(first, count / 2) : MakeArray(first, count);
    values_.resize(container.first_value);
    values_.push_back(std::move(value));
  }

  // Behind a finished value: closes the containers that end there. `*more` when another value
  // follows, not when the text is read to its end.
  bool CloseFinished(bool* more) {
    while (!open_.empty()) {
      SkipSpace();
      const bool is_object = open_.back().is_object;
      if (cur_ != end_ && *cur_ == (is_object ? '}' : ']')) {
        CloseContainer();
        continue;
      }
      *more = true;
      return ReadComma() && (!is_object || ReadKey());
    }
    SkipSpace();
    return cur_ == end_ || Fail("Extra data", cur_);
  }

  bool ReadComma() {
    if (cur_ == end_ || *cur_ != ',') return Fail("Expecting ',' delimiter", cur_);
    ++cur_;
    SkipSpace();
    return cur_ != end_ || Fail("Syntax error near", cur_);
  }

  // A key and the colon behind it.
  bool ReadKey() {
    if (cur_ == end_ || *cur_ != '"')
      return Fail("Expecting property name enclosed in double quotes", cur_);
    if (!ReadString()) return false;
    SkipSpace();
    if (cur_ == end_ || *cur_ != ':') return Fail("Expecting ':' delimiter", cur_);
    ++cur_;
    SkipSpace();
    return true;
  }

  // The first character from `p` on that is a quote, a backslash or a control character.
  const char* EndOfPlainText(const char* p) const {
    for (; end_ - p >= 8; p += 8) {
      const uint64_t word = LoadEightBytes(p);
      const uint64_t hits = BytesEqualTo(word, '"') | BytesEqualTo(word, '\\') | BytesBelow32(word);
      if (hits != 0) return p + FirstHit(hits);
    }
    while (p != end_ && *p != '"' && *p != '\\' && static_cast<unsigned char>(*p) >= 32) ++p;
    return p;
  }

  bool ReadString() {
    const char* const quote = cur_;
    const char* const start = cur_ + 1;
    const char* p = EndOfPlainText(start);
    if (p != end_ && *p == '"') {
      values_.emplace_back(String(start, static_cast<size_t>(p - start)));
      cur_ = p + 1;
      return true;
    }
    scratch_.clear();
    for (const char* plain = start;; plain = p, p = EndOfPlainText(p)) {
      scratch_.append(plain, p);
      if (p == end_) return Fail("Unterminated string starting at", quote);
      if (*p == '"') break;
      if (*p != '\\') return Fail("Invalid control character at", p);
      if (!ReadEscape(&p)) return false;
    }
    values_.emplace_back(String(scratch_.data(), scratch_.size()));
    cur_ = p + 1;
    return true;
  }

  // Moves `*p` from the backslash to behind the escape.
  bool ReadEscape(const char** p) {
    const char* const kind = *p + 1;
    if (kind != end_ && *kind == 'u') return ReadUnicodeEscape(kind, p);
    const char plain = kind == end_ ? '\0' : ShortEscape(*kind);
    if (plain == '\0') return Fail("Invalid \\escape", kind);
    scratch_.push_back(plain);
    *p = kind + 1;
    return true;
  }

  bool ReadUnicodeEscape(const char* kind, const char** p) {
    std::optional<uint32_t> code = ReadHex(kind + 1);
    if (!code.has_value()) return Fail("Invalid \\uXXXX escape", kind);
    const char* after = kind + 5;
    if (*code >= kHighSurrogate && *code < kSurrogateEnd) {
      if (*code >= kLowSurrogate || end_ - after < 2 || after[0] != '\\' || after[1] != 'u')
        return Fail("Invalid surrogate pair of \\uXXXX escapes", kind);
      const std::optional<uint32_t> low = ReadHex(after + 2);
      if (!low.has_value()) return Fail("Invalid \\uXXXX escape", after + 2);
      if (*low < kLowSurrogate || *low >= kSurrogateEnd)
        return Fail("Invalid surrogate pair of \\uXXXX escapes", after + 2);
      code = 0x10000 + ((*code - kHighSurrogate) << 10) + (*low - kLowSurrogate);
      after += 6;
    }
    AppendUtf8(*code, &scratch_);
    *p = after;
    return true;
  }

  std::optional<uint32_t> ReadHex(const char* p) const {
    if (end_ - p < 4) return std::nullopt;
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = p[i];
      const char lower = static_cast<char>(c | 0x20);
      const bool is_digit = c >= '0' && c <= '9';
      if (!is_digit && (lower < 'a' || lower > 'f')) return std::nullopt;
      value = value * 16 + static_cast<uint32_t>(is_digit ? c - '0' : lower - 'a' + 10);
    }
    return value;
  }

  const char* begin_;
  const char* cur_;
  const char* end_;
  // Finished elements of the open containers, of an object keys and values in turn.
  std::vector<Any> values_;
  std::vector<Container> open_;
  std::string scratch_;
  const char* error_ = nullptr;
  const char* error_at_ = nullptr;
};

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {
namespace json {

Value Parse(const String& json_str, String* error_msg) {
  tvmffi::core::JsonParser parser(std::string_view(json_str.data(), json_str.size()));
  if (parser.Parse()) {
    if (error_msg != nullptr) *error_msg = String();
    return parser.TakeResult();
  }
  if (error_msg == nullptr) TVM_FFI_THROW(ValueError) << parser.ErrorText();
  *error_msg = String(parser.ErrorText());
  return nullptr;
}

namespace {

TVM_FFI_STATIC_INIT_BLOCK() {
  tvmffi::core::GlobalDef().Typed("ffi.json.Parse", [](const String& text) { return Parse(text); });
}

}  // namespace
}  // namespace json
}  // namespace ffi
}  // namespace tvm
