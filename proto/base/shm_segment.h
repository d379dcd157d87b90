// A sealed memfd and its mapping. The peer may write at any moment: copy a value out, check it, use
// the copy.
#ifndef TVMFFI_PROTO_BASE_SHM_SEGMENT_H_
#define TVMFFI_PROTO_BASE_SHM_SEGMENT_H_

#include <cstddef>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

namespace tvmffi {

enum class Access { kReadOnly, kReadWrite };

// Move-only. Destruction unmaps and closes. The mapping lies between two inaccessible guard pages,
// so running off either end faults instead of reaching a neighbour.
class ShmSegment {
 public:
  ShmSegment() = default;
  ShmSegment(ShmSegment&& other) noexcept;
  ShmSegment& operator=(ShmSegment&& other) noexcept;
  ~ShmSegment();

  // A new zeroed segment of `size` bytes (rounded up to whole pages), mapped read-write, sealed
  // against resizing.
  static Result<ShmSegment> Create(size_t size, const char* debug_name);

  // The same, then sealed so that nobody can ever make another writable mapping: only this one
  // writes.
  static Result<ShmSegment> CreateInput(size_t size, const char* debug_name);

  // Maps a received descriptor. Refuses one that is no memfd, is not `size` bytes long, or lacks
  // the SHRINK and GROW seals: a later truncate by its sender would raise SIGBUS here.
  static Result<ShmSegment> Map(UniqueFd fd_untrusted, size_t size, Access access);

  // Faults all pages in now, so that no call pays for it.
  Status Populate();

  char* data() const { return data_; }
  size_t size() const { return size_; }
  int fd() const { return fd_.get(); }
  bool valid() const { return data_ != nullptr; }

 private:
  ShmSegment(UniqueFd fd, char* data, size_t size, Access access)
      : fd_(std::move(fd)), data_(data), size_(size), access_(access) {}
  static Result<ShmSegment> CreateSealed(size_t size, const char* debug_name, int seals);

  UniqueFd fd_;
  char* data_ = nullptr;
  size_t size_ = 0;
  Access access_ = Access::kReadOnly;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_BASE_SHM_SEGMENT_H_
