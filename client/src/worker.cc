#include "client/src/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "client/src/process_state.h"
#include "proto/base/clock.h"
#include "proto/base/peer_memory.h"

namespace tvmffi::host {
namespace {

// A worker that looks dead but is not reaped within this time lied about it.
constexpr double kReapSeconds = 5.0;
// Nobody waits longer for one that was killed.
constexpr double kKillSeconds = 10.0;
constexpr uint64_t kResultArena = 16u << 20;
constexpr uint64_t kMaxGrowth = 256u << 20;

std::atomic<uint64_t> next_worker{1};

WorkerEnd FromWire(wire::ExitReport report) {
  WorkerEnd end;
  end.cause = std::move(report.cause);
  end.signal = report.signal;
  end.exit_status = report.exit_status;
  end.pid = report.pid;
  end.lifetime = static_cast<double>(report.lifetime_us) * 1e-6;
  end.user_time = static_cast<double>(report.user_us) * 1e-6;
  end.system_time = static_cast<double>(report.system_us) * 1e-6;
  end.max_rss_kib = static_cast<int64_t>(report.max_rss_kib);
  end.log_tail = std::move(report.log_tail);
  end.log_bytes = static_cast<int64_t>(report.log_bytes);
  end.limits_hit = std::move(report.limits_hit);
  return end;
}

// What all results of one worker may take together: a bound on what a worker can make its caller
// allocate.
uint64_t MaxResultBytes() {
  static const uint64_t bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                                static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

// Not a duplicate: that would share its offset and its locks with every worker it is lent to.
Result<UniqueFd> OpenAgain(int fd, int access) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  UniqueFd again(::open(path.c_str(), access | O_CLOEXEC));
  if (!again.valid() && errno == EACCES) {
    // A worker of the same user, which has it too, took the rights away.
    ::fchmod(fd, 0666);
    again = UniqueFd(::open(path.c_str(), access | O_CLOEXEC));
  }
  if (!again.valid()) return ErrnoStatus(errno, "cannot open a file in memory again");
  return again;
}

bool SameBytes(const ModuleCopy& a, const ModuleCopy& b) {
  return a.file.size() == b.file.size() &&
         std::memcmp(a.file.data(), b.file.data(), a.file.size()) == 0;
}

}  // namespace

bool SameWorker(const WorkerOptions& a, const WorkerOptions& b) {
  const auto limits = [](const wire::Limits& l) {
    return std::make_tuple(l.address_space_bytes, l.file_size_bytes, l.open_files, l.cpu_seconds,
                           l.memory_bytes, l.processes, l.cpu_percent, l.wall_seconds);
  };
  const auto grants = [](const wire::Grants& g) {
    return std::tie(g.modules, g.read, g.tmpfs_bytes, g.network);
  };
  return limits(a.limits) == limits(b.limits) && grants(a.grants) == grants(b.grants) &&
         a.environment == b.environment && a.log_forward == b.log_forward &&
         a.require == b.require && a.poison == b.poison;
}

Worker::Worker(std::shared_ptr<Connection> connection, const WorkerOptions& options,
               uint64_t slot_id, uint64_t generation)
    : id_(next_worker.fetch_add(1, std::memory_order_relaxed)),
      slot_id_(slot_id),
      generation_(generation),
      epoch_(ForkEpoch()),
      label_(options.label),
      connection_(std::move(connection)),
      staging_([this](size_t size) { return NewArena(size, ArenaUse::kStaging); }, options.poison),
      tensors_(std::make_shared<TensorPool>(
          [this](size_t size) { return NewArena(size, ArenaUse::kPool); }, options.poison)) {}

Result<std::shared_ptr<Arena>> Worker::NewArena(size_t size, ArenaUse use) {
  Result<std::shared_ptr<Arena>> arena = Arena::Create(size, use, id_);
  if (!arena.ok()) return arena.status();
  if (use == ArenaUse::kPool) TVMFFI_RETURN_IF_ERROR((*arena)->Populate());
  TVMFFI_RETURN_IF_ERROR(Share(*arena));
  return arena;
}

Result<std::shared_ptr<Worker>> Worker::Start(std::shared_ptr<Connection> connection,
                                              const WorkerOptions& options, uint64_t slot_id,
                                              uint64_t generation) {
  std::shared_ptr<Worker> worker(new Worker(std::move(connection), options, slot_id, generation));
  wire::CreateWorker request;
  request.label = options.label;
  request.limits = options.limits;
  request.environment = options.environment;
  request.log_forward = options.log_forward;
  request.grants = options.grants;
  request.require = options.require;
  request.poison = options.poison;
  request.one_call = options.one_call;
  worker->asked_ = MonotonicNanos();
  Result<Connection::Answer> answer = worker->connection_->Ask(std::move(request));
  if (!answer.ok()) return answer.status();
  worker->created_ = MonotonicNanos();
  auto* created = std::get_if<wire::WorkerCreated>(&answer->message);
  if (created == nullptr || answer->fds.size() != 4) {
    return Status{Code::kInternal, "the daemon answered CreateWorker with " +
                                       std::string(wire::MessageName(answer->message))};
  }
  worker->worker_id_ = created->worker_id;
  worker->pid_ = created->pid;
  worker->layers_ = std::move(created->layers);
  Result<ShmSegment> channel =
      ShmSegment::Map(std::move(answer->fds[0]), kChannelSize, Access::kReadWrite);
  if (!channel.ok()) return channel.status();
  worker->channel_ = std::move(*channel);
  Result<ShmSegment> death_page =
      ShmSegment::Map(std::move(answer->fds[1]), kPage, Access::kReadOnly);
  if (!death_page.ok()) return death_page.status();
  worker->death_page_ = std::move(*death_page);
  worker->pidfd_ = std::move(answer->fds[2]);
  Result<ShmSegment> recorder =
      ShmSegment::Map(std::move(answer->fds[3]), kRecorderSize, Access::kReadWrite);
  if (!recorder.ok()) return recorder.status();
  worker->recorder_ = std::move(*recorder);
  return worker;
}

Worker::~Worker() { Close(); }

bool Worker::HasLayer(std::string_view name) const {
  return std::find(layers_.begin(), layers_.end(), name) != layers_.end();
}

const StartTimes& Worker::start_times() const {
  return reinterpret_cast<const ChannelHeader*>(channel_.data())->start;
}

LaneMemory* Worker::lane(uint32_t index) const {
  return reinterpret_cast<LaneMemory*>(channel_.data() + kLanesOffset) + index;
}

LaneRecord* Worker::record(uint32_t lane) const {
  return &reinterpret_cast<RecorderMemory*>(recorder_.data())->lanes[lane];
}

uint32_t Worker::RecordedName(std::string_view function) {
  std::lock_guard<std::mutex> lock(lock_);
  return RecordName(reinterpret_cast<RecorderMemory*>(recorder_.data()), function);
}

const std::atomic<uint32_t>* Worker::death_word() const {
  return &reinterpret_cast<const DeathPage*>(death_page_.data())->dead;
}

Result<uint32_t> Worker::OpenLane() {
  uint32_t index;
  {
    std::lock_guard<std::mutex> lock(lock_);
    if (next_lane_ == kMaxLanes) {
      return Status{Code::kResourceExhausted,
                    "all " + std::to_string(kMaxLanes) + " lanes of the worker are taken"};
    }
    index = next_lane_++;
  }
  if (index == 0) return index;  // served from the start
  Result<wire::Done> done =
      AskFor<wire::Done>(connection_.get(), wire::OpenLane{0, worker_id_, index});
  if (!done.ok()) return Unpassed(done.status());
  return index;
}

Status Worker::Unpassed(const Status& status) {
  if (status.code == Code::kUnavailable) deaf_.store(true, std::memory_order_relaxed);
  return status;
}

Status Worker::Share(const std::shared_ptr<Arena>& arena) {
  if (IsLent(arena->id())) return OkStatus();
  // Whoever comes second waits until the worker has it.
  std::lock_guard<std::mutex> one_at_a_time(share_lock_);
  if (IsLent(arena->id())) return OkStatus();
  if (!arena->VisibleTo(id_)) {
    return {Code::kInternal, "arena " + std::to_string(arena->id()) + " is another worker's"};
  }
  Result<UniqueFd> fd = OpenAgain(arena->fd(), arena->read_only() ? O_RDONLY : O_RDWR);
  if (!fd.ok()) return fd.status();
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(*fd));
  wire::ShareArena request{0, worker_id_, arena->id(), arena->size(), arena->read_only()};
  Result<wire::Done> done = AskFor<wire::Done>(connection_.get(), request, std::move(fds));
  if (!done.ok()) return Unpassed(done.status());
  arena->AddHolder(shared_from_this());
  std::lock_guard<std::mutex> lock(lock_);
  lent_[arena->id()] = arena;
  return OkStatus();
}

