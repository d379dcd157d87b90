#include "proto/base/shm_segment.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <cstdint>
#include <string>

// Newer than the C library headers of Debian 12.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace tvmffi {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

size_t PageSize() {
  static const size_t size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

// `size` must be at most SIZE_MAX / 2.
size_t RoundUpToPages(size_t size) { return (size + PageSize() - 1) & ~(PageSize() - 1); }

Result<UniqueFd> NewMemfd(const char* debug_name) {
  int fd = ::memfd_create(debug_name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) {  // kernels before 6.3 do not know MFD_NOEXEC_SEAL
    fd = ::memfd_create(debug_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  if (fd < 0) return ErrnoStatus(errno, "cannot create segment '" + std::string(debug_name) + "'");
  return UniqueFd(fd);
}

// Maps `size` bytes of `fd` between two guard pages. The guards belong to the same reservation, so
// nothing else can be placed there for as long as the mapping lives.
Result<char*> MapBetweenGuards(int fd, size_t size, Access access) {
  size_t guard = PageSize();
  size_t reserved = RoundUpToPages(size) + 2 * guard;
  void* base =
      ::mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    return ErrnoStatus(errno,
                       "cannot reserve " + std::to_string(reserved) + " bytes for a segment");
  }
  char* data = static_cast<char*>(base) + guard;
  int protection = access == Access::kReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  if (::mmap(data, size, protection, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
    int error_number = errno;
    ::munmap(base, reserved);
    return ErrnoStatus(error_number, "cannot map a segment of " + std::to_string(size) + " bytes");
  }
  return data;
}

Status CheckReceived(int fd, size_t size) {
  int seals = ::fcntl(fd, F_GET_SEALS);
  if (seals < 0) return ErrnoStatus(errno, "cannot map descriptor as a segment: it is no memfd");
  if ((seals & kSizeSeals) != kSizeSeals) {
    return {Code::kInvalidArgument, "cannot map segment: its seals are " + std::to_string(seals) +
                                        ", need at least " + std::to_string(kSizeSeals) +
                                        " (shrink and grow)"};
  }
  struct statfs filesystem {};
  if (::fstatfs(fd, &filesystem) != 0) return ErrnoStatus(errno, "cannot inspect segment");
  // A memfd of huge pages raises SIGBUS when the pool is empty.
  if (filesystem.f_type != TMPFS_MAGIC) {
    return {Code::kInvalidArgument, "cannot map segment: it is not made of ordinary pages"};
  }
  struct stat file {};
  if (::fstat(fd, &file) != 0) return ErrnoStatus(errno, "cannot inspect segment");
  if (size == 0 || static_cast<uint64_t>(file.st_size) != size) {
    return {Code::kInvalidArgument, "cannot map segment: it is " + std::to_string(file.st_size) +
                                        " bytes long, was announced with " + std::to_string(size)};
  }
  return OkStatus();
}

}  // namespace

ShmSegment::ShmSegment(ShmSegment&& other) noexcept
    : fd_(std::move(other.fd_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      access_(other.access_) {}

ShmSegment& ShmSegment::operator=(ShmSegment&& other) noexcept {
  ShmSegment taken(std::move(other));
  std::swap(fd_, taken.fd_);
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  std::swap(access_, taken.access_);
  return *this;
}

ShmSegment::~ShmSegment() {
  if (data_ == nullptr) return;
  ::munmap(data_ - PageSize(), RoundUpToPages(size_) + 2 * PageSize());
}

Result<ShmSegment> ShmSegment::Create(size_t size, const char* debug_name) {
  return CreateSealed(size, debug_name, kSizeSeals | F_SEAL_SEAL);
}

Result<ShmSegment> ShmSegment::CreateInput(size_t size, const char* debug_name) {
  return CreateSealed(size, debug_name, kSizeSeals | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
}

Result<ShmSegment> ShmSegment::CreateSealed(size_t size, const char* debug_name, int seals) {
  if (size == 0 || size > SIZE_MAX / 4) {
    return Status{Code::kInvalidArgument, "cannot create segment '" + std::string(debug_name) +
                                              "' of " + std::to_string(size) + " bytes"};
  }
  size = RoundUpToPages(size);
  Result<UniqueFd> fd = NewMemfd(debug_name);
  if (!fd.ok()) return fd.status();
  if (::ftruncate(fd->get(), static_cast<off_t>(size)) != 0) {
    return ErrnoStatus(errno, "cannot size segment '" + std::string(debug_name) + "' to " +
                                  std::to_string(size) + " bytes");
  }
  // Mapped before it is sealed: after F_SEAL_FUTURE_WRITE this mapping is the only one that can
  // write.
  Result<char*> data = MapBetweenGuards(fd->get(), size, Access::kReadWrite);
  if (!data.ok()) return data.status();
  ShmSegment segment(std::move(*fd), *data, size, Access::kReadWrite);
  if (::fcntl(segment.fd(), F_ADD_SEALS, seals) != 0) {
    return ErrnoStatus(errno, "cannot seal segment '" + std::string(debug_name) + "'");
  }
  return segment;
}

Result<ShmSegment> ShmSegment::Map(UniqueFd fd_untrusted, size_t size, Access access) {
  TVMFFI_RETURN_IF_ERROR(CheckReceived(fd_untrusted.get(), size));
  Result<char*> data = MapBetweenGuards(fd_untrusted.get(), size, access);
  if (!data.ok()) return data.status();
  return ShmSegment(std::move(fd_untrusted), *data, size, access);
}

Status ShmSegment::Populate() {
  int advice = access_ == Access::kReadOnly ? MADV_POPULATE_READ : MADV_POPULATE_WRITE;
  while (::madvise(data_, size_, advice) != 0) {
    if (errno == EINTR) continue;
    if (errno != EINVAL) {
      return ErrnoStatus(errno, "cannot populate a segment of " + std::to_string(size_) + " bytes");
    }
    // Before Linux 5.14: touch every page. A load is enough, the file's pages are shared.
    for (size_t offset = 0; offset < size_; offset += PageSize()) {
      (void)*const_cast<const volatile char*>(data_ + offset);
    }
    break;
  }
  return OkStatus();
}

}  // namespace tvmffi
