#include "tools/hostctl/text.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/hostctl/exit_codes.h"

namespace tvmffi::hostctl {

std::string Printable(const std::string& text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string printable;
  for (unsigned char byte : text) {
    if (byte >= 0x20 && byte < 0x7f) {
      printable += static_cast<char>(byte);
    } else {
      printable += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return printable;
}

std::string Duration(double seconds) {
  struct Unit {
    double limit;
    double factor;
    const char* name;
  };
  constexpr Unit kUnits[] = {{1e-6, 1e9, "ns"}, {1e-3, 1e6, "us"},       {1, 1e3, "ms"},
                             {120, 1, "s"},     {7200, 1 / 60.0, "min"}, {172800, 1 / 3600.0, "h"}};
  char text[32];
  for (const Unit& unit : kUnits) {
    if (seconds >= unit.limit) continue;
    const double value = seconds * unit.factor;
    std::snprintf(text, sizeof(text), value < 9.95 ? "%.1f %s" : "%.0f %s", value, unit.name);
    return text;
  }
  std::snprintf(text, sizeof(text), "%.0f d", seconds / 86400);
  return text;
}

std::string Bytes(uint64_t bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  size_t unit = 0;
  double value = static_cast<double>(bytes);
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof(text), unit == 0 || value >= 9.95 ? "%.0f %s" : "%.1f %s", value,
                units[unit]);
  return text;
}

int Print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? kOk : kFailed;
}

int Fail(const std::string& message, int code) {
  std::fprintf(stderr, "tvmffi-hostctl: %s\n", Printable(message).c_str());
  return code;
}

std::string Dump(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string Table::ToText() const {
  std::vector<size_t> widths;
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : rows_) {
    rows.emplace_back();
    for (size_t i = 0; i < row.size(); ++i) {
      rows.back().push_back(Printable(row[i]));
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], rows.back()[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace tvmffi::hostctl
