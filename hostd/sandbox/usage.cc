#include "hostd/sandbox/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {
namespace {

constexpr size_t kStatusSize = 8192;

// Empty when there is no such file, any more.
std::string ReadWhole(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (!file.valid()) return text;
  for (size_t size = 0;;) {
    text.resize(size + kStatusSize);
    const ssize_t more = ::read(file.get(), text.data() + size, kStatusSize);
    if (more <= 0) {
      text.resize(size);
      return text;
    }
    size += static_cast<size_t>(more);
  }
}

// "RssAnon:\t    1234 kB"; 0 where there is no such line.
uint64_t BytesIn(const std::string& status, const char* name) {
  const size_t at = status.find(name);
  if (at == std::string::npos) return 0;
  return std::strtoull(status.c_str() + at + std::char_traits<char>::length(name), nullptr, 10)
         << 10;
}

void AddPids(const std::string& text, std::vector<pid_t>* pids) {
  const char* at = text.c_str();
  for (char* end = nullptr;; at = end) {
    const auto pid = static_cast<pid_t>(std::strtol(at, &end, 10));
    if (end == at) return;
    pids->push_back(pid);
  }
}

// How many threads the process has; their children are added to `pids`.
uint64_t Threads(const std::string& process, std::vector<pid_t>* pids) {
  const std::string tasks = process + "/task";
  std::unique_ptr<DIR, void (*)(DIR*)> list(::opendir(tasks.c_str()),
                                            [](DIR* open) { ::closedir(open); });
  if (list == nullptr) return 0;
  uint64_t count = 0;
  while (const dirent* entry = ::readdir(list.get())) {
    if (entry->d_name[0] == '.') continue;
    ++count;
    AddPids(ReadWhole(tasks + "/" + entry->d_name + "/children"), pids);
  }
  return count;
}

}  // namespace

Usage UsageOf(pid_t root, uint64_t lent_bytes, uint64_t max_processes) {
  Usage usage;
  std::vector<pid_t> pids = {root};
  // Grows meanwhile.
  for (size_t i = 0; i < pids.size() && usage.processes <= max_processes; ++i) {
    const std::string process = "/proc/" + std::to_string(pids[i]);
    usage.processes += Threads(process, &pids);
    const std::string status = ReadWhole(process + "/status");
    const uint64_t shared = BytesIn(status, "\nRssShmem:");
    usage.memory_bytes += BytesIn(status, "\nRssAnon:") + shared - std::min(shared, lent_bytes);
  }
  return usage;
}

Status ProbeUsage() {
  const std::string children =
      "/proc/self/task/" + std::to_string(::syscall(SYS_gettid)) + "/children";
  if (::access(children.c_str(), R_OK) != 0) return ErrnoStatus(errno, "cannot read " + children);
  // Another's, most often: with "hidepid" a worker is as little to be seen.
  const std::string status = ReadWhole("/proc/1/status");
  if (status.empty()) return ErrnoStatus(errno, "cannot read /proc/1/status");
  if (status.find("\nRssAnon:") != std::string::npos) return OkStatus();
  return {Code::kUnavailable, "/proc/1/status does not tell its memory"};
}

}  // namespace tvmffi::hostd
