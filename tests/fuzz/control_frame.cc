// Any bytes a socket may deliver: pieces of any size through the receiver, each frame through
// Decode. What is accepted must be a message that can be sent, and means the same when it is.
#include <fcntl.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "proto/wire/frame.h"
#include "proto/wire/validate.h"

namespace {

using tvmffi::ControlFrame;
using tvmffi::ControlReceiver;
using tvmffi::Result;
using tvmffi::UniqueFd;

void Check(const ControlFrame& frame) {
  Result<tvmffi::wire::Message> message = tvmffi::wire::Decode(frame);
  if (!message.ok()) return;
  Result<std::vector<char>> payload = tvmffi::wire::Encode(*message);
  if (!payload.ok()) std::abort();
  Result<tvmffi::wire::Message> again = tvmffi::wire::Decode(*payload, frame.fds.size());
  if (!again.ok() || again->index() != message->index()) std::abort();
  Result<std::vector<char>> same = tvmffi::wire::Encode(*again);
  if (!same.ok() || *same != *payload) std::abort();
}

std::vector<UniqueFd> MakeFds(size_t count) {
  std::vector<UniqueFd> fds;
  for (size_t i = 0; i < count; ++i) fds.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return fds;
}

}  // namespace

// The first two bytes say how the rest is cut into pieces, and how many descriptors come with the
// first of them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  size_t piece = static_cast<size_t>(data[0]) * data[0] + 1;
  size_t num_fds = data[1] % 8;
  auto* bytes = reinterpret_cast<const char*>(data) + 2;
  size -= 2;
  ControlReceiver receiver;
  for (size_t at = 0; at < size; at += piece) {
    size_t length = std::min({piece, size - at, ControlReceiver::kMaxPiece});
    if (!receiver.Append(bytes + at, length, MakeFds(at == 0 ? num_fds : 0)).ok()) return 0;
    for (;;) {
      auto frame = receiver.Next();
      if (!frame.ok()) return 0;
      if (!frame->has_value()) break;
      Check(**frame);
    }
  }
  return 0;
}
