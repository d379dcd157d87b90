#include "proto/base/status.h"

#include <cerrno>
#include <system_error>

namespace tvmffi {
namespace {

Code CodeOfErrno(int error_number) {
  switch (error_number) {
    case EINVAL:
    case EISDIR:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case ENOTSOCK:
    case EBADF:
      return Code::kInvalidArgument;
    case ENOENT:
    case ESRCH:
      return Code::kNotFound;
    case ETIMEDOUT:
      return Code::kDeadlineExceeded;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
    case EAGAIN:
    case ENOBUFS:
    case ETOOMANYREFS:
      return Code::kResourceExhausted;
    case EACCES:
    case EPERM:
      return Code::kPermissionDenied;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
      return Code::kUnavailable;
    default:
      return Code::kInternal;
  }
}

}  // namespace

Status ErrnoStatus(int error_number, const std::string& what) {
  return {CodeOfErrno(error_number), what + ": " + std::generic_category().message(error_number) +
                                         " (" + std::to_string(error_number) + ")"};
}

}  // namespace tvmffi
