#include "hostd/sandbox/layers.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "hostd/sandbox/landlock.h"
#include "hostd/sandbox/namespaces.h"
#include "hostd/sandbox/seccomp.h"
#include "hostd/sandbox/usage.h"

namespace tvmffi::hostd {
namespace {

constexpr std::array<std::string_view, 5> kAlways = {kProcess, kEnvironment, kDescriptors, kRlimits,
                                                     kOrphans};

bool IsAlways(std::string_view name) {
  return std::find(kAlways.begin(), kAlways.end(), name) != kAlways.end();
}

void AddNamespaces(LayerReport* report) {
  const std::vector<std::string_view> names = {kUserNamespace, kPidNamespace, kMountNamespace,
                                               kNetNamespace, kIpcNamespace};
  const Status all = TryNamespaces({names.begin(), names.end()});
  if (all.ok()) {
    for (std::string_view name : names) report->Add(name, all);
    return;
  }
  const Status user = TryNamespaces({std::string(kUserNamespace)});
  report->Add(kUserNamespace, user);
  for (size_t i = 1; i < names.size(); ++i) {
    std::vector<std::string> together = {std::string(names[i])};
    if (user.ok()) together.emplace_back(kUserNamespace);
    report->Add(names[i], TryNamespaces(together));
  }
}

void AddLandlock(LayerReport* report) {
  const Result<int> version = LandlockVersion();
  for (auto [name, since] : {std::pair{kLandlock, 1}, std::pair{kLandlockNet, 4},
                             std::pair{kLandlockIoctl, 5}, std::pair{kLandlockScope, 6}}) {
    if (!version.ok()) {
      report->Add(name, version.status());
    } else if (version.value() < since) {
      report->Add(
          name, {Code::kUnavailable, "the kernel has Landlock " + std::to_string(version.value()) +
                                         ", it needs " + std::to_string(since)});
    } else {
      report->Add(name, OkStatus());
    }
  }
}

}  // namespace

bool Has(const std::vector<std::string>& layers, std::string_view name) {
  return std::find(layers.begin(), layers.end(), name) != layers.end();
}

void LayerReport::Add(std::string_view name, const Status& probed) {
  layers_.push_back({std::string(name), probed.ok() ? "" : probed.message});
}

void LayerReport::Miss(std::string_view name, const std::string& why) {
  for (Layer& layer : layers_) {
    if (layer.name == name) layer.missing = why;
  }
}

Status LayerReport::SwitchOff(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    bool found = false;
    for (Layer& layer : layers_) {
      if (IsAlways(layer.name) || (name != "all" && name != layer.name)) continue;
      layer.missing = "the daemon was told to leave it out";
      found = true;
    }
    if (!found) {
      return {Code::kInvalidArgument,
              "'" + name + "' is no layer of the sandbox that can be left out"};
    }
  }
  return OkStatus();
}

std::vector<std::string> LayerReport::Active() const {
  std::vector<std::string> names;
  for (const Layer& layer : layers_) {
    if (layer.missing.empty()) names.push_back(layer.name);
  }
  return names;
}

Status LayerReport::Require(const std::vector<std::string>& required) const {
  for (const std::string& name : required) {
    auto layer = std::find_if(layers_.begin(), layers_.end(),
                              [&](const Layer& each) { return each.name == name; });
    if (layer == layers_.end()) {
      return {Code::kInvalidArgument, "'" + name + "' is no layer of the sandbox"};
    }
    if (!layer->missing.empty()) {
      return {Code::kUnavailable,
              "the required layer '" + name + "' is missing: " + layer->missing};
    }
  }
  return OkStatus();
}

Result<LayerReport> ProbeLayers(const Cgroups& cgroups, const std::vector<std::string>& without) {
  LayerReport report;
  for (std::string_view name : kAlways) report.Add(name, OkStatus());
  AddNamespaces(&report);
  const bool root = ::geteuid() == 0;
  report.Add(kUser, root ? OkStatus() : Status{Code::kUnavailable, "the daemon is not root"});
  AddLandlock(&report);
  report.Add(kSeccomp, ProbeSeccomp());
  auto add = [&](std::string_view name, const Result<CgroupController>& controller) {
    report.Add(name, controller.ok() ? OkStatus() : controller.status());
  };
  add(kCgroupMemory, cgroups.memory);
  add(kCgroupPids, cgroups.pids);
  add(kCgroupCpu, cgroups.cpu);
  report.Add(kUsage, ProbeUsage());
  TVMFFI_RETURN_IF_ERROR(report.SwitchOff(without));
  const std::vector<std::string> active = report.Active();
  if (root && Has(active, kUserNamespace)) {
    report.Miss(kUser, "workers run in a user namespace instead");
  }
  if (!root && !Has(active, kUserNamespace)) {
    for (auto name : {kPidNamespace, kMountNamespace, kNetNamespace, kIpcNamespace}) {
      if (Has(active, name)) report.Miss(name, "it takes root, or a user namespace");
    }
  }
  if (Has(report.Active(), kUsage) && !Has(report.Active(), kPidNamespace)) {
    report.Miss(kUsage, "it takes a pid namespace, which no process of a worker leaves");
  }
  return report;
}

}  // namespace tvmffi::hostd