bool Worker::IsLent(uint32_t arena_id) {
  std::lock_guard<std::mutex> lock(lock_);
  return lent_.count(arena_id) != 0;
}

void Worker::Retire(uint32_t arena_id) {
  {
    std::lock_guard<std::mutex> lock(lock_);
    if (lent_.erase(arena_id) == 0) return;
  }
  if (!ended() && epoch_ == ForkEpoch())
    connection_->Tell(wire::RetireArena{0, worker_id_, arena_id});
}

std::shared_ptr<Arena> Worker::FindLent(uint32_t arena_id) {
  std::lock_guard<std::mutex> lock(lock_);
  auto found = lent_.find(arena_id);
  return found != lent_.end() ? found->second.lock() : nullptr;
}

Result<std::shared_ptr<Arena>> Worker::GrowResults(uint64_t size) {
  // As large as all before it: a worker that goes on asking gets few descriptors. Pages that nobody
  // writes cost nothing.
  uint64_t taken = 0;
  {
    std::lock_guard<std::mutex> lock(lock_);
    for (const std::shared_ptr<Arena>& arena : results_) taken += arena->size();
  }
  if (size > MaxResultBytes() || taken > MaxResultBytes() - size) {
    return Status{Code::kResourceExhausted,
                  "the worker asked for " + std::to_string(size) + " bytes for results"};
  }
  const uint64_t more = std::max({size, std::min(taken, kMaxGrowth), kResultArena});
  const uint64_t room = std::max(size, MaxResultBytes() - taken);
  Result<std::shared_ptr<Arena>> arena =
      Arena::Create(std::min(more, room), ArenaUse::kResult, id_);
  if (!arena.ok()) return arena.status();
  TVMFFI_RETURN_IF_ERROR(Share(*arena));
  std::lock_guard<std::mutex> lock(lock_);
  results_.push_back(*arena);
  return arena;
}

