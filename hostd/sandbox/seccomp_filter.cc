#include "hostd/sandbox/seccomp_filter.h"

#include <cerrno>
#include <utility>

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

Status SeccompFilter::FailWith(int error, int call) {
  return Check(
      ::seccomp_rule_add(filter_.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, 0),
      "refuse", call);
}

Status SeccompFilter::Load() {
  // A tree of comparisons in place of a list: two hundred calls are eight steps.
  int result = ::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (result == 0) result = ::seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (result == 0) result = ::seccomp_load(filter_.get());
  return result == 0 ? OkStatus() : ErrnoStatus(-result, "cannot load a seccomp filter");
}

}  // namespace tvmffi::hostd
