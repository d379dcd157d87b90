// A filter of system calls, built rule by rule.
#ifndef TVMFFI_HOSTD_SANDBOX_SECCOMP_FILTER_H_
#define TVMFFI_HOSTD_SANDBOX_SECCOMP_FILTER_H_

#include <seccomp.h>

#include <cstddef>
#include <memory>
#include <string>

#include "hostd/sandbox/seccomp.h"
#include "proto/base/status.h"

namespace tvmffi::hostd {

class SeccompFilter {
 public:
  // What no rule names fails with EPERM or, with `audit`, is done and written to the kernel's log.
  static Result<SeccompFilter> Create(bool audit);
  // What no rule names is allowed.
  static Result<SeccompFilter> CreateAllowing();

  template <size_t size>
  Status Allow(const int (&calls)[size]) {
    for (int call : calls) TVMFFI_RETURN_IF_ERROR(AllowIf(call));
    return OkStatus();
  }
  // Only when all conditions (SCMP_A0(...) and so on) hold.
  template <typename... Conditions>
  Status AllowIf(int call, Conditions... conditions) {
    return Check(::seccomp_rule_add(filter_.get(), SCMP_ACT_ALLOW, call, sizeof...(conditions),
                                    conditions...),
                 "allow", call);
  }
  Status FailWith(int error, int call);
  // Done, and written to the kernel's log.
  Status Log(int call);

  Result<SeccompProgram> Compile() const;
  // For all threads of this process and what they start, for good. Needs no_new_privs.
  static Status Install(const SeccompProgram& program);
  // Both.
  Status Load() const;

 private:
  std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter_;

  explicit SeccompFilter(scmp_filter_ctx filter) : filter_(filter, &::seccomp_release) {}
  static Status Check(int result, const char* what, int call);
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SANDBOX_SECCOMP_FILTER_H_
