#include "proto/policy/policy.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>

namespace tvmffi {
namespace {

using wire::Grants;
using wire::Limits;

constexpr double kMaxCpus = 100'000;

Status Bad(std::string_view key, const std::string& expected) {
  return {Code::kInvalidArgument, "'" + std::string(key) + "' must be " + expected};
}

// "64 MiB", "64MiB", "64".
bool ParseSize(std::string_view text, uint64_t* bytes) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  if (!unit.empty() && unit[0] == ' ') unit.remove_prefix(1);
  constexpr std::pair<std::string_view, int> kUnits[] = {{"", 0},     {"B", 0},    {"KiB", 10},
                                                         {"MiB", 20}, {"GiB", 30}, {"TiB", 40}};
  for (auto [name, shift] : kUnits) {
    if (unit != name) continue;
    if (number > (std::numeric_limits<uint64_t>::max() >> shift)) return false;
    *bytes = number << shift;
    return true;
  }
  return false;
}

Status SetSize(std::string_view key, const PolicyValue& value, uint64_t* bytes) {
  const auto* number = std::get_if<int64_t>(&value);
  const auto* text = std::get_if<std::string>(&value);
  if (number != nullptr && *number >= 0) {
    *bytes = static_cast<uint64_t>(*number);
    return OkStatus();
  }
  if (text != nullptr && ParseSize(*text, bytes)) return OkStatus();
  return Bad(key, "a size: a number of bytes, or a text like \"64 MiB\"");
}

Status SetCount(std::string_view key, const PolicyValue& value, uint32_t* count) {
  const auto* number = std::get_if<int64_t>(&value);
  if (number == nullptr || *number < 1 || *number > UINT32_MAX) {
    return Bad(key, "a whole number from 1 to 4294967295");
  }
  *count = static_cast<uint32_t>(*number);
  return OkStatus();
}

Status SetCpus(std::string_view key, const PolicyValue& value, uint32_t* percent) {
  double cpus = 0;
  if (const auto* number = std::get_if<double>(&value)) cpus = *number;
  if (const auto* number = std::get_if<int64_t>(&value)) cpus = static_cast<double>(*number);
  if (!(cpus >= 0.01 && cpus <= kMaxCpus)) return Bad(key, "a number of CPUs from 0.01 to 100000");
  *percent = static_cast<uint32_t>(std::lround(cpus * 100));
  return OkStatus();
}

Status SetPaths(std::string_view key, const PolicyValue& value, std::vector<std::string>* paths) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  auto is_bad = [](const std::string& path) {
    return path.empty() || path[0] != '/' || path.size() > wire::kMaxPath ||
           path.find('\0') != std::string::npos;
  };
  if (list == nullptr || list->size() > wire::kMaxGrants ||
      std::any_of(list->begin(), list->end(), is_bad)) {
    return Bad(key, "a list of at most " + std::to_string(wire::kMaxGrants) + " absolute paths");
  }
  *paths = *list;
  return OkStatus();
}

// An entry of it ends at a colon.
Status SetLibraryPath(std::string_view key, const PolicyValue& value,
                      std::vector<std::string>* paths) {
  std::vector<std::string> found;
  TVMFFI_RETURN_IF_ERROR(SetPaths(key, value, &found));
  size_t size = 0;
  for (const std::string& path : found) {
    if (path.find_first_of(":;") != std::string::npos) {
      return Bad(key, "a list of paths without ':' and ';'");
    }
    size += path.size() + 1;
  }
  if (size > 3072) return Bad(key, "a list of paths of at most 3072 bytes together");
  *paths = std::move(found);
  return OkStatus();
}

// Names as they stand in the module's file: they are compared whole.
Status SetLibraries(std::string_view key, const PolicyValue& value,
                    std::optional<std::vector<std::string>>* libraries) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  auto is_bad = [](const std::string& name) {
    return name.empty() || name.size() > wire::kMaxPath || name.find('\0') != std::string::npos;
  };
  if (list == nullptr || list->size() > kMaxPolicyLibraries ||
      std::any_of(list->begin(), list->end(), is_bad)) {
    return Bad(key, "a list of at most " + std::to_string(kMaxPolicyLibraries) +
                        " names of libraries, like \"libc.so.6\"");
  }
  *libraries = *list;
  return OkStatus();
}

bool IsVariableName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  return !name.empty() && kLetters.find(name[0]) != kLetters.npos &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == name.npos;
}

Status SetEnvironment(std::string_view key, const PolicyValue& value,
                      std::vector<std::string>* environment) {
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list == nullptr || list->size() > wire::kMaxEnvironment) {
    return Bad(key, "a list of at most " + std::to_string(wire::kMaxEnvironment) +
                        " texts \"NAME\" or \"NAME=value\"");
  }
  std::set<std::string_view> names;
  for (const std::string& entry : *list) {
    const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
    if (!IsVariableName(name) || entry.find('\0') != entry.npos) {
      return Bad(key, "texts \"NAME\" or \"NAME=value\", with names of letters, digits and '_'");
    }
    if (entry.size() > wire::kMaxEnvironmentEntry) {
      return Bad(key, "texts of at most " + std::to_string(wire::kMaxEnvironmentEntry) + " bytes");
    }
    if (!names.insert(name).second) {
      return Bad(key, "a list that names '" + std::string(name) + "' once");
    }
  }
  *environment = *list;
  return OkStatus();
}

