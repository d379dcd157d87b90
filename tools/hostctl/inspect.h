// `tvmffi-hostctl inspect`: what a plug-in offers and needs, without running any of it.
#ifndef TVMFFI_TOOLS_HOSTCTL_INSPECT_H_
#define TVMFFI_TOOLS_HOSTCTL_INSPECT_H_

#include <string>
#include <vector>

#include "proto/elf/elf_file.h"

namespace tvmffi::hostctl {

struct PluginFunction {
  std::string name;  // as callers say it
  bool has_metadata = false;
  bool has_doc = false;
};

struct PluginSummary {
  std::string path;
  elf::ElfFile file;
  std::vector<PluginFunction> functions;
  bool has_embedded_modules = false;
  std::vector<std::string> abi_functions;  // of the C ABI, that it calls
  // The first version of the convention whose library has all of them.
  std::string abi_version;
  // What a careful person would want to know before loading it.
  std::vector<std::string> remarks;
};

PluginSummary Summarize(std::string path, elf::ElfFile file);

// For people: several lines, the last one ended.
std::string ToText(const PluginSummary& summary);
// For programs: one JSON object, indented, ended by a newline. Keys as the members above.
std::string ToJson(const PluginSummary& summary);

}  // namespace tvmffi::hostctl

#endif  // TVMFFI_TOOLS_HOSTCTL_INSPECT_H_
