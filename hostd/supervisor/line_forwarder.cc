#include "hostd/supervisor/line_forwarder.h"

#include "hostd/text.h"
#include "proto/base/clock.h"

namespace tvmffi::hostd {

LineForwarder::LineForwarder(int fd, const std::string& label)
    : fd_(fd), prefix_("[" + EscapeLine(label, 80) + "] ") {}

void LineForwarder::Append(std::string_view bytes_untrusted) {
  while (!bytes_untrusted.empty()) {
    size_t newline = bytes_untrusted.find('\n');
    unfinished_ += bytes_untrusted.substr(0, newline);
    // EscapeLine cuts it, the rest of a longer line need not be kept.
    if (unfinished_.size() > kMaxLine) unfinished_.resize(kMaxLine + 1);
    if (newline == std::string_view::npos) return;
    Line();
    bytes_untrusted.remove_prefix(newline + 1);
  }
}

void LineForwarder::Finish() {
  if (!unfinished_.empty()) Line();
  if (left_out_ > 0) Write(prefix_ + "(" + std::to_string(left_out_) + " lines left out)\n");
}

void LineForwarder::Line() {
  int64_t second = MonotonicNanos() / 1'000'000'000;
  if (second != second_) {
    second_ = second;
    lines_this_second_ = 0;
    if (left_out_ > 0) {
      std::string note = prefix_ + "(" + std::to_string(left_out_) + " lines left out)\n";
      left_out_ = 0;
      Write(note);
    }
  }
  if (++lines_this_second_ > kLinesPerSecond) {
    ++left_out_;
  } else {
    Write(prefix_ + EscapeLine(unfinished_, kMaxLine) + "\n");
  }
  unfinished_.clear();
}

void LineForwarder::Write(const std::string& line) {
  if (!WriteWithoutWaiting(fd_, line)) ++left_out_;
}

}  // namespace tvmffi::hostd