Status SetBool(std::string_view key, const PolicyValue& value, bool* flag) {
  const auto* given = std::get_if<bool>(&value);
  if (given == nullptr) return Bad(key, "true or false");
  *flag = *given;
  return OkStatus();
}

// Plain ASCII; `text` is UTF-8, as everything that was read from TOML.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte < 0x7f) {
      if (byte == '"' || byte == '\\') quoted += '\\';
      quoted += text[i];
      continue;
    }
    const int more = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    uint32_t point = more == 0 ? byte : byte & (0x3fu >> more);
    for (int k = 0; k < more && i + 1 < text.size(); ++k) {
      point = point << 6 | (static_cast<unsigned char>(text[++i]) & 0x3fu);
    }
    char escape[16];
    std::snprintf(escape, sizeof(escape), "\\U%08x", point);
    quoted += escape;
  }
  return quoted + "\"";
}

std::string ListLine(const char* key, const std::vector<std::string>& texts) {
  std::string line = std::string(key) + " = [";
  for (const std::string& text : texts) line += (line.back() == '[' ? "" : ", ") + Quoted(text);
  return line + "]\n";
}

template <typename Number>
std::string LimitLine(const char* key, Number limit) {
  return limit == 0 ? "" : std::string(key) + " = " + std::to_string(limit) + "\n";
}

}  // namespace

Status SetPolicyKey(std::string_view key, const PolicyValue& value, Policy* policy) {
  Limits& limits = policy->limits;
  Grants& grants = policy->grants;
  if (key == "read") return SetPaths(key, value, &grants.read);
  if (key == "library_path") return SetLibraryPath(key, value, &policy->library_path);
  if (key == "libraries") return SetLibraries(key, value, &policy->libraries);
  if (key == "tmpfs") return SetSize(key, value, &grants.tmpfs_bytes);
  if (key == "memory") return SetSize(key, value, &limits.memory_bytes);
  if (key == "processes") return SetCount(key, value, &limits.processes);
  if (key == "cpus") return SetCpus(key, value, &limits.cpu_percent);
  if (key == "cpu_seconds") return SetCount(key, value, &limits.cpu_seconds);
  if (key == "wall_seconds") return SetCount(key, value, &limits.wall_seconds);
  if (key == "open_files") return SetCount(key, value, &limits.open_files);
  if (key == "file_size") return SetSize(key, value, &limits.file_size_bytes);
  if (key == "address_space") return SetSize(key, value, &limits.address_space_bytes);
  if (key == "environment") return SetEnvironment(key, value, &policy->environment);
  if (key == "network") return SetBool(key, value, &grants.network);
  return {Code::kInvalidArgument, "there is no key '" + std::string(key) + "' in a policy"};
}

std::string PolicyText(const Policy& policy) {
  const Limits& limits = policy.limits;
  std::string text = ListLine("read", policy.grants.read);
  text += ListLine("library_path", policy.library_path);
  if (policy.libraries) text += ListLine("libraries", *policy.libraries);
  text += "tmpfs = \"" + std::to_string(policy.grants.tmpfs_bytes) + "\"\n";
  // A text, because a number of TOML ends at 2^63.
  if (limits.memory_bytes != 0)
    text += "memory = \"" + std::to_string(limits.memory_bytes) + "\"\n";
  text += LimitLine("processes", limits.processes);
  if (limits.cpu_percent != 0) {
    char line[48];
    std::snprintf(line, sizeof(line), "cpus = %u.%02u\n", limits.cpu_percent / 100,
                  limits.cpu_percent % 100);
    text += line;
  }
  text += LimitLine("cpu_seconds", limits.cpu_seconds);
  text += LimitLine("wall_seconds", limits.wall_seconds);
  text += LimitLine("open_files", limits.open_files);
  if (limits.file_size_bytes != 0) {
    text += "file_size = \"" + std::to_string(limits.file_size_bytes) + "\"\n";
  }
  if (limits.address_space_bytes != 0) {
    text += "address_space = \"" + std::to_string(limits.address_space_bytes) + "\"\n";
  }
  text += ListLine("environment", policy.environment);
  return text + "network = " + (policy.grants.network ? "true" : "false") + "\n";
}

std::vector<std::string> EnvironmentOf(const Policy& policy) {
  std::vector<std::string> environment;
  for (const std::string& entry : policy.environment) {
    if (entry.find('=') != entry.npos) {
      environment.push_back(entry);
    } else if (const char* value = std::getenv(entry.c_str())) {
      environment.push_back(entry + "=" + value);
    }
  }
  return environment;
}

}  // namespace tvmffi
