// tvmffi-hostctl: what an operator asks of plug-ins and of the host.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "tools/hostctl/completion.h"
#include "tools/hostctl/doctor.h"
#include "tools/hostctl/exit_codes.h"
#include "tools/hostctl/inspect.h"
#include "tools/hostctl/observe.h"
#include "tools/hostctl/policy_show.h"
#include "tools/hostctl/replay.h"
#include "tools/hostctl/run.h"
#include "tools/hostctl/text.h"

namespace tvmffi::hostctl {
namespace {

constexpr char kExitCodes[] =
    "Exit status: 0 done; 1 it could not be done; 2 a bad command line; 3 the called function "
    "raised an error; 4 the worker died, was killed or was not started; 5 no daemon is running; "
    "6 a replayed call ended otherwise than recorded.";

int Inspect(const std::string& path, bool as_json) {
  Result<elf::ElfFile> file = elf::ReadElfFile(path);
  if (!file.ok()) return Fail(file.status().message, kFailed);
  const PluginSummary summary = Summarize(path, std::move(*file));
  return Print(as_json ? ToJson(summary) : ToText(summary));
}

// Everything a command line can say.
struct CommandLine {
  std::string path;
  bool json = false;
  bool strict = false;
  ObserveOptions observe;
  int32_t pid = 0;
  int count = 20;
  double interval = 2;
  int rounds = 0;
  RunOptions run;
  CallOptions call;
  ReplayOptions replay;
  std::string shell;
};

class Commands {
 public:
  Commands() : app_("Looks at plug-ins and at the host that runs them.", "tvmffi-hostctl") {
    app_.set_version_flag("--version", "tvmffi-hostctl " TVMFFI_VERSION);
    app_.require_subcommand(1);
    app_.footer(kExitCodes);
    AddObserving();
    AddPlugins();
    AddReplay();
    AddOthers();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? kOk : kBadUsage;
    }
    return action_();
  }

 private:
  CLI::App* Add(CLI::App* parent, const char* name, const char* help, std::function<int()> action) {
    CLI::App* command = parent->add_subcommand(name, help);
    command->add_flag("--json", line_.json, "For programs: JSON");
    command->callback([this, action = std::move(action)] { action_ = action; });
    return command;
  }

  CLI::App* AddObserver(const char* name, const char* help,
                        std::function<int(const ObserveOptions&)> action) {
    CLI::App* command = Add(&app_, name, help, [this, action = std::move(action)] {
      line_.observe.json = line_.json;
      return action(line_.observe);
    });
    command->add_option("--socket", line_.observe.socket,
                        "Ask this daemon only; otherwise all of this user");
    return command;
  }

  void AddPid(CLI::App* command, const char* help, bool required) {
    command->add_option("pid", line_.pid, help)->required(required)->check(CLI::Range(1, 1 << 30));
  }

