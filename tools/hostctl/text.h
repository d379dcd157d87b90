// What is shown on a terminal.
#ifndef TVMFFI_TOOLS_HOSTCTL_TEXT_H_
#define TVMFFI_TOOLS_HOSTCTL_TEXT_H_

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace tvmffi::hostctl {

// Nothing that steers a terminal: bytes other than printable ASCII become "\x1b".
std::string Printable(const std::string& text);

// "12 ms", "3.4 s", "2 h".
std::string Duration(double seconds);
// "17 B", "3.4 MiB".
std::string Bytes(uint64_t bytes);

// Each returns an ExitCode: of a text on stdout, kFailed when it could not be written; of a message
// on stderr, printable and after this program's name, the `code` given.
int Print(const std::string& text);
int Fail(const std::string& message, int code);

// For stdout, indented and ended; bytes that are not UTF-8 are replaced.
std::string Dump(const nlohmann::ordered_json& json);

// Columns as wide as their widest cell, two spaces between; every cell printable.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { Row(std::move(header)); }
  void Row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Each line ended.
  std::string ToText() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_TEXT_H_
