#include "hostd/worker/control.h"

#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>

#include "hostd/sandbox/lock.h"
#include "hostd/worker/crash_handler.h"
#include "hostd/worker/lane_server.h"
#include "proto/base/clock.h"
#include "proto/channel/layout.h"

namespace tvmffi::hostd {

Status Control::Start() {
  Result<ControlFrame> frame = connection_.Receive(kNever);
  if (!frame.ok()) return frame.status();
  TVMFFI_RETURN_IF_ERROR(MapChannel(std::move(*frame)));
  Result<std::vector<FileLink>> links = state_->modules.Reserve(start_.grants.modules);
  if (!links.ok()) return links.status();
  TVMFFI_RETURN_IF_ERROR(LockSelf(start_, &*links));
  state_->modules.SetPlaced(*links);
  cold_wake_ = MeasureColdWake();
  TVMFFI_RETURN_IF_ERROR(PrepareLibrary());
  return OpenLane(0);
}

Status Control::MapChannel(ControlFrame frame) {
  Result<wire::Message> message = wire::Decode(frame);
  if (!message.ok()) return message.status();
  if (!std::holds_alternative<wire::WorkerStart>(*message)) {
    return {Code::kInvalidArgument,
            std::string("expected WorkerStart, got ") + wire::MessageName(*message)};
  }
  Result<ShmSegment> channel =
      ShmSegment::Map(std::move(frame.fds[0]), kChannelSize, Access::kReadWrite);
  if (!channel.ok()) return channel.status();
  channel_ = std::move(*channel);
  start_ = std::get<wire::WorkerStart>(*message);
  const auto* header = reinterpret_cast<const ChannelHeader*>(channel_.data());
  if (header->magic != kChannelMagic || header->version != kChannelVersion) {
    return {Code::kInvalidArgument, "channel has version " + std::to_string(header->version) +
                                        ", this worker speaks " + std::to_string(kChannelVersion)};
  }
  return OkStatus();
}

Status Control::PrepareLibrary() {
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
