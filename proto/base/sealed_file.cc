#include "proto/base/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

// Newer than the C library headers of Debian 12.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

namespace tvmffi {
namespace {

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
constexpr size_t kPiece = size_t{1} << 30;
constexpr char kName[] = "tvmffi-module";

Result<UniqueFd> NewMemfd() {
  int fd = ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = ::memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return ErrnoStatus(errno, "cannot make a copy in memory");
  return UniqueFd(fd);
}

Status WriteAll(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, bytes, std::min(size, kPiece));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return ErrnoStatus(errno, "cannot fill a copy in memory");
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return OkStatus();
}

Status SendAll(int to, int from, size_t size) {
  while (size > 0) {
    const ssize_t sent = ::sendfile(to, from, nullptr, std::min(size, kPiece));
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return ErrnoStatus(errno, "cannot be read");
    if (sent == 0) return {Code::kInvalidArgument, "became shorter while it was read"};
    size -= static_cast<size_t>(sent);
  }
  return OkStatus();
}

Status About(const std::string& path, Status status) {
  status.message = "'" + path + "' " + status.message;
  return status;
}

}  // namespace

SealedFile::SealedFile(SealedFile&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

SealedFile& SealedFile::operator=(SealedFile&& other) noexcept {
  SealedFile taken(std::move(other));
  std::swap(fd_, taken.fd_);
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

SealedFile::~SealedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

Result<SealedFile> SealedFile::Copy(const std::string& path, size_t max_size) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "'" + path + "' cannot be opened");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return ErrnoStatus(errno, "'" + path + "' cannot be read");
  const auto size = static_cast<uint64_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || size == 0 || size > max_size) {
    const std::string what = !S_ISREG(info.st_mode) ? "is no regular file"
                             : size == 0            ? "is empty"
                                         : "has " + std::to_string(size) + " bytes, limit is " +
                                               std::to_string(max_size);
    return Status{Code::kInvalidArgument, "'" + path + "' " + what};
  }
  Result<UniqueFd> copy = NewMemfd();
  if (!copy.ok()) return About(path, copy.status());
  if (Status sent = SendAll(copy->get(), file.get(), size); !sent.ok()) return About(path, sent);
  Result<SealedFile> sealed = Seal(std::move(*copy), size);
  if (!sealed.ok()) return About(path, sealed.status());
  return sealed;
}

Result<SealedFile> SealedFile::Make(const void* data, size_t size) {
  if (size == 0) return Status{Code::kInvalidArgument, "cannot seal a file without bytes"};
  Result<UniqueFd> copy = NewMemfd();
  if (!copy.ok()) return copy.status();
  TVMFFI_RETURN_IF_ERROR(WriteAll(copy->get(), static_cast<const char*>(data), size));
  return Seal(std::move(*copy), size);
}

Result<SealedFile> SealedFile::Seal(UniqueFd fd, size_t size) {
  SealedFile sealed;
  sealed.fd_ = std::move(fd);
  if (::fcntl(sealed.fd(), F_ADD_SEALS, kSeals | F_SEAL_SEAL) != 0) {
    return ErrnoStatus(errno, "cannot be sealed");
  }
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, sealed.fd(), 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, "cannot be mapped");
  sealed.data_ = data;
  sealed.size_ = size;
  return sealed;
}

Status SealedFile::Check(int fd_untrusted) {
  const int seals = ::fcntl(fd_untrusted, F_GET_SEALS);
  if (seals < 0) return ErrnoStatus(errno, "a module's file is no memfd");
  if ((seals & kSeals) == kSeals) return OkStatus();
  return {Code::kInvalidArgument, "a module's file has seals " + std::to_string(seals) +
                                      ", need at least " + std::to_string(kSeals)};
}

}  // namespace tvmffi
