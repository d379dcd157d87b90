#include "proto/wire/frame.h"

#include <cstring>
#include <string>

namespace tvmffi {
namespace {

Status Malformed(const std::string& what) {
  return {Code::kInvalidArgument, "malformed control frame: " + what};
}

Status CheckHeader(const ControlHeader& header) {
  if (header.magic != kControlMagic) {
    return Malformed("magic is " + std::to_string(header.magic) + ", expected " +
                     std::to_string(kControlMagic));
  }
  if (header.version != kControlVersion) {
    return Malformed("version is " + std::to_string(header.version) + ", expected " +
                     std::to_string(kControlVersion));
  }
  if (header.num_fds > kMaxControlFds) {
    return Malformed("it announces " + std::to_string(header.num_fds) + " descriptors, limit is " +
                     std::to_string(kMaxControlFds));
  }
  if (header.length > kMaxControlPayload) {
    return Malformed("it announces " + std::to_string(header.length) + " bytes, limit is " +
                     std::to_string(kMaxControlPayload));
  }
  return OkStatus();
}

}  // namespace

Status ControlReceiver::Append(const char* bytes, size_t size, std::vector<UniqueFd> fds,
                               bool fds_lost) {
  if (size > kMaxPiece || buffer_.size() - start_ > sizeof(ControlHeader) + kMaxControlPayload) {
    return {Code::kInternal, "control frames arrive faster than they are taken"};
  }
  // The kernel never joins two sets of descriptors, so one piece holds those of one frame.
  if (fds.size() > kMaxControlFds || fds_.size() > kMaxControlFds) {
    return Malformed("more descriptors than any frame announced");
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(start_));
  start_ = 0;
  buffer_.insert(buffer_.end(), bytes, bytes + size);
  for (UniqueFd& fd : fds) fds_.push_back(std::move(fd));
  if (fds_lost) fds_.emplace_back();
  return OkStatus();
}

Result<std::optional<ControlFrame>> ControlReceiver::Next() {
  size_t available = buffer_.size() - start_;
  if (available == 0 && !fds_.empty()) {
    return Malformed(std::to_string(fds_.size()) + " descriptors that no frame announced");
  }
  if (available < sizeof(ControlHeader)) return std::optional<ControlFrame>();
  ControlHeader header;
  std::memcpy(&header, buffer_.data() + start_, sizeof(header));
  TVMFFI_RETURN_IF_ERROR(CheckHeader(header));
  const bool lost = header.num_fds != 0 && !fds_.empty() && !fds_.front().valid();
  const size_t needed = lost ? 1 : header.num_fds;
  // They came with the header's first byte or never will.
  if (needed > fds_.size()) {
    return Malformed("it announces " + std::to_string(header.num_fds) + " descriptors, " +
                     std::to_string(fds_.size()) + " came");
  }
  for (size_t i = 0; i < needed && !lost; ++i) {
    if (!fds_[i].valid()) return Malformed("another frame's descriptors were lost");
  }
  if (available - sizeof(header) < header.length) return std::optional<ControlFrame>();

  ControlFrame frame;
  auto payload = buffer_.begin() + static_cast<ptrdiff_t>(start_ + sizeof(header));
  frame.payload_untrusted.assign(payload, payload + header.length);
  frame.fds_lost = lost;
  for (size_t i = 0; i < needed; ++i) {
    if (!lost) frame.fds.push_back(std::move(fds_.front()));
    fds_.pop_front();
  }
  start_ += sizeof(header) + header.length;
  return std::optional<ControlFrame>(std::move(frame));
}

Status ControlSender::Queue(const std::vector<char>& payload, std::vector<UniqueFd> fds) {
  if (payload.size() > kMaxControlPayload || fds.size() > kMaxControlFds) {
    return {Code::kInvalidArgument,
            "cannot send a control frame of " + std::to_string(payload.size()) + " bytes and " +
                std::to_string(fds.size()) + " descriptors, limits are " +
                std::to_string(kMaxControlPayload) + " and " + std::to_string(kMaxControlFds)};
  }
  if (queued_bytes_ + payload.size() > kMaxQueuedBytes || frames_.size() >= kMaxQueuedFrames) {
    return {Code::kResourceExhausted,
            "cannot send a control frame: " + std::to_string(frames_.size()) + " frames with " +
                std::to_string(queued_bytes_) + " bytes wait for a peer that does not read"};
  }
  ControlHeader header{kControlMagic, kControlVersion, static_cast<uint16_t>(fds.size()),
                       static_cast<uint32_t>(payload.size())};
  Outgoing outgoing;
  outgoing.bytes.resize(sizeof(header) + payload.size());
  std::memcpy(outgoing.bytes.data(), &header, sizeof(header));
  if (!payload.empty()) {
    std::memcpy(outgoing.bytes.data() + sizeof(header), payload.data(), payload.size());
  }
  outgoing.fds = std::move(fds);
  queued_bytes_ += outgoing.bytes.size();
  frames_.push_back(std::move(outgoing));
  return OkStatus();
}

ControlSender::Piece ControlSender::Front() const {
  const Outgoing& front = frames_.front();
  return {front.bytes.data() + offset_, front.bytes.size() - offset_,
          front.fds.empty() ? nullptr : &front.fds};
}

bool ControlSender::Withdraw() {
  if (offset_ != 0) return false;
  queued_bytes_ -= frames_.front().bytes.size();
  frames_.pop_front();
  return true;
}

void ControlSender::Written(size_t size) {
  Outgoing& front = frames_.front();
  front.fds.clear();
  offset_ += size;
  queued_bytes_ -= size;
  if (offset_ < front.bytes.size()) return;
  offset_ = 0;
  ++frames_sent_;
  frames_.pop_front();
}

}  // namespace tvmffi
