// News for the client that no call waits for. They ride on the next frame of any lane.
#ifndef TVMFFI_HOSTD_WORKER_NOTE_QUEUE_H_
#define TVMFFI_HOSTD_WORKER_NOTE_QUEUE_H_

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "proto/codec/value.h"

namespace tvmffi::hostd {

// Thread-safe. Lives as long as the process: tensors that a plug-in keeps point at it.
class NoteQueue {
 public:
  void Add(NoteKind kind, uint64_t id) {
    std::lock_guard<std::mutex> lock(mutex_);
    notes_.push_back({kind, 0, id});
    pending_.store(true, std::memory_order_release);
  }

  bool pending() const { return pending_.load(std::memory_order_acquire); }

  // Moves up to `limit` notes to `writer`.
  void Drain(size_t limit, FrameWriter* writer) {
    if (!pending()) return;
    std::lock_guard<std::mutex> lock(mutex_);
    const size_t count = std::min(limit, notes_.size());
    for (size_t i = 0; i < count; ++i) writer->AddNote(notes_[i].kind, notes_[i].id);
    notes_.erase(notes_.begin(), notes_.begin() + static_cast<std::ptrdiff_t>(count));
    pending_.store(!notes_.empty(), std::memory_order_release);
  }

 private:
  std::mutex mutex_;
  std::vector<Note> notes_;
  std::atomic<bool> pending_{false};
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_NOTE_QUEUE_H_
