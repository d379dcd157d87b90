#include "client/src/new_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "proto/base/unique_fd.h"

namespace tvmffi::host {
namespace {

constexpr int kMaxNames = 1000;

// A write beyond this limit raises SIGXFSZ, of which most programs die.
Status CheckSizeLimit(const std::vector<std::string_view>& content) {
  size_t size = 0;
  for (std::string_view part : content) size += part.size();
  rlimit limit;
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      size <= limit.rlim_cur) {
    return OkStatus();
  }
  return {Code::kResourceExhausted, "it has " + std::to_string(size) +
                                        " bytes, this process may write files of " +
                                        std::to_string(limit.rlim_cur)};
}

Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoStatus(errno, "cannot write");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return OkStatus();
}

Status Fill(int fd, const std::vector<std::string_view>& content) {
  for (std::string_view part : content) TVMFFI_RETURN_IF_ERROR(WriteAll(fd, part));
  return ::fdatasync(fd) == 0 ? OkStatus() : ErrnoStatus(errno, "cannot write");
}

// 0, or the error; EEXIST when there is a file of that name.
int Rename(int folder, const std::string& from, const std::string& to) {
  if (::renameat2(folder, from.c_str(), folder, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // Not every file system knows the flag.
  if (::linkat(folder, from.c_str(), folder, to.c_str(), 0) != 0) return errno;
  return ::unlinkat(folder, from.c_str(), 0) == 0 ? 0 : errno;
}

// `name` is the first to be tried.
Result<std::string> Publish(int folder, const std::string& temporary, std::string name,
                            const std::function<std::string()>& next_name) {
  int error = Rename(folder, temporary, name);
  for (int i = 0; i < kMaxNames && error == EEXIST; ++i) {
    name = next_name();
    error = Rename(folder, temporary, name);
  }
  if (error == 0) return name;
  return ErrnoStatus(error, "cannot name it");
}

}  // namespace

Result<std::string> WriteNewFile(const std::string& folder,
                                 const std::function<std::string()>& next_name,
                                 const std::vector<std::string_view>& content) {
  const auto failed = [&](const Status& why) {
    return Status{why.code, "no file in '" + folder + "': " + why.message};
  };
  if (Status fits = CheckSizeLimit(content); !fits.ok()) return failed(fits);
  UniqueFd place(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!place.valid()) return failed(ErrnoStatus(errno, "cannot open the folder"));
  std::string name;
  std::string temporary;
  UniqueFd file;
  for (int i = 0; i < kMaxNames && !file.valid(); ++i) {
    name = next_name();
    temporary = "." + name + ".part";
    file = UniqueFd(::openat(place.get(), temporary.c_str(),
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.valid() && errno != EEXIST) break;
  }
  if (!file.valid()) return failed(ErrnoStatus(errno, "cannot make one"));
  if (Status filled = Fill(file.get(), content); !filled.ok()) {
    ::unlinkat(place.get(), temporary.c_str(), 0);
    return failed(filled);
  }
  Result<std::string> published = Publish(place.get(), temporary, std::move(name), next_name);
  if (!published.ok()) {
    ::unlinkat(place.get(), temporary.c_str(), 0);
    return failed(published.status());
  }
  return folder + "/" + *published;
}

}  // namespace tvmffi::host
