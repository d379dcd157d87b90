#include "hostd/supervisor/flight_recorder.h"

#include <utility>
#include <variant>

#include "proto/base/clock.h"

namespace tvmffi::hostd {

void EventRing::Add(std::string text) {
  // Documents cut it, at the end of a character.
  if (text.size() > kShownText + 4) text.resize(kShownText + 4);
  events_.push_back({MonotonicNanos(), std::move(text)});
  if (events_.size() > kCapacity) events_.pop_front();
}

void FlightRecorder::Expect(const std::string& label) { calls_[CountedAs(calls_, label)]; }

void FlightRecorder::Add(EndedWorker worker) {
  ++deaths_[worker.report.cause];
  calls_[CountedAs(calls_, worker.label)].Add(worker.calls.totals);
  ended_.push_back(std::move(worker));
  if (ended_.size() > kKept) ended_.pop_front();
}

const EndedWorker* FlightRecorder::Find(pid_t pid) const {
  for (auto worker = ended_.rbegin(); worker != ended_.rend(); ++worker) {
    if (worker->pid == pid) return &*worker;
  }
  return nullptr;
}

std::string EventText(const wire::Message& message) {
  if (const auto* share = std::get_if<wire::ShareArena>(&message)) {
    return "arena " + std::to_string(share->arena_id) + " lent: " + std::to_string(share->size) +
           " bytes" + (share->read_only ? ", read-only" : "");
  }
  if (const auto* retire = std::get_if<wire::RetireArena>(&message)) {
    return "arena " + std::to_string(retire->arena_id) + " taken back";
  }
  if (const auto* open = std::get_if<wire::OpenLane>(&message)) {
    return "lane " + std::to_string(open->lane) + " opened";
  }
  if (const auto* lend = std::get_if<wire::LendModule>(&message)) {
    return "module lent: " + lend->path;
  }
  if (std::holds_alternative<wire::WorkerStart>(message)) return "started";
  return {};
}

const std::string& CountedAs(const std::map<std::string, CallTotals>& known,
                             const std::string& label) {
  static const std::string other = "other";
  return known.count(label) != 0 || known.size() < FlightRecorder::kMaxLabels ? label : other;
}

}  // namespace tvmffi::hostd
