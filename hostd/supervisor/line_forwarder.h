// Copies a worker's output to the daemon's stderr: line by line, escaped, at a bounded rate.
#ifndef TVMFFI_HOSTD_SUPERVISOR_LINE_FORWARDER_H_
#define TVMFFI_HOSTD_SUPERVISOR_LINE_FORWARDER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace tvmffi::hostd {

class LineForwarder {
 public:
  static constexpr int kLinesPerSecond = 200;
  static constexpr size_t kMaxLine = 1000;

  // Borrows `fd`. Lines read "[label] text".
  LineForwarder(int fd, const std::string& label);

  void Append(std::string_view bytes_untrusted);
  // Writes an unfinished last line, and how many were left out.
  void Finish();

 private:
  void Line();
  void Write(const std::string& line);

  int fd_;
  std::string prefix_;
  std::string unfinished_;
  int64_t second_ = 0;
  int lines_this_second_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_LINE_FORWARDER_H_
