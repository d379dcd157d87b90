#include "hostd/session.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "hostd/observe/documents.h"
#include "hostd/version.h"
#include "proto/base/clock.h"

namespace tvmffi::hostd {
namespace {

constexpr uint64_t kHelloMs = 10'000;
// A client that sends more has its socket left unread for a moment.
constexpr int64_t kWindowNanos = 10'000'000;
constexpr int kFramesPerWindow = 1000;

// A limit that nothing would enforce is refused.
std::vector<std::string> NeededLayers(const wire::CreateWorker& request, bool watched) {
  std::vector<std::string> layers = request.require;
  if (request.limits.memory_bytes != 0 && !watched) layers.emplace_back(kCgroupMemory);
  if (request.limits.processes != 0 && !watched) layers.emplace_back(kCgroupPids);
  if (request.limits.cpu_percent != 0) layers.emplace_back(kCgroupCpu);
  return layers;
}

// Those that stand in the way of what was granted are left out.
std::vector<std::string> WorkerLayers(const LayerReport& report, const wire::Grants& grants) {
  std::vector<std::string> layers = report.Active();
  if (!grants.network) return layers;
  auto is_net = [](const std::string& name) {
    return name == kNetNamespace || name == kLandlockNet;
  };
  layers.erase(std::remove_if(layers.begin(), layers.end(), is_net), layers.end());
  return layers;
}

}  // namespace

Session::Session(SessionContext context, uint32_t id, std::function<void()> on_end)
    : context_(std::move(context)),
      id_(id),
      on_end_(std::move(on_end)),
      hello_timer_(context_.loop, [this] { End("no Hello in time"); }),
      rest_timer_(context_.loop, [this] { stream_->ResumeReading(); }) {}

Result<std::unique_ptr<Session>> Session::Create(SessionContext context, UniqueFd socket,
                                                 uint32_t id, std::function<void()> on_end) {
  EventLoop* loop = context.loop;
  std::unique_ptr<Session> session(new Session(std::move(context), id, std::move(on_end)));
  Stream::Callbacks callbacks;
  callbacks.on_frame = [raw = session.get()](ControlFrame frame) {
    raw->OnFrame(std::move(frame));
  };
  callbacks.on_end = [raw = session.get()](Status status) { raw->End(status.message); };
  Result<std::unique_ptr<Stream>> stream =
      Stream::Create(loop, std::move(socket), std::move(callbacks));
  if (!stream.ok()) return stream.status();
  session->stream_ = std::move(*stream);
  session->hello_timer_.Start(kHelloMs);
  return session;
}

Session::~Session() {
  for (auto& [id, worker] : workers_) context_.supervisor->Abandon(worker.process);
}

void Session::OnFrame(ControlFrame frame) {
  CountFrame();
  Result<wire::Message> message = wire::Decode(frame);
  if (!message.ok()) return End(message.status().message);
  if (!welcomed_ && !std::holds_alternative<wire::Hello>(*message)) {
    return End(std::string(wire::MessageName(*message)) + " came before Hello");
  }
  std::visit(
      [&](const auto& request) {
        using T = std::decay_t<decltype(request)>;
        if constexpr (std::is_same_v<T, wire::ShareArena> || std::is_same_v<T, wire::RetireArena> ||
                      std::is_same_v<T, wire::OpenLane> || std::is_same_v<T, wire::LendModule>) {
          PassOn(request, std::move(frame.fds));
        } else if constexpr (std::is_same_v<T, wire::Hello> ||
                             std::is_same_v<T, wire::CreateWorker> ||
                             std::is_same_v<T, wire::KillWorker> ||
                             std::is_same_v<T, wire::AwaitExit> ||
                             std::is_same_v<T, wire::GetStats> ||
                             std::is_same_v<T, wire::StartSymbolizer> ||
                             std::is_same_v<T, wire::GetDocument> ||
                             std::is_same_v<T, wire::EndWorker>) {
          Handle(request);
        } else {
          End(std::string("a client may not send ") + wire::MessageName(*message));
        }
      },
      *message);
}

void Session::CountFrame() {
  int64_t now = MonotonicNanos();
  if (now - window_start_ > kWindowNanos) {
    window_start_ = now;
    frames_in_window_ = 0;
  }
  if (++frames_in_window_ != kFramesPerWindow) return;
  stream_->PauseReading();
  rest_timer_.Start(static_cast<uint64_t>(kWindowNanos / 1'000'000));
}

void Session::Handle(const wire::Hello& request) {
  if (welcomed_) return End("a second Hello came");
  if (request.protocol != wire::kProtocol) {
    return Fail(request.request_id, {Code::kInvalidArgument,
                                     "client " + request.client_version + " speaks protocol " +
                                         std::to_string(request.protocol) + ", daemon " + kVersion +
                                         " speaks " + std::to_string(wire::kProtocol)});
  }
  welcomed_ = true;
  hello_timer_.Stop();
  Reply(wire::Welcome{request.request_id, wire::kProtocol, kVersion, ::getpid(),
                      context_.layers->Active()});
}

void Session::Handle(const wire::CreateWorker& request) {
  if (context_.observer) return End("an observer may not create workers");
  if (workers_.size() >= kMaxWorkers) {
    return Fail(request.request_id, {Code::kResourceExhausted,
                                     "cannot create worker '" + request.label +
                                         "': this session has " + std::to_string(workers_.size()) +
                                         ", limit is " + std::to_string(kMaxWorkers)});
  }
  if (request.log_forward && !context_.may_forward_log) {
    return Fail(request.request_id, {Code::kInvalidArgument,
                                     "cannot forward the output of worker '" + request.label +
                                         "': a shared daemon does not have the caller's stderr"});
  }
  const bool watched = Has(context_.layers->Active(), kUsage);
  if (Status status = context_.layers->Require(NeededLayers(request, watched)); !status.ok()) {
    status.message = "cannot create worker '" + request.label + "': " + status.message;
    return Fail(request.request_id, std::move(status));
  }
  Result<Policy> policy = MakePolicy(request);
  if (!policy.ok()) return Fail(request.request_id, policy.status());
  std::vector<std::string> layers = WorkerLayers(*context_.layers, request.grants);
  uint32_t worker_id = next_worker_id_;
  SpawnOptions options{context_.worker_program, request.label,       worker_id,
                       std::move(*policy),      request.log_forward, layers,
                       context_.seccomp_audit,  request.poison,      request.one_call,
                       context_.cgroups};
  options.usual = {UsualMemory(*context_.cgroups), wire::kUsualProcesses};
  options.session = id_;
  options.cold_wake_ns = context_.cold_wake_ns;
  Result<WorkerProcess*> process = context_.supervisor->Spawn(
      options, [this, worker_id](WorkerProcess*) { OnWorkerExit(worker_id); });
  if (!process.ok()) return Fail(request.request_id, process.status());
  Result<std::vector<UniqueFd>> fds = (*process)->TakeClientFds();
  if (!fds.ok()) {
    context_.supervisor->Abandon(*process);
    return Fail(request.request_id, fds.status());
  }
  ++next_worker_id_;
  workers_[worker_id].process = *process;
  Reply(wire::WorkerCreated{request.request_id, worker_id, (*process)->pid(), std::move(layers)},
        std::move(*fds));
}

template <typename Request>
void Session::PassOn(const Request& request, std::vector<UniqueFd> fds) {
  auto worker = workers_.find(request.worker_id);
  if (worker == workers_.end()) return NoSuchWorker(request.request_id, request.worker_id);
  size_t passing = 0;
  for (const auto& [id, other] : workers_) passing += other.process->passing();
  if (!fds.empty() && passing >= kMaxPassing) {
    return Fail(request.request_id, {Code::kResourceExhausted,
                                     "the workers of this session do not read their messages: " +
                                         std::to_string(passing) + " wait"});
  }
  worker->second.process->Pass(request, std::move(fds),
                               [this, request_id = request.request_id](Status status) {
                                 if (!status.ok()) return Fail(request_id, std::move(status));
                                 Reply(wire::Done{request_id});
                               });
}

void Session::Handle(const wire::KillWorker& request) {
  WorkerProcess* running = AnswerExit(request.request_id, request.worker_id);
  if (running != nullptr) running->Kill(request.cause);
}

void Session::Handle(const wire::AwaitExit& request) {
  AnswerExit(request.request_id, request.worker_id);
}

void Session::Handle(const wire::GetStats& request) {
  wire::Stats stats = context_.stats();
  stats.request_id = request.request_id;
  Reply(stats);
}

void Session::Handle(const wire::GetDocument& request) {
  Result<std::string> text = MakeDocument(request);
  if (text.ok() && text->size() > wire::kMaxDocument) {
    text = Status{Code::kResourceExhausted, "the document has " + std::to_string(text->size()) +
                                                " bytes, limit is " +
                                                std::to_string(wire::kMaxDocument)};
  }
  if (!text.ok()) return Fail(request.request_id, text.status());
  Reply(wire::Document{request.request_id, std::move(*text)});
}

Result<std::string> Session::MakeDocument(const wire::GetDocument& request) const {
  switch (request.kind) {
    case wire::DocumentKind::kWorkers:
      return WorkersDocument(*context_.supervisor);
    case wire::DocumentKind::kEnded:
      return EndedDocument(*context_.supervisor);
    case wire::DocumentKind::kWorker:
      return WorkerDocument(*context_.supervisor, request.pid);
    case wire::DocumentKind::kLayers:
      return LayersDocument(*context_.layers);
    case wire::DocumentKind::kStats:
      return StatsDocument(*context_.supervisor, context_.stats());
    case wire::DocumentKind::kMetrics:
      break;
  }
  return MetricsText(*context_.supervisor, context_.stats());
}

void Session::Handle(const wire::EndWorker& request) {
  WorkerProcess* worker = context_.supervisor->Find(request.pid);
  if (worker == nullptr) {
    return Fail(request.request_id,
                {Code::kNotFound, "no worker with pid " + std::to_string(request.pid) + " runs"});
  }
  worker->Kill(wire::KillCause::kCancelled);
  Reply(wire::Done{request.request_id});
}

void Session::Handle(const wire::StartSymbolizer& request) {
  if (context_.observer) return End("an observer has no crashes");
  UniqueFd program(::open(context_.worker_program.c_str(), O_RDONLY | O_CLOEXEC));
  if (!program.valid()) {
    return Fail(request.request_id, ErrnoStatus(errno, "cannot open the worker program"));
  }
  Result<UniqueFd> connection = context_.supervisor->StartSymbolizer(context_.symbolizer_program);
  if (!connection.ok()) return Fail(request.request_id, connection.status());
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(*connection));
  fds.push_back(std::move(program));
  Reply(wire::SymbolizerStarted{request.request_id}, std::move(fds));
}

