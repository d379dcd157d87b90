// doctor: every layer of the sandbox and every prerequisite, there or missing and what to do.
#ifndef TVMFFI_TOOLS_HOSTCTL_DOCTOR_H_
#define TVMFFI_TOOLS_HOSTCTL_DOCTOR_H_

#include <string>
#include <vector>

namespace tvmffi::hostctl {

enum class Finding {
  kPresent,
  kMissing,   // workers do without; something is weaker, slower or less comfortable
  kRequired,  // missing, and nothing works without it
};

struct Check {
  std::string name;
  Finding finding = Finding::kPresent;
  std::string detail;  // what was found, or why it is missing
  std::string advice;  // what to do; empty when nothing can or need be done
};

// Of this machine and this installation. Starts a daemon for a moment to ask it about layers.
std::vector<Check> Examine();

// What to do about a missing layer.
std::string AdviceFor(const std::string& layer);

// Prints what Examine finds; an ExitCode: kFailed when something required is missing, with `strict`
// when anything is.
int Doctor(bool json, bool strict);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_DOCTOR_H_
