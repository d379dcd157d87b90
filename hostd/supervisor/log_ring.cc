#include "hostd/supervisor/log_ring.h"

#include <algorithm>

#include "hostd/text.h"

namespace tvmffi::hostd {

void LogRing::Append(std::string_view bytes_untrusted) {
  total_bytes_ += bytes_untrusted.size();
  if (bytes_untrusted.size() > kCapacity) {
    bytes_untrusted.remove_prefix(bytes_untrusted.size() - kCapacity);
  }
  size_t grow = std::min(bytes_untrusted.size(), kCapacity - bytes_.size());
  bytes_.append(bytes_untrusted.substr(0, grow));
  for (std::string_view rest = bytes_untrusted.substr(grow); !rest.empty();) {
    size_t run = std::min(rest.size(), kCapacity - next_);
    bytes_.replace(next_, run, rest.substr(0, run));
    next_ = (next_ + run) % kCapacity;
    rest.remove_prefix(run);
  }
}

std::string LogRing::Contents() const { return bytes_.substr(next_) + bytes_.substr(0, next_); }

std::vector<std::string> LogRing::TailLines() const {
  std::string contents = Contents();
  std::string_view text = contents;
  if (total_bytes_ > kCapacity) {
    size_t first_newline = text.find('\n');
    if (first_newline != std::string_view::npos && first_newline + 1 < text.size()) {
      text.remove_prefix(first_newline + 1);
    }
  }
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < kTailLines) {
    size_t newline = text.rfind('\n');
    std::string_view line = newline == std::string_view::npos ? text : text.substr(newline + 1);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(0, newline);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back(EscapeLine(line, kMaxLine));
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace tvmffi::hostd
