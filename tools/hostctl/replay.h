// replay: a call that ended its worker, once more, in a worker of its own.
#ifndef TVMFFI_TOOLS_HOSTCTL_REPLAY_H_
#define TVMFFI_TOOLS_HOSTCTL_REPLAY_H_

#include <string>

namespace tvmffi::hostctl {

struct ReplayOptions {
  std::string socket;       // of a shared daemon; empty: a private one
  std::string module;       // loaded instead of the recorded one, whatever it contains
  bool any_module = false;  // the recorded path, whatever it contains now
  std::string policy;       // instead of the recorded one; a TOML file
  bool json = false;
};

// An ExitCode: kOk when the worker ended as recorded, kNotReproduced when the call ended otherwise.
int Replay(const std::string& path, const ReplayOptions& options);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_REPLAY_H_
