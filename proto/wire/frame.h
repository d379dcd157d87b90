// Control frames: a 12-byte header, then one flatbuffer. A frame's descriptors travel with its
// first byte. No system calls here; proto/wire/socket.h moves the bytes.
#ifndef TVMFFI_PROTO_WIRE_FRAME_H_
#define TVMFFI_PROTO_WIRE_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

namespace tvmffi {

inline constexpr uint32_t kControlMagic = 0x31464854;  // "THF1"
inline constexpr uint16_t kControlVersion = 1;
inline constexpr size_t kMaxControlPayload = 1u << 20;
inline constexpr size_t kMaxControlFds = 4;

struct ControlHeader {
  uint32_t magic;
  uint16_t version;
  uint16_t num_fds;
  uint32_t length;
};
static_assert(sizeof(ControlHeader) == 12, "no padding on the wire");

// The bytes are as their sender wrote them: only proto/wire/validate.h reads them.
struct ControlFrame {
  std::vector<char> payload_untrusted;
  std::vector<UniqueFd> fds;
  // It announced descriptors, none of which came: see Append.
  bool fds_lost = false;
};

// Puts frames together from whatever pieces the socket delivers. Holds at most one largest frame
// and one piece more. After an error the connection is of no use any more.
class ControlReceiver {
 public:
  static constexpr size_t kMaxPiece = 64 * 1024;

  // Takes what one recvmsg delivered, at most kMaxPiece bytes. `fds_lost`: the kernel dropped
  // descriptors of a frame that begins in it, and `fds` is empty.
  Status Append(const char* bytes, size_t size, std::vector<UniqueFd> fds, bool fds_lost = false);

  // The next complete frame, or nothing when bytes are missing. To be called until it returns
  // nothing.
  Result<std::optional<ControlFrame>> Next();

  // True inside a frame: an end of the stream here is an error.
  bool mid_frame() const { return start_ != buffer_.size(); }

 private:
  std::vector<char> buffer_;
  size_t start_ = 0;
  std::deque<UniqueFd> fds_;  // an invalid one stands for all of a frame that lost its own
};

// Frames waiting to be written, in order.
class ControlSender {
 public:
  // More than this many bytes or frames waiting means that the peer does not read.
  static constexpr size_t kMaxQueuedBytes = 8u << 20;
  static constexpr size_t kMaxQueuedFrames = 1024;

  // Takes the frame, or says why it cannot: too long, too many descriptors, too much waiting.
  Status Queue(const std::vector<char>& payload, std::vector<UniqueFd> fds = {});

  bool empty() const { return frames_.empty(); }
  // Takes the front frame back. False when a part of it is on its way already.
  bool Withdraw();
  // All frames that have been written completely.
  uint64_t frames_sent() const { return frames_sent_; }

  // What to write next, from one frame only. The descriptors go along with the first byte.
  struct Piece {
    const char* bytes;
    size_t size;
    const std::vector<UniqueFd>* fds;  // null when there are none, or none left to send
  };
  // Must not be empty.
  Piece Front() const;
  // `size` > 0 bytes of the front piece, and its descriptors, are on their way.
  void Written(size_t size);

 private:
  struct Outgoing {
    std::vector<char> bytes;
    std::vector<UniqueFd> fds;
  };
  std::deque<Outgoing> frames_;
  size_t offset_ = 0;  // in the front frame
  size_t queued_bytes_ = 0;
  uint64_t frames_sent_ = 0;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_WIRE_FRAME_H_
