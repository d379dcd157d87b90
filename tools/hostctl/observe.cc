#include "tools/hostctl/observe.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "tools/hostctl/daemon_link.h"
#include "tools/hostctl/exit_codes.h"
#include "tools/hostctl/open_metrics.h"
#include "tools/hostctl/text.h"

namespace tvmffi::hostctl {
namespace {

using Json = nlohmann::ordered_json;

int Fail(const Status& status) { return hostctl::Fail(status.message, kFailed); }

// The daemons there are. Of those that cannot be asked it says why, and `code` is what the command
// ends with when all else goes well.
std::vector<DaemonLink> Daemons(const ObserveOptions& options, int* code) {
  FoundDaemons found;
  if (options.socket.empty()) {
    found = FindDaemons();
    if (found.links.empty() && found.problems.empty()) {
      *code = hostctl::Fail("no daemon of this user is running", kNoDaemon);
    }
  } else {
    Result<DaemonLink> link = DaemonLink::Connect(options.socket);
    if (link.ok()) {
      found.links.push_back(std::move(*link));
    } else if (HasEnded(link.status())) {
      *code = hostctl::Fail(link.status().message, kNoDaemon);
    } else {
      found.problems.push_back(link.status());
    }
  }
  for (const Status& problem : found.problems) *code = Fail(problem);
  return std::move(found.links);
}

// How a command ends that has printed, or not, what it got from those daemons that it could ask.
int Ended(int printed, int code) { return printed == kOk ? code : printed; }

// What all daemons say of one kind, each entry with its daemon's process number.
Result<Json> Gather(std::vector<DaemonLink>* links, wire::DocumentKind kind) {
  Json all = Json::array();
  for (DaemonLink& link : *links) {
    Result<std::string> text = link.Document(kind);
    // One that ended meanwhile has nothing to say.
    if (!text.ok() && text.status().code == Code::kUnavailable) continue;
    if (!text.ok()) return text.status();
    const Json entries = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (!entries.is_array()) {
      return Status{Code::kInternal, "the daemon at '" + link.path() + "' sent no list"};
    }
    for (Json entry : entries) {
      entry["daemon_pid"] = link.welcome().daemon_pid;
      all.push_back(std::move(entry));
    }
  }
  return all;
}

std::string String(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

template <typename T>
T Number(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_number() ? found->get<T>() : T{};
}

Json Child(const Json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() ? *found : Json();
}

// What the kernel says of a process. Zeros when it has ended, or is another user's.
struct Usage {
  uint64_t resident = 0;
  double cpu_seconds = 0;
};

Usage UsageOf(int32_t pid) {
  Usage usage;
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  uint64_t size = 0;
  uint64_t pages = 0;
  if (statm >> size >> pages) {
    usage.resident = pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return usage;
  unsigned long user = 0;
  unsigned long system = 0;
  if (std::sscanf(text.c_str() + name_end + 1,
                  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2) {
    usage.cpu_seconds =
        static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  return usage;
}

void AddUsage(Json* workers) {
  for (Json& worker : *workers) {
    const Usage usage = UsageOf(Number<int32_t>(worker, "pid"));
    worker["rss_bytes"] = usage.resident;
    worker["cpu_seconds"] = usage.cpu_seconds;
  }
}

std::string NowText(const Json& worker) {
  const Json running = Child(worker, "running");
  if (String(worker, "state") == "prepared") return "ready for a module";
  if (!running.is_array() || running.empty()) return "idle";
  const Json& first = running.front();
  std::string text = String(first, "function") + " " + Duration(Number<double>(first, "elapsed"));
  if (running.size() > 1) text += " and " + std::to_string(running.size() - 1) + " more";
  return text;
}

std::string PsTable(const Json& workers) {
  Table table(
      {"PID", "DAEMON", "MODULE", "AGE", "RSS", "CPU", "CALLS", "ERRORS", "P50", "P99", "NOW"});
  for (const Json& worker : workers) {
    table.Row({std::to_string(Number<int64_t>(worker, "pid")),
               std::to_string(Number<int64_t>(worker, "daemon_pid")), String(worker, "label"),
               Duration(Number<double>(worker, "age")),
               Bytes(Number<uint64_t>(worker, "rss_bytes")),
               Duration(Number<double>(worker, "cpu_seconds")),
               std::to_string(Number<uint64_t>(worker, "calls")),
               std::to_string(Number<uint64_t>(worker, "errors")),
               Duration(Number<double>(worker, "p50")), Duration(Number<double>(worker, "p99")),
               NowText(worker)});
  }
  return table.ToText();
}

std::string LastCallText(const Json& worker) {
  const Json call = Child(worker, "last_call");
  if (!call.is_object()) return "-";
  return std::to_string(Number<uint64_t>(call, "call_id")) + " " + String(call, "function") + " (" +
         String(call, "outcome") + ")";
}

std::string LastTable(const Json& workers) {
  Table table({"PID", "DAEMON", "MODULE", "ENDED", "HOW", "CALLS", "LAST CALL"});
  for (const Json& worker : workers) {
    table.Row({std::to_string(Number<int64_t>(worker, "pid")),
               std::to_string(Number<int64_t>(worker, "daemon_pid")), String(worker, "label"),
               Duration(Number<double>(worker, "age")) + " ago", String(worker, "summary"),
               std::to_string(Number<uint64_t>(worker, "calls")), LastCallText(worker)});
  }
  return table.ToText();
}

std::string Ago(const Json& entry) { return Duration(Number<double>(entry, "age")) + " ago"; }

std::string WorkerPage(const Json& worker) {
  std::string summary = String(worker, "summary");
  if (summary.empty()) summary = "runs, " + NowText(worker);
  std::string text = "worker '" + Printable(String(worker, "label")) + "' (pid " +
                     std::to_string(Number<int64_t>(worker, "pid")) + ") " + Printable(summary) +
                     "\nlast call: " + Printable(LastCallText(worker)) + "\n";
  text += "\nevents\n";
  Table events({"  WHEN", "WHAT"});
  for (const Json& event : Child(worker, "events")) {
    events.Row({"  " + Ago(event), String(event, "text")});
  }
  text += events.ToText() + "\ncalls\n";
  Table calls({"  BEGAN", "LANE", "CALL", "FUNCTION", "TOOK", "OUTCOME"});
  for (const char* list : {"recent", "running"}) {
    for (const Json& call : Child(worker, list)) {
      calls.Row({"  " + Ago(call), std::to_string(Number<int64_t>(call, "lane")),
                 std::to_string(Number<uint64_t>(call, "call_id")), String(call, "function"),
                 Duration(Number<double>(call, "elapsed")), String(call, "outcome")});
    }
  }
  text += calls.ToText() + "\nlog\n";
  for (const Json& line : Child(worker, "log")) {
    if (line.is_string()) text += "  " + Printable(line.get<std::string>()) + "\n";
  }
  return text;
}

// The worker of that number, from whichever daemon has it.
int FindWorker(const ObserveOptions& options, int32_t pid, Json* worker) {
  int code = kOk;
  std::vector<DaemonLink> links = Daemons(options, &code);
  Status last = OkStatus();
  for (DaemonLink& link : links) {
    Result<std::string> text = link.Document(wire::DocumentKind::kWorker, pid);
    if (!text.ok()) {
      last = text.status();
      continue;
    }
    *worker = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    return kOk;
  }
  return links.empty() ? code : Fail(last);
}

Result<Json> Workers(std::vector<DaemonLink>* links) {
  Result<Json> workers = Gather(links, wire::DocumentKind::kWorkers);
  if (workers.ok()) AddUsage(&*workers);
  return workers;
}

// Processor time by worker at the last look; a worker that was not there then had none.
using Seen = std::map<int64_t, double>;

// Busiest first, by what they did since.
void SortByWork(const Seen& before, Json* workers) {
  const auto work = [&](const Json& worker) {
    const auto found = before.find(Number<int64_t>(worker, "pid"));
    return Number<double>(worker, "cpu_seconds") - (found != before.end() ? found->second : 0);
  };
  std::stable_sort(workers->begin(), workers->end(),
                   [&](const Json& a, const Json& b) { return work(a) > work(b); });
}

Seen WorkOf(const Json& workers) {
  Seen seen;
  for (const Json& worker : workers) {
    seen[Number<int64_t>(worker, "pid")] = Number<double>(worker, "cpu_seconds");
  }
  return seen;
}

Result<Json> StatsOf(std::vector<DaemonLink>* links) {
  Json all = Json::array();
  for (DaemonLink& link : *links) {
    Result<std::string> text = link.Document(wire::DocumentKind::kStats);
    if (!text.ok() && text.status().code == Code::kUnavailable) continue;
    if (!text.ok()) return text.status();
    Json entry = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    entry["daemon_pid"] = link.welcome().daemon_pid;
    entry["socket"] = link.path();
    all.push_back(std::move(entry));
  }
  return all;
}

Result<std::string> MetricsOf(std::vector<DaemonLink>* links) {
  std::vector<DaemonMetrics> documents;
  for (DaemonLink& link : *links) {
    Result<std::string> text = link.Document(wire::DocumentKind::kMetrics);
    if (!text.ok() && text.status().code == Code::kUnavailable) continue;
    if (!text.ok()) return text.status();
    documents.push_back({link.welcome().daemon_pid, std::move(*text)});
  }
  return MergeMetrics(documents);
}

}  // namespace

int Ps(const ObserveOptions& options) {
  int code = kOk;
  std::vector<DaemonLink> links = Daemons(options, &code);
  if (links.empty()) return code;
  Result<Json> workers = Workers(&links);
  if (!workers.ok()) return Fail(workers.status());
  return Ended(Print(options.json ? Dump(*workers) : PsTable(*workers)), code);
}

int Top(const ObserveOptions& options, double interval, int rounds) {
  const bool redraw = ::isatty(STDOUT_FILENO) != 0 && !options.json;
  Seen seen;
  int code = kOk;
  for (int round = 0; rounds == 0 || round < rounds; ++round) {
    if (round > 0) std::this_thread::sleep_for(std::chrono::duration<double>(interval));
    // Daemons come and go between two looks.
    code = kOk;
    std::vector<DaemonLink> links = Daemons(options, &code);
    if (links.empty()) return code;
    Result<Json> workers = Workers(&links);
    if (!workers.ok()) return Fail(workers.status());
    SortByWork(seen, &*workers);
    seen = WorkOf(*workers);
    const std::string text = options.json ? workers->dump() + "\n" : PsTable(*workers);
    if (Print((redraw ? "\x1b[H\x1b[2J" : "") + text) != kOk) return kFailed;
  }
  return code;
}

int Last(const ObserveOptions& options, int32_t pid, int count) {
  if (pid != 0) {
    Json worker;
    if (int code = FindWorker(options, pid, &worker); code != kOk) return code;
    return Print(options.json ? Dump(worker) : WorkerPage(worker));
  }
  int code = kOk;
  std::vector<DaemonLink> links = Daemons(options, &code);
  if (links.empty()) return code;
  Result<Json> workers = Gather(&links, wire::DocumentKind::kEnded);
  if (!workers.ok()) return Fail(workers.status());
  std::stable_sort(workers->begin(), workers->end(), [](const Json& a, const Json& b) {
    return Number<double>(a, "age") > Number<double>(b, "age");
  });
  const size_t kept = static_cast<size_t>(count);
  while (workers->size() > kept) workers->erase(workers->begin());
  return Ended(Print(options.json ? Dump(*workers) : LastTable(*workers)), code);
}

int Logs(const ObserveOptions& options, int32_t pid) {
  Json worker;
  if (int code = FindWorker(options, pid, &worker); code != kOk) return code;
  const Json lines = Child(worker, "log");
  if (options.json) return Print(Dump(lines));
  std::string text;
  for (const Json& line : lines) {
    if (line.is_string()) text += Printable(line.get<std::string>()) + "\n";
  }
  return Print(text);
}

int Stats(const ObserveOptions& options) {
  int code = kOk;
  std::vector<DaemonLink> links = Daemons(options, &code);
  if (links.empty()) return code;
  if (options.json) {
    Result<Json> all = StatsOf(&links);
    return all.ok() ? Ended(Print(Dump(*all)), code) : Fail(all.status());
  }
  Result<std::string> metrics = MetricsOf(&links);
  return metrics.ok() ? Ended(Print(*metrics), code) : Fail(metrics.status());
}

int Kill(const ObserveOptions& options, int32_t pid) {
  int code = kOk;
  std::vector<DaemonLink> links = Daemons(options, &code);
  if (links.empty()) return code;
  Status last = OkStatus();
  for (DaemonLink& link : links) {
    last = link.EndWorker(pid);
    if (last.ok()) {
      return options.json ? Print(Dump({{"killed", pid}}))
                          : Print("worker " + std::to_string(pid) + " was killed\n");
    }
  }
  return Fail(last);
}

}  // namespace tvmffi::hostctl