std::vector<std::shared_ptr<Arena>> Worker::results() {
  std::lock_guard<std::mutex> lock(lock_);
  return results_;
}

void Worker::Retain(uint64_t block_id, std::shared_ptr<StagingBlock> block, ObjectRef object,
                    std::shared_ptr<PoolBlock> pool_block) {
  Retained replaced;
  std::lock_guard<std::mutex> lock(lock_);
  Retained& retained = retained_[block_id];
  replaced = std::move(retained);
  retained.block = std::move(block);
  retained.object = std::move(object);
  retained.pool_block = std::move(pool_block);
}

void Worker::Drop(uint64_t block_id) {
  Retained dropped;
  std::lock_guard<std::mutex> lock(lock_);
  auto found = retained_.find(block_id);
  if (found == retained_.end()) return;
  dropped = std::move(found->second);
  retained_.erase(found);
}

bool Worker::IsRetained(const Arena& arena, uint64_t offset, uint64_t size) {
  std::lock_guard<std::mutex> lock(lock_);
  return std::any_of(retained_.begin(), retained_.end(), [&](const auto& entry) {
    const StagingBlock* block = entry.second.block.get();
    return block != nullptr && block->arena.get() == &arena && offset >= block->offset &&
           offset + size <= block->offset + block->size;
  });
}

void Worker::Release(uint64_t handle) {
  if (ended() || epoch_ != ForkEpoch()) return;
  std::lock_guard<std::mutex> lock(releases_lock_);
  releases_.push_back(handle);
  has_releases_.store(true, std::memory_order_release);
}

void Worker::MoveReleasesTo(FrameWriter* writer) {
  if (!has_releases()) return;
  std::lock_guard<std::mutex> lock(releases_lock_);
  for (uint64_t handle : releases_) writer->AddNote(NoteKind::kRelease, handle);
  releases_.clear();
  has_releases_.store(false, std::memory_order_relaxed);
}

Status Worker::LendModule(const std::string& path, std::shared_ptr<const ModuleCopy> copy) {
  {
    std::lock_guard<std::mutex> lock(lock_);
    std::shared_ptr<const ModuleCopy>& known = known_modules_[path];
    if (loaded_.count(path) != 0 && known != nullptr && copy != nullptr) {
      if (known == copy || SameBytes(*known, *copy)) return OkStatus();
      return {Code::kInvalidArgument,
              "its worker has loaded another version of it, and the linker keeps that one"};
    }
    known = copy;
  }
  if (copy == nullptr) return OkStatus();
  Result<UniqueFd> fd = OpenAgain(copy->file.fd(), O_RDONLY);
  if (!fd.ok()) return fd.status();
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(*fd));
  Result<wire::Done> done =
      AskFor<wire::Done>(connection_.get(), wire::LendModule{0, worker_id_, path}, std::move(fds));
  return done.ok() ? OkStatus() : Unpassed(done.status());
}

