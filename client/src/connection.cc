#include "client/src/connection.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/src/process_state.h"
#include "proto/base/clock.h"

namespace tvmffi::host {
namespace {

constexpr char kClientVersion[] = "tvmffi-host " TVMFFI_PROJECT_VERSION;

// The daemon's word to its workers.
template <typename T>
constexpr bool kToWorker =
    std::is_same_v<T, wire::WorkerStart> || std::is_same_v<T, wire::WorkerPrepare>;

uint64_t RequestId(const wire::Message& message) {
  return std::visit(
      [](const auto& m) -> uint64_t {
        if constexpr (kToWorker<std::decay_t<decltype(m)>>) {
          return 0;
        } else {
          return m.request_id;
        }
      },
      message);
}

void SetRequestId(wire::Message* message, uint64_t id) {
  std::visit(
      [id](auto& m) {
        if constexpr (!kToWorker<std::decay_t<decltype(m)>>) m.request_id = id;
      },
      *message);
}

void WaitUntil(std::condition_variable* changed, std::unique_lock<std::mutex>* lock,
               int64_t deadline) {
  const int64_t left = std::max<int64_t>(deadline - MonotonicNanos(), 0);
  changed->wait_until(*lock, std::chrono::steady_clock::now() + std::chrono::nanoseconds(left));
}

}  // namespace

Connection::Connection(UniqueFd socket, std::string name)
    : name_(std::move(name)), epoch_(ForkEpoch()), fd_(socket.get()), socket_(std::move(socket)) {
  CloseInChild(fd_);
}

Connection::~Connection() {
  // A forked child has closed its copy already; the number may belong to another descriptor by now.
  if (epoch_ != ForkEpoch()) {
    new ControlConnection(std::move(socket_));
    return;
  }
  ForgetCloseInChild(fd_);
}

Result<std::shared_ptr<Connection>> Connection::Open(UniqueFd socket, std::string name) {
  std::shared_ptr<Connection> connection(new Connection(std::move(socket), std::move(name)));
  TVMFFI_RETURN_IF_ERROR(connection->Greet());
  return connection;
}

Status Connection::Greet() {
  wire::Hello hello;
  hello.client_version = kClientVersion;
  Result<wire::Welcome> welcome = AskFor<wire::Welcome>(this, hello);
  if (!welcome.ok()) {
    return {Code::kUnavailable, "no session with " + name_ + ": " + welcome.status().message};
  }
  if (welcome->protocol != wire::kProtocol) {
    return {Code::kUnavailable, name_ + " speaks protocol " + std::to_string(welcome->protocol) +
                                    ", this client " + std::to_string(wire::kProtocol)};
  }
  daemon_pid_ = welcome->daemon_pid;
  return OkStatus();
}

Status Connection::Send(wire::Message* request, std::vector<UniqueFd> fds, int64_t deadline) {
  std::lock_guard<std::mutex> lock(send_lock_);
  if (broken_.load(std::memory_order_relaxed)) return {Code::kUnavailable, name_ + " has ended"};
  Result<std::vector<char>> payload = wire::Encode(*request);
  if (!payload.ok()) return payload.status();
  Status sent = socket_.Send(*payload, std::move(fds), deadline);
  if (sent.code == Code::kResourceExhausted) {
    return {sent.code, "cannot send to " + name_ + ": " + sent.message};
  }
  if (!sent.ok()) {
    Break(sent);
    return {Code::kUnavailable, "cannot reach " + name_ + ": " + sent.message};
  }
  return sent;
}

void Connection::Break(const Status& status) {
  broken_.store(true, std::memory_order_relaxed);
  std::lock_guard<std::mutex> lock(lock_);
  if (end_.ok()) end_ = {Code::kUnavailable, name_ + " has ended: " + status.message};
  changed_.notify_all();
}

Result<Connection::Answer> Connection::Ask(wire::Message request, std::vector<UniqueFd> fds,
                                           double seconds) {
  if (epoch_ != ForkEpoch()) {
    return Status{Code::kUnavailable,
                  "the session belongs to the process this one was forked from; open another"};
  }
  const int64_t deadline = DeadlineAfter(seconds);
  const uint64_t id = next_id_.fetch_add(1, std::memory_order_relaxed);
  SetRequestId(&request, id);
  {
    std::lock_guard<std::mutex> lock(lock_);
    if (!end_.ok()) return end_;
    waiting_.emplace(id, std::nullopt);
  }
  Status sent = Send(&request, std::move(fds), deadline);
  std::unique_lock<std::mutex> lock(lock_);
  if (!sent.ok()) {
    waiting_.erase(id);
    return sent;
  }
  std::optional<Answer> answer;
  while (!(answer = std::exchange(waiting_[id], std::nullopt)) && end_.ok() &&
         MonotonicNanos() < deadline) {
    if (someone_reads_) {
      WaitUntil(&changed_, &lock, deadline);
    } else {
      ReadOne(&lock, deadline);
    }
  }
  waiting_.erase(id);
  if (!answer && !end_.ok()) return end_;
  if (!answer)
    return Status{Code::kUnavailable,
                  name_ + " did not answer " + wire::MessageName(request) + " in time"};
  lock.unlock();
  if (answer->fds_lost) return LoseFds(answer->message);
  if (auto* failed = std::get_if<wire::Failed>(&answer->message))
    return Status{failed->code, failed->message};
  return std::move(*answer);
}

Status Connection::LoseFds(const wire::Message& answer) {
  // Nobody can call that worker.
  if (const auto* created = std::get_if<wire::WorkerCreated>(&answer)) {
    Tell(wire::KillWorker{0, created->worker_id, wire::KillCause::kClosed});
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return {Code::kResourceExhausted, std::string("the descriptors of ") + name_ + "'s " +
                                        wire::MessageName(answer) +
                                        " were lost: this process may open no more, its limit is " +
                                        std::to_string(limit.rlim_cur)};
}

void Connection::Tell(wire::Message request) {
  if (epoch_ != ForkEpoch()) return;
  SetRequestId(&request, next_id_.fetch_add(1, std::memory_order_relaxed));
  // Whoever tells cannot do anything about a daemon that is gone.
  if (!Send(&request, {}, DeadlineAfter(1.0)).ok()) return;
  // Answers nobody reads would fill the daemon's queue in the end.
  std::unique_lock<std::mutex> lock(lock_);
  if (!someone_reads_ && end_.ok()) ReadOne(&lock, MonotonicNanos());
}

void Connection::ReadOne(std::unique_lock<std::mutex>* lock, int64_t deadline) {
  someone_reads_ = true;
  lock->unlock();
  Result<ControlFrame> frame = socket_.Receive(deadline, LostFds::kNote);
  lock->lock();
  someone_reads_ = false;
  Deliver(std::move(frame));
  changed_.notify_all();
}

void Connection::Deliver(Result<ControlFrame> frame) {
  if (!frame.ok() && frame.status().code == Code::kDeadlineExceeded) return;
  Result<wire::Message> message =
      frame.ok() ? wire::Decode(*frame) : Result<wire::Message>(frame.status());
  if (!message.ok()) {
    broken_.store(true, std::memory_order_relaxed);
    if (end_.ok()) end_ = {Code::kUnavailable, name_ + " has ended: " + message.status().message};
    return;
  }
  auto found = waiting_.find(RequestId(*message));
  if (found != waiting_.end())
    found->second = Answer{std::move(*message), std::move(frame->fds), frame->fds_lost};
}

bool Connection::Alive() {
  if (broken_.load(std::memory_order_relaxed) || epoch_ != ForkEpoch()) return false;
  pollfd entry{fd_, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) <= 0 || (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
}

void Connection::Close() {
  if (epoch_ != ForkEpoch()) return;
  Break({Code::kUnavailable, "the session was closed"});
  ::shutdown(fd_, SHUT_RDWR);
}

}  // namespace tvmffi::host
