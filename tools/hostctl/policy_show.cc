#include "tools/hostctl/policy_show.h"

#include <nlohmann/json.hpp>

#include "proto/policy/policy.h"
#include "tools/hostctl/exit_codes.h"
#include "tools/hostctl/text.h"

namespace tvmffi::hostctl {
namespace {

using Json = nlohmann::ordered_json;

// Null, here and in `libraries`: it says nothing.
template <typename T>
Json Limit(T value) {
  return value == 0 ? Json() : Json(value);
}

Json ToJson(const Policy& policy) {
  const wire::Limits& limits = policy.limits;
  return {{"read", policy.grants.read},
          {"library_path", policy.library_path},
          {"libraries", policy.libraries ? Json(*policy.libraries) : Json()},
          {"tmpfs", policy.grants.tmpfs_bytes},
          {"environment", policy.environment},
          {"network", policy.grants.network},
          {"memory", Limit(limits.memory_bytes)},
          {"processes", Limit(limits.processes)},
          {"cpus", limits.cpu_percent == 0 ? Json() : Json(limits.cpu_percent / 100.0)},
          {"cpu_seconds", Limit(limits.cpu_seconds)},
          {"wall_seconds", Limit(limits.wall_seconds)},
          {"open_files", Limit(limits.open_files)},
          {"file_size", Limit(limits.file_size_bytes)},
          {"address_space", Limit(limits.address_space_bytes)}};
}

// What a daemon adds, where it can enforce it.
std::string UsualLimits(const wire::Limits& limits) {
  std::string text;
  if (limits.memory_bytes == 0) text += "# memory: half of what the daemon may have\n";
  if (limits.processes == 0) text += "# processes = " + std::to_string(kUsualProcesses) + "\n";
  return text;
}

}  // namespace

int FailOfPolicy(const Status& status) {
  return Fail(status.message, status.code == Code::kInvalidArgument ? kBadUsage : kFailed);
}

int ShowPolicy(const std::string& path, bool json) {
  Result<Policy> policy = path.empty() ? Result<Policy>(Policy()) : ReadPolicyFile(path);
  if (!policy.ok()) return FailOfPolicy(policy.status());
  return Print(json ? Dump(ToJson(*policy)) : PolicyText(*policy) + UsualLimits(policy->limits));
}

}  // namespace tvmffi::hostctl
