#include "hostd/sandbox/seccomp_filter.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

Status SeccompFilter::Check(int result, const char* what, int call) {
  if (result == 0) return OkStatus();
  return ErrnoStatus(-result, std::string("cannot ") + what + " system call " +
                                  std::to_string(call) + " in a seccomp filter");
}

Result<SeccompFilter> SeccompFilter::Create(bool audit) {
  SeccompFilter filter(::seccomp_init(audit ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(EPERM)));
  if (filter.filter_ == nullptr) {
    return Status{Code::kResourceExhausted, "cannot make a seccomp filter"};
  }
  return filter;
}

Result<SeccompFilter> SeccompFilter::CreateAllowing() {
  SeccompFilter filter(::seccomp_init(SCMP_ACT_ALLOW));
  if (filter.filter_ == nullptr) {
    return Status{Code::kResourceExhausted, "cannot make a seccomp filter"};
  }
  return filter;
}

Status SeccompFilter::FailWith(int error, int call) {
  return Check(
      ::seccomp_rule_add(filter_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, 0),
      "refuse", call);
}

Status SeccompFilter::Log(int call) {
  return Check(::seccomp_rule_add(filter_.get(), SCMP_ACT_LOG, call, 0), "log", call);
}

Result<SeccompProgram> SeccompFilter::Compile() const {
  // A tree of comparisons in place of a list: two hundred calls are eight steps.
  int result = ::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  // Room for the longest program there can be, and no file whose size may be limited.
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return ErrnoStatus(errno, "cannot make a pipe");
  const UniqueFd read_end(ends[0]);
  const UniqueFd write_end(ends[1]);
  if (result == 0) result = ::seccomp_export_bpf(filter_.get(), write_end.get());
  if (result != 0) return ErrnoStatus(-result, "cannot make a seccomp filter");
  SeccompProgram program(BPF_MAXINSNS);
  const ssize_t size = ::read(read_end.get(), program.data(), program.size() * sizeof(sock_filter));
  if (size <= 0) return ErrnoStatus(errno, "cannot read a seccomp filter");
  program.resize(static_cast<size_t>(size) / sizeof(sock_filter));
  return program;
}

Status SeccompFilter::Install(const SeccompProgram& program) {
  const sock_fprog whole{static_cast<unsigned short>(program.size()),
                         const_cast<sock_filter*>(program.data())};
  const int64_t result =
      ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &whole);
  if (result == 0) return OkStatus();
  // The number of a thread that has another one.
  return ErrnoStatus(result > 0 ? EBUSY : errno, "cannot load a seccomp filter");
}

Status SeccompFilter::Load() const {
  Result<SeccompProgram> program = Compile();
  if (!program.ok()) return program.status();
  return Install(*program);
}

}  // namespace tvmffi::hostd
