#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
// Version 3.3 asserts what malformed text can break, and then reports the error all the same.
#define TOML_ASSERT(expr) static_cast<void>(0)
#include <fcntl.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "proto/base/unique_fd.h"
#include "proto/policy/policy.h"

namespace tvmffi {
namespace {

Status At(const std::string& name, uint32_t line, const std::string& message) {
  return {Code::kInvalidArgument, name + ":" + std::to_string(line) + ": " + message};
}

std::optional<std::vector<std::string>> ToTexts(const toml::array& array) {
  std::vector<std::string> texts;
  for (const toml::node& element : array) {
    const auto* text = element.as_string();
    if (text == nullptr) return std::nullopt;
    texts.push_back(text->get());
  }
  return texts;
}

std::optional<PolicyValue> ToValue(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return PolicyValue(flag->get());
  if (const auto* integer = node.as_integer()) return PolicyValue(integer->get());
  if (const auto* real = node.as_floating_point()) return PolicyValue(real->get());
  if (const auto* text = node.as_string()) return PolicyValue(text->get());
  if (const auto* array = node.as_array()) {
    if (std::optional<std::vector<std::string>> texts = ToTexts(*array)) {
      return PolicyValue(std::move(*texts));
    }
  }
  return std::nullopt;
}

// The line of the first byte that is neither printable ASCII nor white space, 0 without one. The
// parser of this version asserts or shifts too far at some of them.
uint32_t LineOfOddByte(std::string_view text) {
  uint32_t line = 1;
  for (char c : text) {
    if (c == '\n') ++line;
    const bool is_space = c == '\t' || c == '\n' || c == '\r';
    if (!is_space && (c < 0x20 || c > 0x7e)) return line;
  }
  return 0;
}

// The line of the first table, 0 without one: keys of tables are another place where the parser
// asserts, and a policy has no use for them.
uint32_t LineOfTable(std::string_view text) {
  uint32_t line = 1;
  bool is_first = true;
  for (char c : text) {
    if (is_first && c == '[') return line;
    if (c == '\n') ++line;
    is_first = c == '\n' || (is_first && (c == ' ' || c == '\t' || c == '\r'));
  }
  return 0;
}

}  // namespace

Result<Policy> ParsePolicy(std::string_view text, const std::string& name) {
  if (text.size() > kMaxPolicyText) {
    return Status{Code::kInvalidArgument, name + ": it has " + std::to_string(text.size()) +
                                              " bytes, limit is " + std::to_string(kMaxPolicyText)};
  }
  if (const uint32_t line = LineOfOddByte(text); line != 0) {
    return At(name, line, "a policy is plain ASCII; write other characters as \"\\u00e9\"");
  }
  if (const uint32_t line = LineOfTable(text); line != 0) {
    return At(name, line, "a policy has no tables: no line begins with '['");
  }
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    return At(name, parsed.error().source().begin.line, std::string(parsed.error().description()));
  }
  Policy policy;
  for (const auto& [key, node] : parsed.table()) {
    const uint32_t line = node.source().begin.line;
    const std::string word(key.str());
    std::optional<PolicyValue> value = ToValue(node);
    if (!value) {
      return At(name, line, "'" + word + "' must be a flag, a number, a text or a list of texts");
    }
    if (Status status = SetPolicyKey(word, *value, &policy); !status.ok()) {
      return At(name, line, status.message);
    }
  }
  return policy;
}

Result<Policy> ReadPolicyFile(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return ErrnoStatus(errno, "cannot read policy '" + path + "'");
  std::string text;
  char piece[4096];
  // One byte more than it may have, for ParsePolicy to see.
  while (text.size() <= kMaxPolicyText) {
    const ssize_t size = ::read(file.get(), piece, sizeof(piece));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ErrnoStatus(errno, "cannot read policy '" + path + "'");
    if (size == 0) break;
    text.append(piece, static_cast<size_t>(size));
  }
  return ParsePolicy(text, path);
}

}  // namespace tvmffi
