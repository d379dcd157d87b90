#include "hostd/worker/control.h"

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>
#include <variant>

#include "hostd/worker/crash_handler.h"
#include "hostd/worker/lane_server.h"
#include "proto/base/clock.h"
#include "proto/channel/layout.h"

namespace tvmffi::hostd {

namespace {

wire::WorkerPrepare PartOf(const wire::WorkerStart& start) {
  return {start.layers, start.audit, start.grants.tmpfs_bytes, start.grants.network};
}

bool operator==(const wire::WorkerPrepare& a, const wire::WorkerPrepare& b) {
  return std::tie(a.layers, a.audit, a.tmpfs_bytes, a.network) ==
         std::tie(b.layers, b.audit, b.tmpfs_bytes, b.network);
}

}  // namespace

Status Control::Start() {
  times_->Mark(StartStep::kProcess);
  TVMFFI_RETURN_IF_ERROR(AwaitStart());
  Result<std::vector<FileLink>> links = state_->modules.Reserve(start_.grants.modules);
  if (!links.ok()) return links.status();
  TVMFFI_RETURN_IF_ERROR(lock_.Finish(start_, &*links, times_));
  state_->modules.SetPlaced(*links);
  TVMFFI_RETURN_IF_ERROR(PrepareLibrary());
  TVMFFI_RETURN_IF_ERROR(OpenLane(0));
  times_->Mark(StartStep::kReady);
  return OkStatus();
}

Status Control::AwaitStart() {
  std::optional<wire::WorkerPrepare> prepared;
  for (;;) {
    Result<ControlFrame> frame = connection_.Receive(kNever);
    if (!frame.ok()) return frame.status();
    Result<wire::Message> message = wire::Decode(*frame);
    if (!message.ok()) return message.status();
    if (const auto* prepare = std::get_if<wire::WorkerPrepare>(&*message);
        prepare != nullptr && !prepared) {
      TVMFFI_RETURN_IF_ERROR(lock_.Prepare(*prepare, times_));
      prepared = *prepare;
      continue;
    }
    if (!std::holds_alternative<wire::WorkerStart>(*message)) {
      return {Code::kInvalidArgument,
              std::string("expected WorkerStart, got ") + wire::MessageName(*message)};
    }
    start_ = std::get<wire::WorkerStart>(std::move(*message));
    TVMFFI_RETURN_IF_ERROR(MapChannel(std::move(frame->fds[0])));
    if (!prepared) return lock_.Prepare(PartOf(start_), times_);
    if (*prepared == PartOf(start_)) return TakeEnvironment();
    return {Code::kInvalidArgument, "it was prepared for something else than it is to do"};
  }
}

Status Control::TakeEnvironment() {
  for (const std::string& entry : start_.environment) {
    const size_t equals = entry.find('=');
    if (::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1) != 0) {
      return ErrnoStatus(errno, "cannot set '" + entry.substr(0, equals) + "'");
    }
  }
  return OkStatus();
}

Status Control::MapChannel(UniqueFd fd) {
  Result<ShmSegment> channel = ShmSegment::Map(std::move(fd), kChannelSize, Access::kReadWrite);
  if (!channel.ok()) return channel.status();
  channel_ = std::move(*channel);
  auto* header = reinterpret_cast<ChannelHeader*>(channel_.data());
  if (header->magic != kChannelMagic || header->version != kChannelVersion) {
    return {Code::kInvalidArgument, "channel has version " + std::to_string(header->version) +
                                        ", this worker speaks " + std::to_string(kChannelVersion)};
  }
  for (StartStep step : {StartStep::kProcess, StartStep::kRoot, StartStep::kFilter}) {
    header->start.Set(step, early_.at(step));
  }
  times_ = &header->start;
  state_->start_times = times_;
  times_->Mark(StartStep::kAssigned);
  return OkStatus();
}

Status Control::PrepareLibrary() {
  const auto known = static_cast<int64_t>(start_.cold_wake_ns);
  cold_wake_ = known != 0 ? known : MeasureColdWake();
  if (start_.poison) state_->results.PoisonFreed();
  InstallResultAllocator(&state_->results);
  TVMFFI_RETURN_IF_ERROR(UseCrashStack());
  return InstallCrashHandler(reinterpret_cast<CrashPage*>(channel_.data() + kCrashOffset));
}

Status Control::OpenLane(uint32_t lane) {
  if (lane >= kMaxLanes || (open_lanes_ & (1u << lane)) != 0) {
    return {Code::kInvalidArgument, "lane " + std::to_string(lane) + " cannot be opened"};
  }
  auto* memory = reinterpret_cast<LaneMemory*>(channel_.data() + kLanesOffset) + lane;
  auto* server = new LaneServer(state_, memory, lane, cold_wake_);
  try {
    std::thread([server] { server->Run(); }).detach();
  } catch (const std::system_error& error) {
    delete server;
    return {Code::kResourceExhausted,
            "cannot start a thread for lane " + std::to_string(lane) + ": " + error.what()};
  }
  open_lanes_ |= 1u << lane;
  return OkStatus();
}

Status Control::Run() {
  for (;;) {
    Result<ControlFrame> frame = connection_.Receive(kNever);
    if (!frame.ok()) return frame.status().code == Code::kUnavailable ? OkStatus() : frame.status();
    TVMFFI_RETURN_IF_ERROR(Take(std::move(*frame)));
  }
}

Status Control::Take(ControlFrame frame) {
  Result<wire::Message> message = wire::Decode(frame);
  if (!message.ok()) return message.status();
  if (const auto* share = std::get_if<wire::ShareArena>(&*message)) {
    return ShareArena(*share, std::move(frame.fds[0]));
  }
  if (const auto* lend = std::get_if<wire::LendModule>(&*message)) {
    return state_->modules.Lend(lend->path, std::move(frame.fds[0]));
  }
  if (const auto* retire = std::get_if<wire::RetireArena>(&*message)) {
    state_->results.Revoke(retire->arena_id);
    state_->arenas.Retire(retire->arena_id);
    return OkStatus();
  }
  if (const auto* open = std::get_if<wire::OpenLane>(&*message)) return OpenLane(open->lane);
  return {Code::kInvalidArgument, std::string("unexpected message ") + wire::MessageName(*message)};
}

Status Control::ShareArena(const wire::ShareArena& message, UniqueFd fd) {
  const Access access = message.read_only ? Access::kReadOnly : Access::kReadWrite;
  Result<ShmSegment> segment = ShmSegment::Map(std::move(fd), message.size, access);
  if (!segment.ok()) return segment.status();
  return state_->arenas.Share(message.arena_id, std::move(*segment), message.read_only);
}

}  // namespace tvmffi::hostd
