#include "hostd/config.h"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "hostd/supervisor/worker_pool.h"
#include "proto/wire/unix_path.h"

namespace tvmffi::hostd {
namespace {

enum Flag : int {
  kSocket = 256,
  kPrivateFd,
  kParentPidfd,
  kWorker,
  kLogLevel,
  kLogJson,
  kIdleExit,
  kWithout,
  kSeccompAudit,
  kDebuggable,
  kMetrics,
  kObserve,
  kPrepared,
  kHelp,
  kVersion
};

constexpr option kOptions[] = {{"socket", required_argument, nullptr, kSocket},
                               {"private-fd", required_argument, nullptr, kPrivateFd},
                               {"parent-pidfd", required_argument, nullptr, kParentPidfd},
                               {"worker", required_argument, nullptr, kWorker},
                               {"log-level", required_argument, nullptr, kLogLevel},
                               {"log-json", no_argument, nullptr, kLogJson},
                               {"idle-exit", required_argument, nullptr, kIdleExit},
                               {"without", required_argument, nullptr, kWithout},
                               {"seccomp-audit", no_argument, nullptr, kSeccompAudit},
                               {"debuggable", no_argument, nullptr, kDebuggable},
                               {"metrics", required_argument, nullptr, kMetrics},
                               {"observe", required_argument, nullptr, kObserve},
                               {"prepared", required_argument, nullptr, kPrepared},
                               {"help", no_argument, nullptr, kHelp},
                               {"version", no_argument, nullptr, kVersion},
                               {nullptr, 0, nullptr, 0}};

Status Bad(const std::string& what) { return {Code::kInvalidArgument, what}; }

Status ParseFd(const char* flag, const std::string& text, std::optional<int>* fd) {
  int value = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 3) {
    return Bad(std::string(flag) + " is '" + text + "', expected a descriptor number above 2");
  }
  *fd = value;
  return OkStatus();
}

Status ParseSeconds(const std::string& text, double* seconds) {
  char* end = nullptr;
  double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value) || value < 0 || value > 1e9) {
    return Bad("--idle-exit is '" + text + "', expected seconds from 0 to 1e9");
  }
  *seconds = value;
  return OkStatus();
}

Status ParseLevel(const std::string& text, std::string* level) {
  static constexpr std::array<const char*, 6> kLevels = {"trace", "debug", "info",
                                                         "warn",  "error", "off"};
  if (std::find(kLevels.begin(), kLevels.end(), text) == kLevels.end()) {
    return Bad("--log-level is '" + text + "', expected trace, debug, info, warn, error or off");
  }
  *level = text;
  return OkStatus();
}

Status ParsePrepared(const std::string& text, size_t* count) {
  size_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > WorkerPool::kMaxSize) {
    return Bad("--prepared is '" + text + "', expected a number of workers from 0 to " +
               std::to_string(WorkerPool::kMaxSize));
  }
  *count = value;
  return OkStatus();
}

Status ParseNames(const std::string& text, std::vector<std::string>* names) {
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end == begin) return Bad("--without is '" + text + "', expected names of layers");
    names->push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return OkStatus();
}

Status Apply(int flag, const std::string& value, Config* config) {
  switch (flag) {
    case kSocket:
      if (value.empty()) return Bad("--socket is empty, expected a path");
      config->socket_path = value;
      return OkStatus();
    case kPrivateFd:
      return ParseFd("--private-fd", value, &config->private_fd);
    case kParentPidfd:
      return ParseFd("--parent-pidfd", value, &config->parent_pidfd);
    case kWorker:
      if (value.empty()) return Bad("--worker is empty, expected a path");
      config->worker_program = value;
      return OkStatus();
    case kLogLevel:
      return ParseLevel(value, &config->log_level);
    case kIdleExit:
      return ParseSeconds(value, &config->idle_exit_seconds);
    case kWithout:
      return ParseNames(value, &config->without_layers);
    case kSeccompAudit:
      config->seccomp_audit = true;
      return OkStatus();
    case kDebuggable:
      config->debuggable = true;
      return OkStatus();
    case kMetrics:
      if (value.empty()) return Bad("--metrics is empty, expected a path");
      config->metrics_path = value;
      return OkStatus();
    case kObserve:
      if (value.empty()) return Bad("--observe is empty, expected a path or none");
      config->observe_path = value;
      return OkStatus();
    case kPrepared:
      return ParsePrepared(value, &config->prepared_workers);
    case kLogJson:
      config->log_json = true;
      return OkStatus();
    case kHelp:
      config->show_help = true;
      return OkStatus();
    default:
      config->show_version = true;
      return OkStatus();
  }
}