void Worker::SetLoaded(const std::string& path) {
  std::lock_guard<std::mutex> lock(lock_);
  loaded_.insert(path);
}

std::optional<uint64_t> Worker::ModuleHandle(uint32_t index) {
  std::lock_guard<std::mutex> lock(lock_);
  return index < modules_.size() ? modules_[index] : std::nullopt;
}

void Worker::SetModuleHandle(uint32_t index, uint64_t handle) {
  std::lock_guard<std::mutex> lock(lock_);
  if (modules_.size() <= index) modules_.resize(index + 1);
  modules_[index] = handle;
}

bool Worker::Alive() {
  if (ended() || epoch_ != ForkEpoch() || deaf_.load(std::memory_order_relaxed) ||
      death_word()->load(std::memory_order_acquire) != 0) {
    return false;
  }
  pollfd entry{pidfd_.get(), POLLIN, 0};
  return ::poll(&entry, 1, 0) <= 0 && connection_->Alive();
}

void Worker::ReadCrashPage(WorkerEnd* end) {
  // Everything that follows works on this copy.
  auto page = std::make_unique<CrashPage>();
  CopyFromPeer(page.get(), channel_.data() + kCrashOffset, sizeof(*page));
  std::optional<Crash> crash = ReadCrash(*page);
  // What the kernel does not confirm is somebody's invention.
  if (!crash || crash->signal != end->signal) return;
  KnownModules modules;
  {
    std::lock_guard<std::mutex> lock(lock_);
    modules = known_modules_;
  }
  end->backtrace = SymbolizeCrash(connection_.get(), *page, *crash, modules);
  if (crash->address_space_full) end->limits_hit.emplace_back("address_space_bytes");
  end->crash = std::make_shared<const Crash>(std::move(*crash));
}

WorkerEnd Worker::AskForEnd(std::optional<wire::KillCause> cause) {
  if (!cause) {
    Result<wire::WorkerExited> exited = AskFor<wire::WorkerExited>(
        connection_.get(), wire::AwaitExit{0, worker_id_}, {}, kReapSeconds);
    if (exited.ok()) return FromWire(std::move(exited->report));
    cause = wire::KillCause::kViolation;
  }
  Result<wire::WorkerExited> exited = AskFor<wire::WorkerExited>(
      connection_.get(), wire::KillWorker{0, worker_id_, *cause}, {}, kKillSeconds);
  if (exited.ok()) return FromWire(std::move(exited->report));
  WorkerEnd end;
  // It runs no more code of its own, but the kernel, or a debugger, does not let go of it.
  end.cause = connection_->Alive() ? "stuck" : "daemon";
  end.unknown = exited.status().message;
  end.pid = pid_;
  return end;
}

WorkerEnd Worker::End(std::optional<wire::KillCause> cause) {
  if (epoch_ != ForkEpoch()) {
    WorkerEnd end;
    end.cause = "daemon";
    return end;
  }
  std::lock_guard<std::mutex> lock(end_lock_);
  if (!ended()) {
    end_ = AskForEnd(cause);
    if (end_.cause == "signal") ReadCrashPage(&end_);
    ended_.store(true, std::memory_order_release);
    DropMemory();
  }
  return end_;
}

bool Worker::AwaitDeath(double seconds) {
  pollfd entry{pidfd_.get(), POLLIN, 0};
  const int64_t deadline = DeadlineAfter(seconds);
  for (;;) {
    const int64_t left = std::max<int64_t>(deadline - MonotonicNanos(), 0);
    if (::poll(&entry, 1, static_cast<int>(left / 1'000'000)) > 0) return true;
    if (left == 0) return false;
  }
}

void Worker::Close() {
  if (epoch_ != ForkEpoch() || ended_.exchange(true)) return;
  if (worker_id_ != 0) connection_->Tell(wire::KillWorker{0, worker_id_, wire::KillCause::kClosed});
  DropMemory();
}

void Worker::DropMemory() {
  std::map<uint64_t, Retained> retained;
  std::vector<std::shared_ptr<Arena>> results;
  {
    std::lock_guard<std::mutex> lock(lock_);
    retained.swap(retained_);
    results.swap(results_);
  }
  staging_.Clear();
  tensors_->Clear();
}

}  // namespace tvmffi::host
