#include "client/src/report.h"

#include <string.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <utility>

#include "client/src/process_state.h"

namespace tvmffi::host {
namespace {

constexpr size_t kRememberedReports = 256;

struct Remembered {
  int64_t next_id = 1;
  std::deque<std::pair<int64_t, OwnedAny>> reports;
};

Remembered& AllRemembered() {
  static Remembered* remembered = new Remembered;
  return *remembered;
}

OwnedAny Share(const TVMFFIAny& value) {
  OwnedAny shared;
  TVMFFIAnyViewToOwnedAny(&value, shared.out());
  return shared;
}

int64_t TakeId() {
  std::lock_guard<std::mutex> lock(Locks().reports);
  return AllRemembered().next_id++;
}

void Remember(int64_t id, OwnedAny report) {
  OwnedAny forgotten;
  std::lock_guard<std::mutex> lock(Locks().reports);
  auto& reports = AllRemembered().reports;
  if (reports.size() >= kRememberedReports) {
    forgotten = std::move(reports.front().second);
    reports.pop_front();
  }
  reports.emplace_back(id, std::move(report));
}

OwnedAny Recall(int64_t id) {
  std::lock_guard<std::mutex> lock(Locks().reports);
  for (const auto& [known, report] : AllRemembered().reports) {
    if (known == id) return Share(report.get());
  }
  return {};
}

// The number in a message's "[report <id>]" ending, 0 without one.
int64_t IdInMessage(std::string_view message) {
  constexpr std::string_view kMark = "[report ";
  const size_t at = message.rfind(kMark);
  if (at == std::string_view::npos || message.back() != ']') return 0;
  int64_t id = 0;
  for (char c : message.substr(at + kMark.size(), message.size() - at - kMark.size() - 1)) {
    if (c < '0' || c > '9' || id > INT64_MAX / 16) return 0;
    id = id * 10 + (c - '0');
  }
  return id;
}

// A Map with this entry is a report of ours: no other code can reach it before we have made it.
constexpr char kMarkKey[] = "tvmffi_host.report";

bool IsReport(TVMFFIObjectHandle object) {
  if (object == nullptr || static_cast<TVMFFIObject*>(object)->type_index != kTVMFFIMap)
    return false;
  OwnedAny count;
  if (CallGlobal("ffi.MapCount", {ObjectAny(object), StringAny(kMarkKey).get()}, &count)) {
    return count.get().v_int64 != 0;
  }
  TakeRaised();
  return false;
}

OwnedAny FrameMap(const ReportFrame& frame) {
  MapMaker map;
  map.SetInt("address", static_cast<int64_t>(frame.address));
  map.SetString("symbol", frame.symbol);
  map.SetString("file", frame.file);
  map.SetInt("line", frame.line);
  map.SetString("module", frame.module);
  map.SetInt("offset", static_cast<int64_t>(frame.offset));
  map.SetBool("inlined", frame.inlined);
  return map.Finish();
}

void SetFault(MapMaker* map, const FailedCall& call, const WorkerEnd& end) {
  if (call.fault) {
    map->SetInt("fault_argument", call.fault->argument);
    map->SetInt("fault_offset", call.fault->offset);
  }
  // The slack behind an argument changed: that takes a store.
  if (end.crash == nullptr && call.fault) map->SetBool("is_write", true);
  if (end.crash == nullptr) return;
  map->SetInt("signal_code", end.crash->code);
  map->SetBool("stack_overflow", end.crash->stack_overflow);
  map->SetInt("instruction", static_cast<int64_t>(end.crash->instruction));
  if (end.crash->address) {
    map->SetInt("fault_address", static_cast<int64_t>(*end.crash->address));
  }
  if (end.crash->is_write) map->SetBool("is_write", *end.crash->is_write);
  map->SetBool("fault_in_this_call", end.crash->call_id == call.call_id);
  std::vector<OwnedAny> frames;
  for (const ReportFrame& frame : end.backtrace.frames) frames.push_back(FrameMap(frame));
  map->Set("frames", ValueArray(frames));
  map->SetString("frames_note", end.backtrace.note);
}

OwnedAny ResourceUsage(const WorkerEnd& end) {
  MapMaker usage;
  usage.SetFloat("lifetime", end.lifetime);
  usage.SetFloat("user_time", end.user_time);
  usage.SetFloat("system_time", end.system_time);
  usage.SetInt("max_rss_kib", end.max_rss_kib);
  return usage.Finish();
}

std::string Because(const WorkerEnd& end) {
  return end.unknown.empty() ? "" : " (" + end.unknown + ")";
}

}  // namespace

std::string SignalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

std::string Describe(const WorkerEnd& end) {
  if (end.cause == "deadline") return "was killed because a call passed its deadline";
  if (end.cause == "cancelled") return "was killed because a call was cancelled";
  if (end.cause == "violation") {
    return end.limits_hit.empty() ? "was killed because it broke the protocol"
                                  : "was killed because it took more " + end.limits_hit.front() +
                                        " than its policy allows";
  }
  if (end.cause == "closed") return "was closed";
  if (end.cause == "queue") return "was busy with other calls";
  if (end.cause == "daemon") return "ended with its daemon" + Because(end);
  if (end.cause == "stuck") return "was killed but does not end" + Because(end);
  if (end.cause == "oom") return "was killed for lack of memory";
  if (end.signal != 0) return "died of " + SignalName(end.signal);
  return "exited with status " + std::to_string(end.exit_status);
}

std::string Bucket(const FailedCall& call, const WorkerEnd& end) {
  constexpr size_t kTopFrames = 5;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&hash](const std::string& text) {
    for (char c : text + '\n') hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  };
  add(end.cause);
  add(std::to_string(end.signal));
  add(std::to_string(end.exit_status));
  const std::vector<ReportFrame>& frames = end.backtrace.frames;
  for (size_t i = 0; i < std::min(frames.size(), kTopFrames); ++i) {
    add(frames[i].build_id.empty() ? frames[i].module : frames[i].build_id);
    add(frames[i].symbol.empty() ? std::to_string(frames[i].offset) : frames[i].symbol);
  }
  if (frames.empty()) {
    add(call.module);
    add(call.function);
  }
  char text[20];
  ::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

OwnedAny MakeReport(const char* kind, const FailedCall& call, const WorkerEnd& end) {
  const int64_t id = TakeId();
  MapMaker map;
  map.SetInt(kMarkKey, 1);
  map.SetInt("id", id);
  map.SetString("kind", kind);
  map.SetString("cause", end.cause);
  map.SetInt("signal", end.signal);
  map.SetString("signal_name", end.signal != 0 ? SignalName(end.signal) : "");
  map.SetInt("exit_status", end.exit_status);
  map.SetString("function", call.function);
  map.SetString("module", call.module);
  map.SetFloat("elapsed", call.elapsed);
  map.SetFloat("queued", call.queued);
  map.Set("log_tail", StringArray(end.log_tail));
  map.SetInt("log_bytes", end.log_bytes);
  map.SetInt("worker_pid", end.pid);
  map.SetInt("generation", static_cast<int64_t>(call.generation));
  map.Set("resource_usage", ResourceUsage(end));
  map.Set("limits_hit", StringArray(end.limits_hit));
  map.SetString("bucket", Bucket(call, end));
  map.SetString("recording", call.recording);
  map.SetString("recording_note", call.recording_note);
  SetFault(&map, call, end);
  OwnedAny report = map.Finish();
  Remember(id, Share(report.get()));
  return report;
}

Failure MakeHostError(const char* kind, const std::string& message, const OwnedAny& report) {
  if (report.get().type_index != kTVMFFIMap) return MakeError(kind, message);
  Failure error = MakeError(kind, message, {}, report.get().v_obj);
  if (ExtraContext(error.get()) != nullptr) return error;
  OwnedAny id;
  if (!CallGlobal("ffi.MapGetItem", {report.get(), StringAny("id").get()}, &id)) return error;
  return MakeError(kind, message + " [report " + std::to_string(id.get().v_int64) + "]");
}

OwnedAny ReportOf(const TVMFFIAny& error_or_id) {
  if (error_or_id.type_index == kTVMFFIInt) return Recall(error_or_id.v_int64);
  if (error_or_id.type_index != kTVMFFIError) return {};
  TVMFFIObjectHandle context = ExtraContext(error_or_id.v_obj);
  if (IsReport(context)) return Share(ObjectAny(context));
  const TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error_or_id.v_obj);
  if (!IsReservedKind({cell->kind.data, cell->kind.size})) return {};
  const int64_t id = IdInMessage({cell->message.data, cell->message.size});
  return id != 0 ? Recall(id) : OwnedAny();
}

bool IsHostError(TVMFFIObjectHandle error) {
  return ReportOf(ObjectAny(error)).get().type_index == kTVMFFIMap;
}

}  // namespace tvmffi::host
