#include "tools/hostctl/open_metrics.h"

#include <map>
#include <sstream>

namespace tvmffi::hostctl {
namespace {

struct Family {
  std::string head;  // "# TYPE ..." and what else is said of it
  std::string samples;
};

// The second word of "# TYPE NAME counter".
std::string NameIn(const std::string& head) {
  std::istringstream words(head);
  std::string mark, keyword, name;
  words >> mark >> keyword >> name;
  return name;
}

std::string WithDaemon(std::string sample, int32_t daemon_pid) {
  const std::string label = "daemon=\"" + std::to_string(daemon_pid) + "\"";
  const size_t end_of_name = sample.find_first_of("{ ");
  if (end_of_name == std::string::npos) return sample;
  if (sample[end_of_name] == '{') return sample.insert(end_of_name + 1, label + ",");
  return sample.insert(end_of_name, "{" + label + "}");
}

}  // namespace

std::string MergeMetrics(const std::vector<DaemonMetrics>& documents) {
  std::vector<std::string> order;
  std::map<std::string, Family> families;
  for (const DaemonMetrics& document : documents) {
    std::map<std::string, std::string> heads;
    std::string current;
    std::istringstream lines(document.text);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line == "# EOF") continue;
      if (line[0] != '#') {
        families[current].samples += WithDaemon(line, document.daemon_pid) + "\n";
        continue;
      }
      current = NameIn(line);
      heads[current] += line + "\n";
      if (families.try_emplace(current).second) order.push_back(current);
    }
    for (const auto& [name, head] : heads) {
      if (families[name].head.empty()) families[name].head = head;
    }
  }
  std::string merged;
  for (const std::string& name : order) merged += families[name].head + families[name].samples;
  return merged + "# EOF\n";
}

}  // namespace tvmffi::hostctl
