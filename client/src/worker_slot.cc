#include "client/src/worker_slot.h"

#include <sys/syscall.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "client/src/process_state.h"
#include "proto/base/clock.h"

namespace tvmffi::host {
namespace {

// Microseconds. A start takes some milliseconds, and few threads wait for one.
constexpr useconds_t kStartPoll = 1000;

std::atomic<uint64_t> next_slot{1};
std::atomic<uint64_t> next_lane{1};

// What a thread remembers of its last call: slot ids are never reused, so a stale entry is never
// followed.
struct ThreadCache {
  uint64_t slot = 0;
  CallLane* lane = nullptr;
};
__attribute__((tls_model("initial-exec"))) thread_local ThreadCache thread_cache;

// Tells slots that the thread has ended.
struct ThreadMarkHolder {
  std::shared_ptr<ThreadMark> mark = std::make_shared<ThreadMark>();
  ~ThreadMarkHolder() { mark->alive.store(false, std::memory_order_relaxed); }
};

const std::shared_ptr<ThreadMark>& ThisThread() {
  thread_local ThreadMarkHolder holder;
  return holder.mark;
}

bool TryTake(CallLane* lane) { return !lane->busy.exchange(true, std::memory_order_acquire); }

int64_t ColdWake() {
  static const int64_t cold_wake = MeasureColdWake();
  return cold_wake;
}

// On the main thread signals are looked at between two slices of a wait.
bool Interrupted(Failure* failure) {
  if (!OnMainThread() || TVMFFIEnvCheckSignals() == 0) return false;
  *failure = MakeError(kEnvErrorAlreadySet, "");
  return true;
}

int ThreadId() { return static_cast<int>(::syscall(SYS_gettid)); }

// False when `deadline` comes first, or with a failure when a signal handler raised one.
bool LockBefore(int64_t deadline, std::mutex* mutex, Failure* failure) {
  for (; !mutex->try_lock(); ::usleep(kStartPoll)) {
    if (Interrupted(failure) || MonotonicNanos() >= deadline) return false;
  }
  return true;
}

std::string FolderOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

CallLane::CallLane()
    : id(next_lane.fetch_add(1, std::memory_order_relaxed)), spin(Side::kClient, ColdWake()) {}

Status CallLane::Bind(std::shared_ptr<Worker> new_worker) {
  Unbind();
  Result<uint32_t> opened = new_worker->OpenLane();
  if (!opened.ok()) return opened.status();
  index = *opened;
  lane = Lane(new_worker->lane(index), Side::kClient, &spin);
  record = new_worker->record(index);
  worker = std::move(new_worker);
  return OkStatus();
}

void CallLane::Unbind() {
  worker = nullptr;
  lane_call = 0;
  // Releases of handles that its last frame had no room for mean nothing to another worker.
  writer = FrameWriter();
}

int64_t ModuleSpec::QueueDeadline(int64_t call_deadline) const {
  return queue_deadline < 0 ? call_deadline
                            : std::min(call_deadline, DeadlineAfter(queue_deadline));
}

WorkerSlot::WorkerSlot(std::shared_ptr<Session> session, SlotOptions options)
    : id_(next_slot.fetch_add(1, std::memory_order_relaxed)),
      epoch_(ForkEpoch()),
      one_call_per_worker_(options.reuse == Reuse::kNever),
      session_(std::move(session)),
      options_(std::move(options)) {}

WorkerSlot::~WorkerSlot() {
  for (const auto& lane : lanes_) {
    Totals& totals = ProcessTotals();
    totals.Add(lane->counters);
  }
  if (current_owner_ != nullptr) current_owner_->Close();
}

const ModuleSpec& WorkerSlot::module(uint32_t index) const {
  std::lock_guard<std::mutex> lock(lock_);
  return *modules_[index];
}

std::string WorkerSlot::Label() const {
  std::lock_guard<std::mutex> lock(lock_);
  std::string label;
  for (const auto& module : modules_) label += (label.empty() ? "" : ", ") + module->name;
  return label;
}

std::shared_ptr<Worker> WorkerSlot::current() const {
  std::lock_guard<std::mutex> lock(lock_);
  return current_owner_;
}

void WorkerSlot::Reset() {
  std::lock_guard<std::mutex> lock(lock_);
  deaths_.store(0, std::memory_order_relaxed);
}

void WorkerSlot::AddCounters(Totals* totals) const {
  std::lock_guard<std::mutex> lock(lock_);
  for (const auto& lane : lanes_) totals->Add(lane->counters);
}

bool WorkerSlot::Idle() const {
  std::lock_guard<std::mutex> lock(lock_);
  return std::none_of(lanes_.begin(), lanes_.end(),
                      [](const auto& lane) { return lane->busy.load(std::memory_order_acquire); });
}

bool WorkerSlot::Shares(const SlotOptions& options, const std::string& path) const {
  if (options_.reuse != Reuse::kSession || options.reuse != Reuse::kSession) return false;
  if (!SameWorker(options_.worker, options.worker) || options_.respawn != options.respawn ||
      options_.breaker_deaths != options.breaker_deaths ||
      options_.breaker_seconds != options.breaker_seconds) {
    return false;
  }
  std::lock_guard<std::mutex> lock(lock_);
  return loaded_ && modules_.size() < MaxModules() && FolderOf(modules_[0]->path) == FolderOf(path);
}

bool WorkerSlot::TakeTurn(int64_t deadline, Failure* failure) {
  if (turn_holder_.load(std::memory_order_relaxed) == ThreadId()) {
    *failure = MakeError(kResourceExhausted, "a call of '" + Label() +
                                                 "' inside a callback of its own: with reuse " +
                                                 "\"never\" there is one call at a time");
    return false;
  }
  if (!LockBefore(deadline, &turn_lock_, failure)) {
    if (!*failure) *failure = MakeError(kDeadlineExceeded, "'" + Label() + "' was busy too long");
    return false;
  }
  turn_holder_.store(ThreadId(), std::memory_order_relaxed);
  return true;
}

void WorkerSlot::EndTurn() {
  turn_holder_.store(0, std::memory_order_relaxed);
  turn_lock_.unlock();
}

CallLane* WorkerSlot::Acquire(Patience* patience, Failure* failure) {
  // In a forked child nobody ends the turns of its parent's threads.
  if (one_call_per_worker() && epoch_ == ForkEpoch()) {
    if (!TakeTurn(patience->deadline, failure)) return nullptr;
    CallLane* lane = AcquireSlow(patience, failure);
    if (lane == nullptr) EndTurn();
    return lane;
  }
  CallLane* lane = AcquireAgain();
  return lane != nullptr ? lane : AcquireSlow(patience, failure);
}

CallLane* WorkerSlot::AcquireFor(const ModuleSpec& spec, int64_t start, int64_t* deadline,
                                 Failure* failure) {
  *deadline = spec.Deadline(start);
  Patience patience{spec.QueueDeadline(*deadline), spec.load_deadline};
  CallLane* lane = Acquire(&patience, failure);
  if (*deadline != kNever) *deadline += patience.starting;
  return lane;
}

CallLane* WorkerSlot::AcquireAgain() {
  const ThreadCache& cache = thread_cache;
  if (cache.slot != id_ || epoch_ != ForkEpoch() || !TryTake(cache.lane)) return nullptr;
  CallLane* lane = cache.lane;
  const Worker* worker = lane->worker.get();
  if (worker != nullptr && worker == current_.load(std::memory_order_acquire) &&
      !worker->SeemsDead(lane->index)) {
    return lane;
  }
  PutBack(lane);
  return nullptr;
}

void WorkerSlot::GiveBack(CallLane* lane) {
  PutBack(lane);
  if (one_call_per_worker() && epoch_ == ForkEpoch()) EndTurn();
}

void WorkerSlot::PutBack(CallLane* lane) {
  if (lane->worker != nullptr && lane->worker->ended()) lane->Unbind();
  lane->busy.store(false, std::memory_order_release);
}

CallLane* WorkerSlot::AcquireSlow(Patience* patience, Failure* failure) {
  if (epoch_ != ForkEpoch()) {
    *failure =
        MakeError(kUnavailable,
                  "'" + modules_[0]->name +
                      "' was loaded by the process this one was forked from; load it again here");
    return nullptr;
  }
  while (true) {
    std::shared_ptr<Worker> worker = EnsureWorker(patience, failure);
    if (worker == nullptr) return nullptr;
    bool wait = false;
    CallLane* lane = TakeLane(worker, &wait);
    Status bound = lane == nullptr || lane->worker == worker ? OkStatus() : lane->Bind(worker);
    if (lane != nullptr && bound.ok()) {
      // What is remembered is taken without a turn.
      if (!one_call_per_worker()) thread_cache = {id_, lane};
      return lane;
    }
    if (lane != nullptr) {
      PutBack(lane);
      if (!worker->Alive()) continue;  // it died meanwhile: start another
      *failure = MakeError(KindOf(bound.code),
                           "cannot open a lane to '" + Label() + "': " + bound.message);
      return nullptr;
    }
    if (!wait) {
      *failure = MakeError(kResourceExhausted,
                           "all " + std::to_string(kMaxLanes) + " lanes of the worker of '" +
                               Label() + "' are held by calls that are inside a callback");
      return nullptr;
    }
    if (MonotonicNanos() >= patience->deadline) {
      *failure = MakeError(kDeadlineExceeded, "no lane to '" + Label() + "' became free in time");
      return nullptr;
    }
    if (Interrupted(failure)) return nullptr;
    // Giving a lane back tells nobody: that would cost every call. Sharing lanes is rare.
    ::usleep(200);
  }
}

CallLane* WorkerSlot::TakeLane(const std::shared_ptr<Worker>& worker, bool* wait) {
  const std::shared_ptr<ThreadMark>& self = ThisThread();
  std::lock_guard<std::mutex> lock(lock_);
  CallLane* unbound = nullptr;
  CallLane* shared = nullptr;
  uint32_t bound = 0;
  for (const auto& lane : lanes_) {
    if (!TryTake(lane.get())) {
      // Whoever has it may be bound to an older worker; counting it errs on the safe side.
      ++bound;
      *wait = *wait || !lane->in_callback.load(std::memory_order_acquire);
      continue;
    }
    const bool is_bound = lane->worker == worker;
    if (is_bound) ++bound;
    const bool is_free =
        lane->owner == nullptr || !lane->owner->alive.load(std::memory_order_relaxed);
    if (is_bound && (is_free || lane->owner == self)) {
      if (unbound != nullptr) unbound->busy.store(false, std::memory_order_release);
      if (shared != nullptr) shared->busy.store(false, std::memory_order_release);
      lane->owner = self;
      return lane.get();
    }
    CallLane** place = is_bound ? &shared : &unbound;
    if (*place == nullptr) {
      *place = lane.get();
    } else {
      lane->busy.store(false, std::memory_order_release);
    }
  }
  if (bound < kMaxLanes) {
    if (shared != nullptr) shared->busy.store(false, std::memory_order_release);
    if (unbound == nullptr) {
      lanes_.push_back(std::make_unique<CallLane>());
      unbound = lanes_.back().get();
      unbound->busy.store(true, std::memory_order_relaxed);
    }
    unbound->owner = self;
    return unbound;
  }
  if (unbound != nullptr) unbound->busy.store(false, std::memory_order_release);
  return shared;
}

std::shared_ptr<Worker> WorkerSlot::EnsureWorker(Patience* patience, Failure* failure) {
  if (patience->load_deadline < 0) return EnsureWorker(patience->deadline, failure);
  const int64_t before = MonotonicNanos();
  std::shared_ptr<Worker> worker = EnsureWorker(DeadlineAfter(patience->load_deadline), failure);
  const int64_t taken = MonotonicNanos() - before;
  patience->starting += taken;
  if (patience->deadline != kNever) patience->deadline += taken;
  return worker;
}

std::shared_ptr<Worker> WorkerSlot::EnsureWorker(int64_t deadline, Failure* failure) {
  std::shared_ptr<Worker> worker = current();
  if (worker != nullptr && worker->Alive()) return worker;
  if (!LockStart(deadline, failure)) return nullptr;
  std::lock_guard<std::mutex> start(start_lock_, std::adopt_lock);
  worker = current();
  if (worker != nullptr && worker->Alive()) return worker;
  // It died while nobody called: nothing of anybody's has failed, but its end counts.
  if (worker != nullptr) {
    const WorkerEnd end = worker->End(std::nullopt);
    FailedCall call;
    call.module = Label();
    call.generation = worker->generation();
    Forget(worker, end.cause != "daemon" && end.cause != "closed",
           MakeReport(kWorkerCrashed, call, end));
  }
  if ((*failure = CheckMayStart())) return nullptr;
  starter_.store(ThreadId(), std::memory_order_relaxed);
  worker = StartWorker(deadline, failure);
  starter_.store(0, std::memory_order_relaxed);
  return worker;
}

void WorkerSlot::Adopt(const std::shared_ptr<Worker>& worker, std::unique_ptr<CallLane> lane) {
  lane->owner = ThisThread();
  lanes_.push_back(std::move(lane));
  current_owner_ = worker;
  current_.store(worker.get(), std::memory_order_release);
}

bool WorkerSlot::LockStart(int64_t deadline, Failure* failure) {
  if (starter_.load(std::memory_order_relaxed) == ThreadId()) {
    *failure = MakeError(kResourceExhausted,
                         "a call of '" + Label() + "' inside a callback of its own start");
    return false;
  }
  if (LockBefore(deadline, &start_lock_, failure)) return true;
  if (!*failure) {
    *failure =
        MakeError(kDeadlineExceeded, "the worker of '" + Label() + "' was not started in time");
  }
  return false;
}

Failure WorkerSlot::CheckMayStart() {
  if (!options_.respawn && generation() > 0) {
    std::lock_guard<std::mutex> lock(lock_);
    return MakeHostError(
        kUnavailable,
        "the worker of '" + modules_[0]->name + "' has ended and respawn is \"never\"",
        last_report_);
  }
  const int deaths = deaths_.load(std::memory_order_relaxed);
  if (deaths < options_.breaker_deaths) return {};
  std::lock_guard<std::mutex> lock(lock_);
  const double left =
      options_.breaker_seconds - static_cast<double>(MonotonicNanos() - last_death_) * 1e-9;
  if (left <= 0) return {};
  return MakeHostError(kUnavailable,
                       "workers of '" + modules_[0]->name + "' died " + std::to_string(deaths) +
                           " times in a row; none is started for another " +
                           std::to_string(static_cast<int>(left) + 1) + " s, or until reset()",
                       last_report_);
}

void WorkerSlot::Forget(const std::shared_ptr<Worker>& worker, bool blame, const OwnedAny& report) {
  std::shared_ptr<Worker> forgotten;
  std::vector<std::shared_ptr<Worker>> unbound;
  std::lock_guard<std::mutex> lock(lock_);
  if (report.get().type_index == kTVMFFIMap)
    TVMFFIAnyViewToOwnedAny(&report.get(), last_report_.out());
  for (const auto& lane : lanes_) {
    if (!TryTake(lane.get())) continue;
    if (lane->worker == worker) {
      unbound.push_back(lane->worker);
      lane->Unbind();
    }
    lane->busy.store(false, std::memory_order_release);
  }
  if (current_owner_ == worker) {
    current_.store(nullptr, std::memory_order_release);
    forgotten = std::move(current_owner_);
  }
  // Every call in flight sees the same end; it counts once.
  if (!worker->MarkForgotten() || !blame) return;
  ++ProcessTotals().workers_died;
  deaths_.fetch_add(1, std::memory_order_relaxed);
  last_death_ = MonotonicNanos();
}

}  // namespace tvmffi::host
