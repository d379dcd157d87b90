#include "hostd/text.h"

#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include "proto/base/utf8.h"

namespace tvmffi::hostd {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kCutMark = "...";

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
    uint32_t code_point = 0;
    const size_t length = DecodeUtf8(line_untrusted.substr(at), &code_point);
    std::string piece;
    if (length == 0) {
      piece = kReplacement;
    } else if (NeedsEscape(code_point)) {
      char escaped[16];
      std::snprintf(escaped, sizeof(escaped), code_point < 0x100 ? "\\x%02x" : "\\u%04x",
                    code_point);
      piece = escaped;
    } else {
      piece = line_untrusted.substr(at, length);
    }
    if (result.size() + piece.size() + kCutMark.size() > max_bytes) {
      result += kCutMark;
      return result;
    }
    result += piece;
    at += length == 0 ? 1 : length;
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
