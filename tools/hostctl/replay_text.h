// What replay prints: what will be run, and how its end compares with the recorded one.
#ifndef TVMFFI_TOOLS_HOSTCTL_REPLAY_TEXT_H_
#define TVMFFI_TOOLS_HOSTCTL_REPLAY_TEXT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proto/recording/recording.h"

namespace tvmffi::hostctl {

struct Difference {
  std::string what;
  std::string recorded;
  std::string replayed;
};

// What must be equal for the same death: how the worker ended and what it touched.
std::vector<Difference> Compare(const SavedOutcome& recorded, const SavedOutcome& replayed);

// Before the worker is started; `module` is the file that will be loaded.
std::string HeadText(const std::string& file, const std::string& module,
                     const CallRecording& recording);
// Nothing when they are the same.
std::string LayersText(const std::string& recorded, const std::string& now);
std::string ArgumentsText(const std::vector<std::string>& descriptions);
std::string VerdictText(const std::vector<Difference>& differences);

nlohmann::ordered_json ToJson(const std::string& file, const CallRecording& recording,
                              const SavedOutcome& replayed,
                              const std::vector<Difference>& differences);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_REPLAY_TEXT_H_
