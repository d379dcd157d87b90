// Shell completion, made from the commands themselves.
#ifndef TVMFFI_TOOLS_HOSTCTL_COMPLETION_H_
#define TVMFFI_TOOLS_HOSTCTL_COMPLETION_H_

#include <string>
#include <vector>

namespace tvmffi::hostctl {

struct CommandWords {
  std::string name;
  std::string help;                // one line
  std::vector<std::string> flags;  // "--json", "--help"
  std::vector<std::string> words;  // commands below it
  bool takes_file = false;
};

// A script for "bash", "zsh" or "fish"; empty for any other shell.
std::string CompletionScript(const std::string& shell, const std::vector<CommandWords>& commands);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_COMPLETION_H_
