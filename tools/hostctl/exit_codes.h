// How tvmffi-hostctl ends. Documented in README.md and in its help.
#ifndef TVMFFI_TOOLS_HOSTCTL_EXIT_CODES_H_
#define TVMFFI_TOOLS_HOSTCTL_EXIT_CODES_H_

namespace tvmffi::hostctl {

enum ExitCode : int {
  kOk = 0,
  kFailed = 1,         // it could not be done
  kBadUsage = 2,       // the command line says nothing that can be done
  kPluginError = 3,    // `call`: the function raised an error of its own
  kHostError = 4,      // `load`, `call`: the worker died, was killed or was not started
  kNoDaemon = 5,       // no daemon is there to be asked
  kNotReproduced = 6,  // `replay`: the call ended otherwise than recorded
};

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_EXIT_CODES_H_
