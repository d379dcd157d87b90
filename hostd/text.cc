#include "hostd/text.h"

#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace tvmffi::hostd {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kCutMark = "...";

struct Decoded {
  uint32_t code_point;
  size_t length;  // zero: no valid sequence starts here
};

Decoded DecodeOne(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {0, 0};
  uint32_t code_point = lead & (0x7F >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  bool overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (overlong || surrogate || code_point > 0x10FFFF) return {0, 0};
  return {code_point, length};
}

// Terminals act on C0, DEL and C1; the bidirectional overrides make a line read as another one.
bool NeedsEscape(uint32_t c) {
  if (c == '\t') return false;
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string EscapeLine(std::string_view line_untrusted, size_t max_bytes) {
  std::string result;
  for (size_t at = 0; at < line_untrusted.size();) {
    Decoded decoded = DecodeOne(line_untrusted.substr(at));
    std::string piece;
    if (decoded.length == 0) {
      piece = kReplacement;
    } else if (NeedsEscape(decoded.code_point)) {
      char escaped[16];
      std::snprintf(escaped, sizeof(escaped), decoded.code_point < 0x100 ? "\\x%02x" : "\\u%04x",
                    decoded.code_point);
      piece = escaped;
    } else {
      piece = line_untrusted.substr(at, decoded.length);
    }
    if (result.size() + piece.size() + kCutMark.size() > max_bytes) {
      result += kCutMark;
      return result;
    }
    result += piece;
    at += decoded.length == 0 ? 1 : decoded.length;
  }
  return result;
}

bool WriteWithoutWaiting(int fd, std::string_view text) {
  // A pipe that polls writable takes PIPE_BUF bytes whole; its mode stays as it is, others share
  // it.
  pollfd entry{fd, POLLOUT, 0};
  if (::poll(&entry, 1, 0) != 1 || (entry.revents & POLLOUT) == 0) return false;
  return ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace tvmffi::hostd
