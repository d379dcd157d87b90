#include "client/src/worker_error.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "proto/base/utf8.h"

namespace tvmffi::host {
namespace {

constexpr size_t kMaxKind = 128;
constexpr size_t kMaxMessage = 1u << 20;
constexpr size_t kMaxLine = 4096;
constexpr int kMaxLines = 512;

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) >= 0x20 && c != 0x7f; });
}

// Takes `prefix` off the front of `text`.
bool Skip(std::string_view* text, std::string_view prefix) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

std::optional<int64_t> ParseLineNumber(std::string_view digits) {
  if (digits.empty() || digits.size() > 10) return std::nullopt;
  int64_t number = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number < (int64_t{1} << 31) ? std::optional<int64_t>(number) : std::nullopt;
}

bool AppendLine(std::string_view line, std::string* out) {
  if (line.size() > kMaxLine || !IsPlain(line)) return false;
  std::string_view rest = line;
  if (!Skip(&rest, "  File \"")) return false;
  const size_t quote = rest.find("\", line ");
  if (quote == std::string_view::npos) return false;
  const std::string_view file = rest.substr(0, quote);
  rest.remove_prefix(quote + std::string_view("\", line ").size());
  const size_t comma = rest.find(", in ");
  if (comma == std::string_view::npos) return false;
  const std::optional<int64_t> number = ParseLineNumber(rest.substr(0, comma));
  if (!number) return false;
  const std::string_view function = rest.substr(comma + std::string_view(", in ").size());
  *out += "  File \"" + CleanText(file, kMaxLine) + "\", line " + std::to_string(*number) +
          ", in " + CleanText(function, kMaxLine) + "\n";
  return true;
}

bool SaysTheSame(TVMFFIObjectHandle error, std::string_view kind, std::string_view message) {
  if (error == nullptr) return false;
  const TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error);
  return kind == std::string_view(cell->kind.data, cell->kind.size) &&
         message == std::string_view(cell->message.data, cell->message.size);
}

}  // namespace

std::string CleanText(std::string_view text, size_t limit) {
  std::string clean;
  clean.reserve(std::min(text.size(), limit));
  while (!text.empty()) {
    uint32_t code_point = 0;
    const size_t length = DecodeUtf8(text, &code_point);
    const std::string_view next =
        length != 0 ? text.substr(0, length) : std::string_view("\xEF\xBF\xBD");
    if (clean.size() + next.size() > limit) break;
    clean += next;
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return clean;
}

std::string CleanBacktrace(std::string_view backtrace) {
  std::string clean;
  int lines = 0;
  while (!backtrace.empty() && lines < kMaxLines) {
    const size_t end = std::min(backtrace.find('\n'), backtrace.size());
    if (AppendLine(backtrace.substr(0, end), &clean)) ++lines;
    backtrace.remove_prefix(std::min(end + 1, backtrace.size()));
  }
  return clean;
}

Failure MakeWorkerError(std::string_view kind, std::string_view message, std::string_view backtrace,
                        TVMFFIObjectHandle callback_error) {
  const std::string lines = CleanBacktrace(backtrace);
  if (SaysTheSame(callback_error, kind, message)) {
    return MakeError(kind, message, lines, ExtraContext(callback_error));
  }
  std::string clean_kind = CleanText(kind, kMaxKind);
  std::string clean_message = CleanText(message, kMaxMessage);
  if (IsReservedKind(clean_kind)) {
    return MakeError("RuntimeError", "plug-in raised " + clean_kind + ": " + clean_message, lines);
  }
  return MakeError(clean_kind, clean_message, lines);
}

}  // namespace tvmffi::host
