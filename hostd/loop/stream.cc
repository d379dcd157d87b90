#include "hostd/loop/stream.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

namespace tvmffi::hostd {

Stream::Stream(EventLoop* loop, UniqueFd socket, Callbacks callbacks)
    : socket_(std::move(socket)),
      callbacks_(std::move(callbacks)),
      late_frame_(loop,
                  [this] {
                    End({Code::kDeadlineExceeded, "a frame was not complete within " +
                                                      std::to_string(kFrameMs / 1000) +
                                                      " s of its beginning"});
                  }),
      after_shortage_(loop, [this] {
        short_ = false;
        UpdateEvents();
      }) {}

Result<std::unique_ptr<Stream>> Stream::Create(EventLoop* loop, UniqueFd socket,
                                               Callbacks callbacks) {
  std::unique_ptr<Stream> stream(new Stream(loop, std::move(socket), std::move(callbacks)));
  Result<std::unique_ptr<FdWatch>> watch = FdWatch::Create(
      loop, stream->socket_.get(), [raw = stream.get()](int events) { raw->OnReady(events); });
  if (!watch.ok()) return watch.status();
  stream->watch_ = std::move(*watch);
  stream->UpdateEvents();
  return stream;
}

Status Stream::Send(const std::vector<char>& payload, std::vector<UniqueFd> fds) {
  if (closed_) return {Code::kUnavailable, "cannot send: the control connection has ended"};
  TVMFFI_RETURN_IF_ERROR(sender_.Queue(payload, std::move(fds)));
  // Not written here: callbacks never run inside a call of their owner.
  UpdateEvents();
  return OkStatus();
}

bool Stream::PeerHasRead() const {
  int left = 0;
  if (!sender_.empty() || ::ioctl(socket_.get(), SIOCOUTQ, &left) != 0 || left != 0) return false;
  // What a peer that closes its end leaves unread is gone as well, a moment later.
  pollfd closed{socket_.get(), 0, 0};
  return ::poll(&closed, 1, 0) == 0;
}

void Stream::PauseReading() {
  paused_ = true;
  UpdateEvents();
}

void Stream::ResumeReading() {
  paused_ = false;
  UpdateEvents();
}

void Stream::Close() {
  closed_ = true;
  late_frame_.Stop();
  after_shortage_.Stop();
  UpdateEvents();
}

void Stream::OnReady(int events) {
  if ((events & FdWatch::kWritable) != 0) Write();
  if ((events & FdWatch::kReadable) != 0) Read();
}

void Stream::Read() {
  if (closed_ || paused_ || callbacks_.on_frame == nullptr) return;
  Result<IoOutcome> outcome = ReadControl(socket_.get(), &receiver_);
  if (!outcome.ok()) return End(outcome.status());
  if (*outcome == IoOutcome::kEnd) return End({Code::kUnavailable, "the peer closed it"});
  if (*outcome != IoOutcome::kProgress) return;
  DeliverFrames();
  WatchFrame();
}

// Time runs from a frame's own beginning, however busy the connection is.
void Stream::WatchFrame() {
  if (closed_ || frame_begun_ == receiver_.mid_frame()) return;
  frame_begun_ = receiver_.mid_frame();
  if (frame_begun_) {
    late_frame_.Start(kFrameMs);
  } else {
    late_frame_.Stop();
  }
}

void Stream::DeliverFrames() {
  while (!closed_) {
    Result<std::optional<ControlFrame>> frame = receiver_.Next();
    if (!frame.ok()) return End(frame.status());
    if (!frame->has_value()) return;
    frame_begun_ = false;
    late_frame_.Stop();
    callbacks_.on_frame(std::move(**frame));
  }
}

void Stream::Write() {
  if (closed_ || sender_.empty()) return;
  uint64_t before = sender_.frames_sent();
  Result<IoOutcome> outcome = WriteControl(socket_.get(), &sender_);
  short_ = Rest(outcome);
  UpdateEvents();
  if (sender_.frames_sent() != before && callbacks_.on_written != nullptr) {
    callbacks_.on_written(sender_.frames_sent());
  }
  if (!outcome.ok() && !short_) End(outcome.status());
}

// True when the same write is to be tried again later.
bool Stream::Rest(const Result<IoOutcome>& outcome) {
  if (outcome.ok() || outcome.status().code != Code::kResourceExhausted) {
    shortages_ = 0;
    return false;
  }
  if (++shortages_ > kMaxShortages) return false;
  after_shortage_.Start(kShortageMs);
  return true;
}

void Stream::End(Status status) {
  if (closed_) return;
  Close();
  callbacks_.on_end(std::move(status));
}

void Stream::UpdateEvents() {
  int events = 0;
  if (!closed_) {
    if (!paused_ && callbacks_.on_frame != nullptr) events |= FdWatch::kReadable;
    if (!sender_.empty() && !short_) events |= FdWatch::kWritable;
  }
  watch_->SetEvents(events);
}

}  // namespace tvmffi::hostd