Status CheckTogether(Config* config) {
  if (config->log_level.empty()) {
    config->log_level = config->private_fd.has_value() ? "error" : "info";
  }
  if (config->private_fd.has_value()) {
    if (!config->socket_path.empty()) return Bad("--socket and --private-fd exclude each other");
    if (config->idle_exit_seconds > 0) return Bad("--idle-exit needs a shared daemon (--socket)");
    if (config->private_fd == config->parent_pidfd) {
      return Bad("--private-fd and --parent-pidfd are the same descriptor " +
                 std::to_string(*config->private_fd));
    }
  } else if (!config->observe_path.empty()) {
    return Bad("--observe needs a private daemon: a shared one is asked at its own socket");
  } else if (config->socket_path.empty()) {
    config->socket_path = DefaultSocketPath();
  }
  return OkStatus();
}

}  // namespace

Result<Config> ParseConfig(const std::vector<std::string>& arguments) {
  std::vector<std::string> copies = arguments;
  std::string name = "tvmffi-hostd";
  std::vector<char*> argv = {name.data()};
  for (std::string& copy : copies) argv.push_back(copy.data());
  argv.push_back(nullptr);
  int argc = static_cast<int>(argv.size()) - 1;

  Config config;
  ::optind = 0;
  for (;;) {
    int at = std::max(::optind, 1);
    // '+' stops at the first argument that is no flag, ':' leaves the messages to us.
    int flag = ::getopt_long(argc, argv.data(), "+:", kOptions, nullptr);
    if (flag == -1) break;
    if (flag == ':') return Bad("flag '" + std::string(argv[at]) + "' needs a value");
    if (flag == '?') return Bad("unknown or malformed flag '" + std::string(argv[at]) + "'");
    TVMFFI_RETURN_IF_ERROR(Apply(flag, ::optarg == nullptr ? "" : ::optarg, &config));
  }
  if (::optind < argc) return Bad("unexpected argument '" + std::string(argv[::optind]) + "'");
  TVMFFI_RETURN_IF_ERROR(CheckTogether(&config));
  return config;
}

std::string HelpText() {
  return "Usage: tvmffi-hostd [flags]\n"
         "Runs plug-ins for its clients, each in a worker process of its own.\n"
         "\n"
         "  --socket PATH       listen here for clients of this user; default " +
         DefaultSocketPath() +
         "\n"
         "  --private-fd N      serve the one client at the other end of this inherited socket\n"
         "  --parent-pidfd N    end when the process of this inherited pidfd ends\n"
         "  --worker PATH       the worker program; default: tvmffi-worker beside this program\n"
         "  --metrics PATH      serve OpenMetrics (HTTP on a Unix socket) here\n"
         "  --observe PATH      with --private-fd: where tvmffi-hostctl can ask about the "
         "workers;\n"
         "                      default private-<pid>.sock in " +
         RuntimeFolder() +
         ", or none\n"
         "  --log-level LEVEL   trace, debug, info, warn, error or off;\n"
         "                      default info, with --private-fd error\n"
         "  --log-json          one JSON object per log line\n"
         "  --idle-exit SECONDS end after so long without a client; default 0: never\n"
         "  --without LAYERS    leave layers of the sandbox out, as if the machine lacked them:\n"
         "                      their names with commas between, or all\n"
         "  --prepared N        keep so many workers started before anybody needs them, 0 to " +
         std::to_string(WorkerPool::kMaxSize) +
         ";\n"
         "                      default 1\n"
         "  --seccomp-audit     log system calls that the filter would refuse, and do them\n"
         "  --debuggable        let this user's debuggers attach to the daemon; its memory and\n"
         "                      descriptors are hidden from them otherwise\n"
         "  --help              show this\n"
         "  --version           show the version\n";
}

}  // namespace tvmffi::hostd
