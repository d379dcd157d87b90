// What a worker prints, in pieces of any length: the tail in reports and the forwarded lines are
// bounded and hold nothing that a terminal acts on.
#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "hostd/supervisor/line_forwarder.h"
#include "hostd/supervisor/log_ring.h"
#include "hostd/text.h"

namespace {

using tvmffi::hostd::EscapeLine;
using tvmffi::hostd::LineForwarder;
using tvmffi::hostd::LogRing;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckLine(const std::string& line, size_t limit) {
  Require(line.size() <= limit);
  Require(std::none_of(line.begin(), line.end(), [](char c) {
    return c != '\t' && (static_cast<uint8_t>(c) < 0x20 || c == 0x7f);
  }));
  // What is safe to show is shown as it is.
  Require(EscapeLine(line, line.size() + 3) == line);
}

}  // namespace

// The first byte: how long the pieces are; the second: how often all of it is printed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (size < 2) return 0;
  const size_t piece = data[0] + size_t{1};
  const std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  CheckLine(EscapeLine(text, 100), 100);
  LogRing ring;
  LineForwarder forwarder(nowhere, text.substr(0, 20));
  for (int times = data[1] % 32; times >= 0; --times) {
    for (size_t at = 0; at < text.size(); at += piece) {
      const std::string copy = text.substr(at, piece);
      ring.Append(copy);
      forwarder.Append(copy);
    }
  }
  forwarder.Finish();
  const auto lines = ring.TailLines();
  Require(lines.size() <= LogRing::kTailLines);
  for (const std::string& line : lines) CheckLine(line, LogRing::kMaxLine);
  return 0;
}
