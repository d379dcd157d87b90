#include "tools/hostctl/replay_text.h"

#include <string.h>

#include <algorithm>
#include <sstream>

#include "tools/hostctl/text.h"

namespace tvmffi::hostctl {
namespace {

using Json = nlohmann::ordered_json;

std::string SignalText(int32_t signal) {
  if (signal == 0) return "none";
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : std::to_string(signal);
}

template <typename Number>
std::string NumberText(const std::optional<Number>& number) {
  return number ? std::to_string(*number) : "none";
}

std::string AccessText(const std::optional<bool>& is_write) {
  return !is_write ? "unknown" : *is_write ? "write" : "read";
}

std::string OutcomeText(const SavedOutcome& outcome) {
  std::string text = outcome.cause;
  if (outcome.signal != 0) text += ", " + SignalText(outcome.signal);
  if (outcome.cause == "exit") text += ", status " + std::to_string(outcome.exit_status);
  if (outcome.fault_argument) {
    text += ", " + AccessText(outcome.is_write) + " at byte " +
            std::to_string(*outcome.fault_offset) + " of argument " +
            std::to_string(*outcome.fault_argument);
  }
  return text + (outcome.stack_overflow ? ", stack overflow" : "");
}

const char* PlaceName(SavedPlace place) {
  switch (place) {
    case SavedPlace::kGuardRight:
      return "shared, its end against a guard page";
    case SavedPlace::kGuardLeft:
      return "shared, its beginning against a guard page";
    case SavedPlace::kInput:
      return "shared, for reading alone";
    case SavedPlace::kPool:
      return "of the worker's pool";
    case SavedPlace::kPlain:
      break;
  }
  return "the caller's own, copied";
}

// Every line printable and behind the same margin.
std::string Lines(const std::string& text, const std::string& margin) {
  std::string lines;
  std::istringstream rest(text);
  for (std::string line; std::getline(rest, line);) lines += margin + Printable(line) + "\n";
  return lines;
}

Json OutcomeJson(const SavedOutcome& outcome) {
  Json json = {{"kind", outcome.kind},
               {"cause", outcome.cause},
               {"signal", outcome.signal},
               {"exit_status", outcome.exit_status},
               {"stack_overflow", outcome.stack_overflow},
               {"bucket", outcome.bucket}};
  json["fault_argument"] = outcome.fault_argument ? Json(*outcome.fault_argument) : Json();
  json["fault_offset"] = outcome.fault_offset ? Json(*outcome.fault_offset) : Json();
  json["is_write"] = outcome.is_write ? Json(*outcome.is_write) : Json();
  return json;
}

}  // namespace

std::vector<Difference> Compare(const SavedOutcome& recorded, const SavedOutcome& replayed) {
  std::vector<Difference> all = {
      {"cause", recorded.cause, replayed.cause},
      {"signal", SignalText(recorded.signal), SignalText(replayed.signal)},
      {"exit status", std::to_string(recorded.exit_status), std::to_string(replayed.exit_status)},
      {"fault argument", NumberText(recorded.fault_argument), NumberText(replayed.fault_argument)},
      {"fault offset", NumberText(recorded.fault_offset), NumberText(replayed.fault_offset)},
      {"access", AccessText(recorded.is_write), AccessText(replayed.is_write)},
  };
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const Difference& d) { return d.recorded == d.replayed; }),
            all.end());
  return all;
}

std::string HeadText(const std::string& file, const std::string& module,
                     const CallRecording& recording) {
  const SavedSetting& setting = recording.setting;
  std::string text = "recording:   " + Printable(file) + ", made by version " +
                     Printable(recording.library_version) + "\n";
  text += "module:      " + Printable(module) + "\n";
  if (module != recording.module.path)
    text += "  instead of " + Printable(recording.module.path) + "\n";
  text += "  recorded: SHA-256 " + Printable(recording.module.sha256) + ", build id " +
          Printable(recording.module.build_id) + "\n";
  if (recording.is_load) {
    text += "the load of it, no call\n";
  } else {
    text += "function:    " + Printable(recording.call.function) + ", call " +
            std::to_string(recording.call_number) +
            " of its module; those before it are not repeated\n";
  }
  for (const SavedCall& call : recording.init) {
    text += "init:        " + Printable(call.function) + "\n";
  }
  const std::string name = recording.module.path.substr(recording.module.path.rfind('/') + 1);
  if (setting.worker_modules != name) {
    text += "beside it:   " + Printable(setting.worker_modules) +
            " were in the recorded worker; here it is alone\n";
  }
  text += "policy:\n" + Lines(setting.policy, "  ");
  text += "environment:\n";
  for (const std::string& entry : setting.environment) text += "  " + Printable(entry) + "\n";
  text += "ended with:  " + Printable(OutcomeText(recording.outcome)) + "\n";
  for (const SavedMemory& memory : recording.call.values.memory) {
    text += "memory:      " + Bytes(memory.bytes.size()) + ", " + PlaceName(memory.place) + "\n";
  }
  return text;
}

std::string LayersText(const std::string& recorded, const std::string& now) {
  if (recorded == now) return "";
  return "layers:      " + Printable(recorded) + " locked the recorded worker, " + Printable(now) +
         " lock this one\n";
}

std::string ArgumentsText(const std::vector<std::string>& descriptions) {
  std::string text;
  for (size_t i = 0; i < descriptions.size(); ++i) {
    text += "argument " + std::to_string(i) + ":  " + descriptions[i] + "\n";
  }
  return text + "\n";
}

std::string VerdictText(const std::vector<Difference>& differences) {
  if (differences.empty()) return "reproduced\n";
  std::string text = "not reproduced\n";
  for (const Difference& difference : differences) {
    text += "  " + difference.what + ": recorded " + Printable(difference.recorded) + ", now " +
            Printable(difference.replayed) + "\n";
  }
  return text;
}

Json ToJson(const std::string& file, const CallRecording& recording, const SavedOutcome& replayed,
            const std::vector<Difference>& differences) {
  Json list = Json::array();
  for (const Difference& difference : differences) {
    list.push_back({{"what", difference.what},
                    {"recorded", difference.recorded},
                    {"replayed", difference.replayed}});
  }
  return {{"file", file},
          {"function", recording.call.function},
          {"is_load", recording.is_load},
          {"module", recording.module.path},
          {"sha256", recording.module.sha256},
          {"call_number", recording.call_number},
          {"reproduced", differences.empty()},
          {"differences", std::move(list)},
          {"recorded", OutcomeJson(recording.outcome)},
          {"replayed", OutcomeJson(replayed)}};
}

}  // namespace tvmffi::hostctl