  void AddObserving() {
    AddObserver("ps", "The workers that run: calls, latency, memory, what they are doing", Ps);
    CLI::App* top = AddObserver("top", "The same, again and again, busiest first",
                                [this](const ObserveOptions& options) {
                                  return Top(options, line_.interval, line_.rounds);
                                });
    top->add_option("--interval", line_.interval, "Seconds between two looks")
        ->check(CLI::Range(0.1, 3600.0));
    top->add_option("--rounds", line_.rounds, "End after so many looks; 0: never")
        ->check(CLI::Range(0, 1'000'000));
    CLI::App* last = AddObserver(
        "last", "The workers that ended: how, and their last call; or all about one of them",
        [this](const ObserveOptions& options) { return Last(options, line_.pid, line_.count); });
    AddPid(last, "A worker, running or ended: its events, calls and log", false);
    last->add_option("--count", line_.count, "At most so many")->check(CLI::Range(1, 10'000));
    AddPid(AddObserver("logs", "What a worker printed last, running or ended",
                       [this](const ObserveOptions& options) { return Logs(options, line_.pid); }),
           "The worker", true);
    AddObserver("stats", "Counters and latencies of the daemons, as OpenMetrics", Stats);
    AddPid(AddObserver("kill", "Ends a worker; its calls in flight fail",
                       [this](const ObserveOptions& options) { return Kill(options, line_.pid); }),
           "The worker", true);
  }

  CLI::App* AddPlugin(const char* name, const char* help, std::function<int()> action) {
    CLI::App* command = Add(&app_, name, help, std::move(action));
    command->add_option("file", line_.path, "The plug-in, a shared library")->required();
    return command;
  }

  void AddRun(CLI::App* command) {
    command->add_option("--socket", line_.run.socket,
                        "Run it at this daemon; otherwise at one of its own");
    command->add_option("--policy", line_.run.policy, "What the worker may do, a TOML file");
    command->add_option("--record", line_.run.record,
                        "A folder: write what ends its worker there, for 'replay'");
    command->add_option("--require", line_.run.require, "Layers the worker must have")
        ->delimiter(',')
        ->allow_extra_args(false);
    command->add_option("--deadline", line_.run.deadline, "Seconds a call may take")
        ->check(CLI::Range(0.0, 1e9));
    command->add_flag("--log", line_.run.forward_log, "Show what the plug-in prints");
  }

  void AddPlugins() {
    AddPlugin("inspect",
              "Functions, needed libraries and constructors of a plug-in; nothing of it is loaded",
              [this] { return Inspect(line_.path, line_.json); });
    AddRun(AddPlugin("load", "Loads a plug-in into a worker, and ends it again", [this] {
      line_.run.json = line_.json;
      return Load(line_.path, line_.run);
    }));
    CLI::App* call = AddPlugin("call", "Calls a function of a plug-in in a worker", [this] {
      line_.run.json = line_.json;
      return Call(line_.path, line_.call, line_.run);
    });
    call->add_option("function", line_.call.function, "Its name")->required();
    call->add_option("arguments", line_.call.arguments,
                     "42, 1.5, true, none, @FILE.npy, zeros:float32[2,3] (ones, arange, random), "
                     "str:TEXT; anything else is a string");
    call->add_option("--repeat", line_.call.repeat, "So many calls, with their times")
        ->check(CLI::Range(1, 100'000'000));
    call->add_option("--seed", line_.call.seed, "Of random tensors");
    call->add_option("--out", line_.call.out,
                     "N=FILE.npy: write tensor argument N after the call; result=FILE.npy")
        ->allow_extra_args(false);
    call->positionals_at_end(false);
    AddRun(call);
  }

  void AddReplay() {
    CLI::App* replay =
        Add(&app_, "replay", "Runs a recorded call again, and compares how it ends", [this] {
          line_.replay.json = line_.json;
          return Replay(line_.path, line_.replay);
        });
    replay->add_option("file", line_.path, "The recording, *.tvmffi-call")->required();
    replay->add_option("--socket", line_.replay.socket,
                       "Run it at this daemon; otherwise at one of its own");
    replay->add_option("--module", line_.replay.module,
                       "Load this plug-in instead, whatever it contains");
    replay->add_flag("--any-module", line_.replay.any_module,
                     "Load the recorded path, whatever it contains now");
    replay->add_option("--policy", line_.replay.policy,
                       "What the worker may do, a TOML file; otherwise what is recorded");
  }

  void AddOthers() {
    CLI::App* policy = app_.add_subcommand("policy", "What workers may do");
    policy->require_subcommand(1);
    CLI::App* show = Add(policy, "show", "The policy in a file, or the default, with every key",
                         [this] { return ShowPolicy(line_.path, line_.json); });
    show->add_option("file", line_.path, "A policy, TOML");
    CLI::App* doctor =
        Add(&app_, "doctor", "Every layer and prerequisite: there, or missing and what to do",
            [this] { return Doctor(line_.json, line_.strict); });
    doctor->add_flag("--strict", line_.strict, "Exit status 1 when anything is missing");
    CLI::App* completion = app_.add_subcommand("completion", "A script for bash, zsh or fish");
    completion->add_option("shell", line_.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->callback([this] { action_ = [this] { return Complete(); }; });
  }

  static void AddWords(const CLI::App& command, CommandWords* entry) {
    for (const CLI::Option* option : command.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        const std::string flag = "--" + name;
        if (std::count(entry->flags.begin(), entry->flags.end(), flag) == 0) {
          entry->flags.push_back(flag);
        }
      }
      entry->takes_file = entry->takes_file || option->get_name(true) == "file";
    }
    for (const CLI::App* part : command.get_subcommands([](const CLI::App*) { return true; })) {
      entry->words.push_back(part->get_name());
      AddWords(*part, entry);
    }
  }

  int Complete() {
    std::vector<CommandWords> words;
    for (const CLI::App* command : app_.get_subcommands([](const CLI::App*) { return true; })) {
      words.push_back({command->get_name(), command->get_description(), {}, {}, false});
      AddWords(*command, &words.back());
    }
    return Print(CompletionScript(line_.shell, words));
  }

  CLI::App app_;
  CommandLine line_;
  std::function<int()> action_;
};

}  // namespace
}  // namespace tvmffi::hostctl

int main(int argc, char** argv) { return tvmffi::hostctl::Commands().Run(argc, argv); }
