#include "hostd/observe/documents.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "hostd/supervisor/exit_report.h"
#include "hostd/text.h"
#include "hostd/version.h"
#include "proto/base/clock.h"

namespace tvmffi::hostd {
namespace {

using Json = nlohmann::ordered_json;

double Seconds(int64_t nanos) { return static_cast<double>(nanos) * 1e-9; }

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Text(const std::string& text_untrusted) {
  return EscapeLine(text_untrusted, kShownText);
}

const char* OutcomeName(RecordedOutcome outcome) {
  switch (outcome) {
    case RecordedOutcome::kRunning:
      return "running";
    case RecordedOutcome::kOk:
      return "ok";
    case RecordedOutcome::kError:
      return "error";
    case RecordedOutcome::kFailed:
      return "failed";
  }
  return "failed";
}

Json CallJson(const CallRecord& call, int64_t now) {
  return {{"lane", call.lane},
          {"call_id", call.call_id},
          {"function", Text(call.function)},
          {"age", Seconds(now - std::min(call.start, now))},
          {"elapsed", Seconds(call.elapsed)},
          {"outcome", OutcomeName(call.outcome)}};
}

Json CallsJson(const std::vector<CallRecord>& calls, int64_t now) {
  Json array = Json::array();
  for (const CallRecord& call : calls) array.push_back(CallJson(call, now));
  return array;
}

// The call that began last, running or ended.
const CallRecord* LastCall(const Recording& recording) {
  const CallRecord* last = recording.recent.empty() ? nullptr : &recording.recent.back();
  for (const CallRecord& call : recording.running) {
    if (last == nullptr || call.start >= last->start) last = &call;
  }
  return last;
}

void AddCalls(const Recording& recording, int64_t now, Json* json) {
  const CallTotals& totals = recording.totals;
  const double mean =
      totals.calls == 0 ? 0 : static_cast<double>(totals.nanos) / static_cast<double>(totals.calls);
  (*json)["calls"] = totals.calls;
  (*json)["errors"] = totals.errors;
  (*json)["mean"] = mean * 1e-9;
  (*json)["p50"] = Seconds(totals.Quantile(0.5));
  (*json)["p99"] = Seconds(totals.Quantile(0.99));
  (*json)["running"] = CallsJson(recording.running, now);
  const CallRecord* last = LastCall(recording);
  (*json)["last_call"] = last != nullptr ? CallJson(*last, now) : Json();
}

Json EventsJson(const EventRing& ring, int64_t now) {
  Json events = Json::array();
  for (const WorkerEvent& event : ring.events()) {
    events.push_back({{"age", Seconds(now - event.time)}, {"text", Text(event.text)}});
  }
  return events;
}

Json RunningJson(const WorkerProcess& worker, const char* state, int64_t now) {
  Json json = {{"pid", worker.pid()},
               {"session", worker.session()},
               {"label", Text(worker.label())},
               {"state", state},
               {"age", Seconds(now - worker.start())},
               {"layers", worker.layers()},
               {"log_bytes", worker.log_ring().total_bytes()}};
  AddCalls(worker.ReadCalls(now), now, &json);
  return json;
}

Json EndedJson(const EndedWorker& worker, int64_t now) {
  const wire::ExitReport& report = worker.report;
  Json json = {{"pid", worker.pid},
               {"session", worker.session},
               {"label", Text(worker.label)},
               {"state", "ended"},
               {"age", Seconds(now - worker.end)},
               {"layers", worker.layers},
               {"log_bytes", report.log_bytes},
               {"lifetime", static_cast<double>(report.lifetime_us) * 1e-6},
               {"cause", report.cause},
               {"signal", report.signal},
               {"exit_status", report.exit_status},
               {"limits_hit", report.limits_hit},
               {"user_time", static_cast<double>(report.user_us) * 1e-6},
               {"system_time", static_cast<double>(report.system_us) * 1e-6},
               {"max_rss_kib", report.max_rss_kib},
               {"summary", Sentence(report)}};
  AddCalls(worker.calls, now, &json);
  return json;
}

// A label's value, as OpenMetrics quotes it. Nothing else is to be escaped: there are no newlines.
std::string Quoted(const std::string& text_untrusted) {
  std::string quoted = "\"";
  for (char c : Text(text_untrusted)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

class MetricsWriter {
 public:
  void Family(const char* name, const char* type, const char* help, const char* unit = nullptr) {
    text_ += std::string("# TYPE ") + name + " " + type + "\n";
    if (unit != nullptr) text_ += std::string("# UNIT ") + name + " " + unit + "\n";
    text_ += std::string("# HELP ") + name + " " + help + "\n";
  }
  void Sample(const std::string& name, const std::string& labels, uint64_t value) {
    text_ += name + (labels.empty() ? "" : "{" + labels + "}") + " " + std::to_string(value) + "\n";
  }
  void Sample(const std::string& name, const std::string& labels, double value) {
    char number[40];
    std::snprintf(number, sizeof(number), "%.9g", value);
    text_ += name + (labels.empty() ? "" : "{" + labels + "}") + " " + number + "\n";
  }
  std::string Finish() { return std::move(text_) + "# EOF\n"; }

 private:
  std::string text_;
};

void AddHistogram(const std::string& label, const CallTotals& totals, MetricsWriter* out) {
  const std::string labels = "module=" + Quoted(label);
  uint64_t below = 0;
  for (size_t i = 0; i + 1 < kLatencyBuckets; ++i) {
    below += totals.buckets[i];
    char limit[40];
    std::snprintf(limit, sizeof(limit), "%.9g", Seconds(LatencyLimit(i)));
    out->Sample("tvmffi_call_seconds_bucket", labels + ",le=\"" + limit + "\"", below);
  }
  below += totals.buckets[kLatencyBuckets - 1];
  out->Sample("tvmffi_call_seconds_bucket", labels + ",le=\"+Inf\"", below);
  out->Sample("tvmffi_call_seconds_count", labels, below);
  out->Sample("tvmffi_call_seconds_sum", labels, static_cast<double>(totals.nanos) * 1e-9);
}

}  // namespace

std::string WorkersDocument(const Supervisor& supervisor) {
  const int64_t now = MonotonicNanos();
  Json array = Json::array();
  supervisor.ForEach(
      [&](const WorkerProcess& worker) { array.push_back(RunningJson(worker, "running", now)); });
  supervisor.pool().ForEach(
      [&](const WorkerProcess& worker) { array.push_back(RunningJson(worker, "prepared", now)); });
  return Dump(array);
}

std::string EndedDocument(const Supervisor& supervisor) {
  const int64_t now = MonotonicNanos();
  Json array = Json::array();
  for (const EndedWorker& worker : supervisor.recorder().ended()) {
    array.push_back(EndedJson(worker, now));
  }
  return Dump(array);
}

Result<std::string> WorkerDocument(const Supervisor& supervisor, pid_t pid) {
  const int64_t now = MonotonicNanos();
  Json json;
  supervisor.ForEach([&](const WorkerProcess& worker) {
    if (worker.pid() != pid) return;
    json = RunningJson(worker, "running", now);
    json["recent"] = CallsJson(worker.ReadCalls(now).recent, now);
    json["events"] = EventsJson(worker.events(), now);
    json["log"] = worker.log_ring().TailLines();
  });
  const EndedWorker* ended = json.is_null() ? supervisor.recorder().Find(pid) : nullptr;
  if (ended != nullptr) {
    json = EndedJson(*ended, now);
    json["recent"] = CallsJson(ended->calls.recent, now);
    json["events"] = EventsJson(ended->events, now);
    json["log"] = ended->report.log_tail;
  }
  if (json.is_null()) {
    return Status{Code::kNotFound,
                  "no worker with pid " + std::to_string(pid) + " runs, or has ended lately"};
  }
  return Dump(json);
}

std::string LayersDocument(const LayerReport& layers) {
  Json array = Json::array();
  for (const Layer& layer : layers.layers()) {
    array.push_back({{"name", layer.name}, {"missing", layer.missing}});
  }
  return Dump(array);
}

std::string StatsDocument(const Supervisor& supervisor, const wire::Stats& stats) {
  CallTotals totals;
  const int64_t now = MonotonicNanos();
  for (const auto& [label, calls] : supervisor.recorder().calls()) totals.Add(calls);
  supervisor.ForEach(
      [&](const WorkerProcess& worker) { totals.Add(worker.ReadCalls(now).totals); });
  Json deaths = Json::object();
  for (const auto& [cause, count] : supervisor.recorder().deaths()) deaths[cause] = count;
  return Dump({{"version", kVersion},
               {"uptime", static_cast<double>(stats.uptime_us) * 1e-6},
               {"sessions", stats.sessions},
               {"workers", stats.workers},
               {"prepared_workers", stats.prepared},
               {"workers_started", stats.workers_created},
               {"workers_started_prepared", stats.prepared_used},
               {"workers_ended", std::move(deaths)},
               {"calls", totals.calls},
               {"errors", totals.errors},
               {"p50", Seconds(totals.Quantile(0.5))},
               {"p99", Seconds(totals.Quantile(0.99))}});
}

std::string MetricsText(const Supervisor& supervisor, const wire::Stats& stats) {
  MetricsWriter out;
  out.Family("tvmffi_hostd", "info", "The daemon.");
  out.Sample("tvmffi_hostd_info", std::string("version=") + Quoted(kVersion), uint64_t{1});
  out.Family("tvmffi_uptime_seconds", "gauge", "Since the daemon's start.", "seconds");
  out.Sample("tvmffi_uptime_seconds", "", static_cast<double>(stats.uptime_us) * 1e-6);
  out.Family("tvmffi_sessions", "gauge", "Clients connected.");
  out.Sample("tvmffi_sessions", "", uint64_t{stats.sessions});
  out.Family("tvmffi_workers", "gauge", "Workers running.");
  out.Sample("tvmffi_workers", "", uint64_t{stats.workers});
  out.Family("tvmffi_prepared_workers", "gauge", "Workers ready for whoever needs one next.");
  out.Sample("tvmffi_prepared_workers", "", uint64_t{stats.prepared});
  out.Family("tvmffi_workers_started", "counter", "Workers ever given to a client.");
  out.Sample("tvmffi_workers_started_total", "", stats.workers_created);
  out.Family("tvmffi_prepared_workers_used", "counter", "Of these, those that were prepared.");
  out.Sample("tvmffi_prepared_workers_used_total", "", stats.prepared_used);
  out.Family("tvmffi_workers_ended", "counter", "Workers that ended, by the cause of it.");
  for (const auto& [cause, count] : supervisor.recorder().deaths()) {
    out.Sample("tvmffi_workers_ended_total", "cause=" + Quoted(cause), count);
  }
  std::map<std::string, CallTotals> calls = supervisor.recorder().calls();
  const int64_t now = MonotonicNanos();
  uint64_t running = 0;
  supervisor.ForEach([&](const WorkerProcess& worker) {
    const Recording recording = worker.ReadCalls(now);
    running += recording.running.size();
    calls[CountedAs(calls, worker.label())].Add(recording.totals);
  });
  out.Family("tvmffi_calls_running", "gauge", "Calls in flight.");
  out.Sample("tvmffi_calls_running", "", running);
  out.Family("tvmffi_call_errors", "counter", "Calls that ended in an error, by module.");
  for (const auto& [label, totals] : calls) {
    out.Sample("tvmffi_call_errors_total", "module=" + Quoted(label), totals.errors);
  }
  out.Family("tvmffi_call_seconds", "histogram",
             "From a request's way out to its answer, as clients measure it, by module.",
             "seconds");
  for (const auto& [label, totals] : calls) AddHistogram(label, totals, &out);
  return out.Finish();
}

}  // namespace tvmffi::hostd
