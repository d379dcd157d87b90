#include "tools/hostctl/inspect.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "tools/hostctl/text.h"

namespace tvmffi::hostctl {
namespace {

constexpr std::string_view kPrefix = "__tvm_ffi_";
// Symbols of a module that are no functions of it have two underscores there.
constexpr std::string_view kReserved = "__tvm_ffi__";

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool Has(const std::vector<std::string>& sorted, const std::string& name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

struct AddedLater {
  std::string_view function;
  std::string_view version;
};
// What version 0.1.0 of the convention did not have, oldest first.
constexpr AddedLater kAddedLater[] = {
    {"TVMFFIHandleInitOnce", "0.1.5"},
    {"TVMFFIHandleDeinitOnce", "0.1.5"},
    {"TVMFFITensorCreateUnsafeView", "0.1.6"},
    {"TVMFFIErrorCreateWithCauseAndExtraContext", "0.1.8"},
    {"TVMFFIGetCustomAllocator", "0.1.13"},
    {"TVMFFISetCustomAllocator", "0.1.13"},
};

std::string VersionWith(const std::vector<std::string>& functions) {
  std::string_view version = "0.1.0";
  for (const AddedLater& added : kAddedLater) {
    if (Has(functions, std::string(added.function))) version = added.version;
  }
  return std::string(version);
}

bool IsRelative(std::string_view folder) {
  return !folder.empty() && folder[0] != '/' && folder[0] != '$';
}

void AddSearchPathRemarks(const std::string& name, const std::string& paths,
                          std::vector<std::string>* remarks) {
  for (size_t begin = 0; begin < paths.size();) {
    const size_t end = std::min(paths.find(':', begin), paths.size());
    const std::string folder = paths.substr(begin, end - begin);
    if (IsRelative(folder) || folder.empty()) {
      remarks->push_back(name + " '" + folder + "' depends on the working directory");
    }
    begin = end + 1;
  }
}

std::vector<std::string> MakeRemarks(const PluginSummary& summary) {
  const elf::ElfFile& file = summary.file;
  std::vector<std::string> remarks;
  if (summary.functions.empty()) remarks.push_back("exports no function: nothing can be called");
  if (file.executable_stack) remarks.push_back("asks for an executable stack");
  if (file.writable_code) remarks.push_back("has a segment that is writable and executable");
  if (file.text_relocations) remarks.push_back("has its code rewritten when it is loaded");
  for (const std::string& audit : file.audits) {
    remarks.push_back("has '" + audit + "' run inside the dynamic linker");
  }
  AddSearchPathRemarks("rpath", file.rpath, &remarks);
  AddSearchPathRemarks("runpath", file.runpath, &remarks);
  return remarks;
}

class Lines {
 public:
  void Row(const std::string& label, const std::string& text) {
    constexpr size_t kLabel = 14;
    text_ += label + std::string(label.size() < kLabel ? kLabel - label.size() : 1, ' ');
    text_ += Printable(text) + "\n";
  }
  void List(const std::string& label, const std::vector<std::string>& items) {
    for (size_t i = 0; i < items.size(); ++i) Row(i == 0 ? label : "", items[i]);
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string RunsAtLoad(const elf::ElfFile& file) {
  return std::to_string(file.constructors) + " constructors, " + std::to_string(file.destructors) +
         " destructors, " + std::to_string(file.ifuncs) + " indirect functions";
}

}  // namespace

PluginSummary Summarize(std::string path, elf::ElfFile file) {
  PluginSummary summary;
  for (const std::string& name : file.exports) {
    if (!StartsWith(name, kPrefix) || StartsWith(name, kReserved)) continue;
    const std::string function = name.substr(kPrefix.size());
    summary.functions.push_back({function, Has(file.exports, "__tvm_ffi__metadata_" + function),
                                 Has(file.exports, "__tvm_ffi__doc_" + function)});
  }
  for (const std::string& name : file.imports) {
    if (StartsWith(name, "TVMFFI")) summary.abi_functions.push_back(name);
  }
  summary.has_embedded_modules = Has(file.exports, "__tvm_ffi__library_bin");
  summary.abi_version = VersionWith(summary.abi_functions);
  summary.path = std::move(path);
  summary.file = std::move(file);
  summary.remarks = MakeRemarks(summary);
  return summary;
}

std::string ToText(const PluginSummary& summary) {
  const elf::ElfFile& file = summary.file;
  Lines table;
  table.Row("plug-in", summary.path);
  table.Row("machine", elf::MachineName(file.machine));
  table.Row("build id", file.build_id.empty() ? "none" : file.build_id);
  if (!file.soname.empty()) table.Row("soname", file.soname);
  std::vector<std::string> functions;
  for (const PluginFunction& function : summary.functions) {
    functions.push_back(function.name + (function.has_metadata ? "  (typed)" : "") +
                        (function.has_doc ? "  (documented)" : ""));
  }
  table.List("functions", functions);
  if (summary.has_embedded_modules) table.Row("", "and modules embedded in it");
  table.Row("C ABI", std::to_string(summary.abi_functions.size()) +
                         " functions, all there since version " + summary.abi_version);
  table.List("needs", file.needed);
  table.List("filters", file.filters);
  if (!file.rpath.empty()) table.Row("rpath", file.rpath);
  if (!file.runpath.empty()) table.Row("runpath", file.runpath);
  table.Row("runs at load", RunsAtLoad(file));
  table.List("note", summary.remarks);
  return table.Take();
}

std::string ToJson(const PluginSummary& summary) {
  using Json = nlohmann::ordered_json;
  const elf::ElfFile& file = summary.file;
  Json functions = Json::array();
  for (const PluginFunction& function : summary.functions) {
    functions.push_back({{"name", function.name},
                         {"has_metadata", function.has_metadata},
                         {"has_doc", function.has_doc}});
  }
  const Json json = {
      {"path", summary.path},
      {"machine", elf::MachineName(file.machine)},
      {"build_id", file.build_id},
      {"soname", file.soname},
      {"functions", std::move(functions)},
      {"has_embedded_modules", summary.has_embedded_modules},
      {"abi_functions", summary.abi_functions},
      {"abi_version", summary.abi_version},
      {"needed", file.needed},
      {"filters", file.filters},
      {"audits", file.audits},
      {"rpath", file.rpath},
      {"runpath", file.runpath},
      {"constructors", file.constructors},
      {"destructors", file.destructors},
      {"ifuncs", file.ifuncs},
      {"executable_stack", file.executable_stack},
      {"writable_code", file.writable_code},
      {"text_relocations", file.text_relocations},
      {"remarks", summary.remarks},
  };
  // Names are whatever bytes the file has; JSON is UTF-8.
  return Dump(json);
}

}  // namespace tvmffi::hostctl
