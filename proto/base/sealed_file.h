// A copy of a file that nobody can change any more: what is checked in it is what is used.
#ifndef TVMFFI_PROTO_BASE_SEALED_FILE_H_
#define TVMFFI_PROTO_BASE_SEALED_FILE_H_

#include <cstddef>
#include <string>

#include "proto/base/status.h"
#include "proto/base/unique_fd.h"

namespace tvmffi {

// Move-only: a memfd sealed against writing and resizing, and a private mapping of it for reading.
class SealedFile {
 public:
  SealedFile() = default;
  SealedFile(SealedFile&& other) noexcept;
  SealedFile& operator=(SealedFile&& other) noexcept;
  ~SealedFile();

  // Copies the regular file at `path`. InvalidArgument for anything else, an empty file and one of
  // more than `max_size` bytes. Opening it neither waits nor has effects.
  static Result<SealedFile> Copy(const std::string& path, size_t max_size = size_t{2} << 30);
  // Copies bytes.
  static Result<SealedFile> Make(const void* data, size_t size);

  // Ok when `fd_untrusted` is a memfd that nobody can change.
  static Status Check(int fd_untrusted);

  int fd() const { return fd_.get(); }
  const void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  static Result<SealedFile> Seal(UniqueFd fd, size_t size);

  UniqueFd fd_;
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_BASE_SEALED_FILE_H_
