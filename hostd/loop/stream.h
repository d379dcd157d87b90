// Control frames on the loop: reads and writes as much as is possible, whenever it is possible.
#ifndef TVMFFI_HOSTD_LOOP_STREAM_H_
#define TVMFFI_HOSTD_LOOP_STREAM_H_

#include <functional>
#include <memory>
#include <vector>

#include "hostd/loop/fd_watch.h"
#include "hostd/loop/timer.h"
#include "proto/base/unique_fd.h"
#include "proto/wire/frame.h"
#include "proto/wire/socket.h"

namespace tvmffi::hostd {

// Not to be destroyed inside a callback of its own; Close() may be called there and ends all
// callbacks.
class Stream {
 public:
  struct Callbacks {
    // Null for a stream that is only written to: nothing of what its peer sends is read.
    std::function<void(ControlFrame)> on_frame;
    // The peer closed the connection (kUnavailable) or it broke. Called once, last.
    std::function<void(Status)> on_end;
    // `frames_sent` frames are written since the stream was made. May be null.
    std::function<void(uint64_t frames_sent)> on_written;
  };
  // A frame that has begun must be complete by then: its sender holds memory and descriptors here.
  static constexpr uint64_t kFrameMs = 10'000;
  // What the kernel has no memory for is written again after a while, so many times in a row.
  static constexpr uint64_t kShortageMs = 10;
  static constexpr int kMaxShortages = 500;

  static Result<std::unique_ptr<Stream>> Create(EventLoop* loop, UniqueFd socket,
                                                Callbacks callbacks);

  // Writes at once what fits, the rest later. Fails when too much waits already, or after the end.
  Status Send(const std::vector<char>& payload, std::vector<UniqueFd> fds = {});

  // Whether the peer, which has not closed its end, has read all that was sent.
  bool PeerHasRead() const;

  void PauseReading();
  void ResumeReading();

  // The connection is closed once the stream is destroyed.
  void Close();

 private:
  Stream(EventLoop* loop, UniqueFd socket, Callbacks callbacks);
  void OnReady(int events);
  void Read();
  void DeliverFrames();
  void WatchFrame();
  void Write();
  bool Rest(const Result<IoOutcome>& outcome);
  void End(Status status);
  void UpdateEvents();

  UniqueFd socket_;
  Callbacks callbacks_;
  ControlReceiver receiver_;
  ControlSender sender_;
  bool paused_ = false;
  bool closed_ = false;
  bool frame_begun_ = false;
  Timer late_frame_;
  Timer after_shortage_;
  bool short_ = false;
  int shortages_ = 0;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOOP_STREAM_H_
