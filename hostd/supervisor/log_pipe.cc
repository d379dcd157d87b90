#include "hostd/supervisor/log_pipe.h"

#include <unistd.h>

#include <cerrno>

#include "proto/base/clock.h"

namespace tvmffi::hostd {
namespace {

constexpr size_t kPiece = 16 * 1024;
// 20 MB/s at most, taken in windows.
constexpr int64_t kWindowNanos = 50'000'000;
constexpr int64_t kWindowBytes = 1 << 20;
constexpr int64_t kDrainBytes = 1 << 20;

}  // namespace

LogPipe::LogPipe(EventLoop* loop, UniqueFd read_end)
    : read_end_(std::move(read_end)),
      rest_(loop, [this] { watch_->SetEvents(FdWatch::kReadable); }) {}

Result<std::unique_ptr<LogPipe>> LogPipe::Create(EventLoop* loop, UniqueFd read_end) {
  std::unique_ptr<LogPipe> pipe(new LogPipe(loop, std::move(read_end)));
  Result<std::unique_ptr<FdWatch>> watch =
      FdWatch::Create(loop, pipe->read_end_.get(), [raw = pipe.get()](int) { raw->OnReadable(); });
  if (!watch.ok()) return watch.status();
  pipe->watch_ = std::move(*watch);
  pipe->watch_->SetEvents(FdWatch::kReadable);
  return pipe;
}

void LogPipe::OnReadable() {
  int64_t size = ReadOnce();
  if (size == 0) return watch_->SetEvents(0);
  if (size < 0) return;
  int64_t now = MonotonicNanos();
  if (now - window_start_ > kWindowNanos) {
    window_start_ = now;
    window_bytes_ = 0;
  }
  window_bytes_ += size;
  if (window_bytes_ < kWindowBytes) return;
  watch_->SetEvents(0);
  rest_.Start(static_cast<uint64_t>(kWindowNanos / 1'000'000));
}

int64_t LogPipe::ReadOnce() {
  char bytes[kPiece];
  ssize_t size;
  do {
    size = ::read(read_end_.get(), bytes, sizeof(bytes));
  } while (size < 0 && errno == EINTR);
  if (size <= 0) return size < 0 && errno != EAGAIN ? 0 : size;
  std::string_view text(bytes, static_cast<size_t>(size));
  ring_.Append(text);
  if (forwarder_ != nullptr) forwarder_->Append(text);
  return size;
}

void LogPipe::Drain() {
  watch_->SetEvents(0);
  rest_.Stop();
  for (int64_t drained = 0; drained < kDrainBytes;) {
    int64_t size = ReadOnce();
    if (size <= 0) break;
    drained += size;
  }
  if (forwarder_ != nullptr) forwarder_->Finish();
}

}  // namespace tvmffi::hostd
