// The texts of a worker's error. Whatever they are, what the caller gets is well-formed, bounded,
// has no control characters in its backtrace, and comes out of a second cleaning unchanged.
#include "client/src/worker_error.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using tvmffi::host::CleanBacktrace;
using tvmffi::host::CleanText;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckText(std::string_view text, size_t limit) {
  const std::string clean = CleanText(text, limit);
  Require(clean.size() <= limit);
  Require(CleanText(clean, clean.size()) == clean);
}

void CheckBacktrace(std::string_view text) {
  const std::string clean = CleanBacktrace(text);
  Require(std::count(clean.begin(), clean.end(), '\n') <= 512);
  Require(clean.empty() || clean.back() == '\n');
  Require(std::none_of(clean.begin(), clean.end(), [](char c) {
    return c != '\n' && (static_cast<uint8_t>(c) < 0x20 || c == 0x7f);
  }));
  Require(CleanText(clean, clean.size()) == clean);
}

void CheckError(std::string_view kind, std::string_view message, std::string_view backtrace) {
  const auto error = tvmffi::host::MakeWorkerError(kind, message, backtrace, nullptr);
  const TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error.get());
  const std::string_view made(cell->kind.data, cell->kind.size);
  Require(made.size() <= 128);
  Require(!tvmffi::host::IsReservedKind(made));
  Require(tvmffi::host::ExtraContext(error.get()) == nullptr);
}

}  // namespace

// One byte: how long the kind is. Then the kind, the message up to a zero byte, the backtrace.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // A copy of exactly this size: the sanitizer sees every byte read past its end.
  const std::string copy(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string_view rest = copy;
  const std::string_view kind = rest.substr(0, data[0]);
  rest.remove_prefix(kind.size());
  const std::string_view message = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(message.size() + 1, rest.size()));
  CheckText(message, message.size());
  CheckText(message, data[0]);
  CheckBacktrace(rest);
  CheckError(kind, message, rest);
  return 0;
}