WorkerProcess* Session::AnswerExit(uint64_t request_id, uint32_t worker_id) {
  if (auto report = reports_.find(worker_id); report != reports_.end()) {
    Reply(wire::WorkerExited{request_id, worker_id, report->second});
    return nullptr;
  }
  auto worker = workers_.find(worker_id);
  if (worker == workers_.end()) {
    NoSuchWorker(request_id, worker_id);
    return nullptr;
  }
  if (worker->second.waiting.size() >= kMaxWaiting) {
    Fail(request_id, {Code::kResourceExhausted, "worker " + std::to_string(worker_id) + " has " +
                                                    std::to_string(kMaxWaiting) +
                                                    " requests waiting for its end already"});
    return worker->second.process;
  }
  worker->second.waiting.push_back(request_id);
  return worker->second.process;
}

void Session::NoSuchWorker(uint64_t request_id, uint32_t worker_id) {
  if (reports_.count(worker_id) != 0) {
    return Fail(request_id,
                {Code::kUnavailable, "worker " + std::to_string(worker_id) + " has ended"});
  }
  Fail(request_id, {Code::kNotFound, "this session has no worker " + std::to_string(worker_id)});
}

void Session::OnWorkerExit(uint32_t worker_id) {
  auto node = workers_.extract(worker_id);
  // Its start failed half-way and was answered then.
  if (node.empty()) return;
  const wire::ExitReport& report = *node.mapped().process->exit_report();
  for (uint64_t request_id : node.mapped().waiting) {
    Reply(wire::WorkerExited{request_id, worker_id, report});
  }
  reports_[worker_id] = report;
  if (reports_.size() > kKeptReports) reports_.erase(reports_.begin());
}

void Session::Reply(const wire::Message& message, std::vector<UniqueFd> fds) {
  if (ended_) return;
  Result<std::vector<char>> payload = wire::Encode(message);
  Status status = payload.ok() ? stream_->Send(*payload, std::move(fds)) : payload.status();
  if (!status.ok()) End(status.message);
}

void Session::Fail(uint64_t request_id, Status status) {
  status.message.resize(std::min(status.message.size(), wire::kMaxErrorText));
  context_.log->debug("session {}: request {} failed: {}", id_, request_id, status.message);
  Reply(wire::Failed{request_id, status.code, std::move(status.message)});
}

void Session::End(const std::string& why) {
  if (ended_) return;
  ended_ = true;
  context_.log->info("session {} ended: {}", id_, why);
  hello_timer_.Stop();
  rest_timer_.Stop();
  stream_->Close();
  on_end_();
}

}  // namespace tvmffi::hostd
