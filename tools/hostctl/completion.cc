#include "tools/hostctl/completion.h"

#include <algorithm>

namespace tvmffi::hostctl {
namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string Names(const std::vector<CommandWords>& commands) {
  std::vector<std::string> names;
  for (const CommandWords& command : commands) names.push_back(command.name);
  return Joined(names);
}

// Inside single quotes.
std::string Quotable(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\''), text.end());
  return text;
}

std::string Bash(const std::vector<CommandWords>& commands) {
  std::string text =
      "_tvmffi_hostctl() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} flags= files=\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    COMPREPLY=($(compgen -W '" +
      Names(commands) +
      " --help --version' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]} in\n";
  for (const CommandWords& command : commands) {
    std::vector<std::string> offered = command.words;
    offered.insert(offered.end(), command.flags.begin(), command.flags.end());
    text += "    " + command.name + ") flags='" + Joined(offered) + "'" +
            (command.takes_file ? " files=1" : "") + " ;;\n";
  }
  return text +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$flags\" -- \"$word\"))\n"
         "  if [[ -n $files && $word != -* ]]; then COMPREPLY+=($(compgen -f -- \"$word\")); fi\n"
         "}\n"
         "complete -o filenames -F _tvmffi_hostctl tvmffi-hostctl\n";
}

std::string Zsh(const std::vector<CommandWords>& commands) {
  return "#compdef tvmffi-hostctl\nautoload -U +X bashcompinit && bashcompinit\n" + Bash(commands);
}

std::string Fish(const std::vector<CommandWords>& commands) {
  std::string text = "complete -c tvmffi-hostctl -f\n";
  for (const CommandWords& command : commands) {
    text += "complete -c tvmffi-hostctl -n __fish_use_subcommand -a " + command.name + " -d '" +
            Quotable(command.help) + "'\n";
    const std::string here =
        "complete -c tvmffi-hostctl -n '__fish_seen_subcommand_from " + command.name + "' ";
    for (const std::string& flag : command.flags) text += here + "-l " + flag.substr(2) + "\n";
    if (!command.words.empty()) text += here + "-a '" + Joined(command.words) + "'\n";
    if (command.takes_file) text += here + "-F\n";
  }
  return text;
}

}  // namespace

std::string CompletionScript(const std::string& shell, const std::vector<CommandWords>& commands) {
  if (shell == "bash") return Bash(commands);
  if (shell == "zsh") return Zsh(commands);
  return shell == "fish" ? Fish(commands) : "";
}

}  // namespace tvmffi::hostctl
