// What a worker may do, as its caller writes it down: deny by default, each key grants or limits.
//
//   read = ["/data/tables"]          # files, and folders with all that lies in them
//   library_path = ["/opt/mkl/lib"]  # where the linker looks for libraries, before its own places
//   libraries = ["libc.so.6"]        # all that a module may name as needed; without this key: any
//   tmpfs = "64 MiB"                 # size of the worker's own /tmp; 0: nothing can be written
//   memory = "2 GiB"                 # of the worker and all it starts; else half of the daemon's
//   processes = 64                   # threads count too; else 1024
//   cpus = 1.5                       # at any time
//   cpu_seconds = 60                 # of one process, in all
//   wall_seconds = 600               # from its start to its end
//   open_files = 256
//   file_size = "16 MiB"             # of any file, memory files included
//   address_space = "8 GiB"          # of one process
//   network = false
//   environment = ["LANG", "OMP_NUM_THREADS=4"]    # all it has: the caller's value, or this one
#ifndef TVMFFI_PROTO_POLICY_POLICY_H_
#define TVMFFI_PROTO_POLICY_POLICY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "proto/base/status.h"
#include "proto/wire/validate.h"

namespace tvmffi {

using wire::kDefaultTmpfs;
using wire::kUsualProcesses;
inline constexpr size_t kMaxPolicyText = 256 * 1024;
inline constexpr size_t kMaxPolicyLibraries = 256;

struct Policy {
  wire::Limits limits;                                // zero: the usual one, or none
  wire::Grants grants{{}, {}, kDefaultTmpfs, false};  // its modules are none of the policy's affair
  std::vector<std::string> library_path;
  std::optional<std::vector<std::string>> libraries;  // none: any
  // "NAME=value", or "NAME" for the value it has in the caller's environment, if any.
  std::vector<std::string> environment = {"OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "LANG"};
};

// "NAME=value" for each variable that a worker gets of a caller with the environment of this
// process.
std::vector<std::string> EnvironmentOf(const Policy& policy);

using PolicyValue = std::variant<bool, int64_t, double, std::string, std::vector<std::string>>;

// InvalidArgument names the key and what it takes. Sizes are bytes, or texts like "64 MiB".
Status SetPolicyKey(std::string_view key, const PolicyValue& value, Policy* policy);

// TOML. The errors begin with "<name>:<line>: ".
Result<Policy> ParsePolicy(std::string_view text, const std::string& name);
Result<Policy> ReadPolicyFile(const std::string& path);

// TOML that ParsePolicy reads as the same policy: every key, limits that are none left out.
std::string PolicyText(const Policy& policy);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_POLICY_POLICY_H_
