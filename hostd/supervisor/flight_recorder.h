// What happened to a worker, kept beyond its end.
#ifndef TVMFFI_HOSTD_SUPERVISOR_FLIGHT_RECORDER_H_
#define TVMFFI_HOSTD_SUPERVISOR_FLIGHT_RECORDER_H_

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "proto/channel/recorder.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {

struct WorkerEvent {
  int64_t time = 0;  // MonotonicNanos()
  std::string text;
};

// Bytes of a text from elsewhere that documents show. What is kept for them is little longer.
inline constexpr size_t kShownText = 512;

// The last events of one worker, oldest first.
class EventRing {
 public:
  static constexpr size_t kCapacity = 64;

  void Add(std::string text);
  const std::deque<WorkerEvent>& events() const { return events_; }

 private:
  std::deque<WorkerEvent> events_;
};

struct EndedWorker {
  pid_t pid = -1;
  uint32_t session = 0;
  std::string label;
  std::vector<std::string> layers;
  int64_t end = 0;  // MonotonicNanos()
  wire::ExitReport report;
  Recording calls;
  EventRing events;
};

// The workers that ended last, and sums over all that ever did. Only counters of the daemon's own
// and of its clients: nothing a worker says.
class FlightRecorder {
 public:
  static constexpr size_t kKept = 64;
  // Further labels are counted together.
  static constexpr size_t kMaxLabels = 64;

  // A worker of that label has started: from now on it is known where that is counted.
  void Expect(const std::string& label);
  void Add(EndedWorker worker);

  // Oldest first.
  const std::deque<EndedWorker>& ended() const { return ended_; }
  // The latest of that process number, or null.
  const EndedWorker* Find(pid_t pid) const;
  const std::map<std::string, uint64_t>& deaths() const { return deaths_; }  // by cause
  const std::map<std::string, CallTotals>& calls() const { return calls_; }  // by label

 private:
  std::deque<EndedWorker> ended_;
  std::map<std::string, uint64_t> deaths_;
  std::map<std::string, CallTotals> calls_;
};

// What passing a message on to a worker means for it; empty when that is of no interest.
std::string EventText(const wire::Message& message);

// Where a label is counted: its own, or "other" when `known` has as many as it may.
const std::string& CountedAs(const std::map<std::string, CallTotals>& known,
                             const std::string& label);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_FLIGHT_RECORDER_H_
