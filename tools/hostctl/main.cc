// tvmffi-hostctl: what an operator asks of plug-ins and of the host. Exit status 0 when it was
// answered, 1 when it could not be, 2 for a bad command line.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>

#include "tools/hostctl/inspect.h"

namespace tvmffi::hostctl {
namespace {

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

int Inspect(const std::string& path, bool as_json) {
  Result<elf::ElfFile> file = elf::ReadElfFile(path);
  if (!file.ok()) {
    std::fprintf(stderr, "tvmffi-hostctl: %s\n", file.status().message.c_str());
    return kFailed;
  }
  const PluginSummary summary = Summarize(path, std::move(*file));
  std::fputs((as_json ? ToJson(summary) : ToText(summary)).c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : kFailed;
}

int Main(int argc, char** argv) {
  CLI::App app("Looks at plug-ins and at the host that runs them in isolation.", "tvmffi-hostctl");
  app.set_version_flag("--version", "tvmffi-hostctl " TVMFFI_VERSION);
  app.require_subcommand(1);

  std::string path;
  bool as_json = false;
  CLI::App* inspect =
      app.add_subcommand("inspect",
                         "Functions, needed libraries and constructors of a plug-in; "
                         "nothing of it is loaded or run");
  inspect->add_option("file", path, "The plug-in, a shared library")->required();
  inspect->add_flag("--json", as_json, "Print one JSON object");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadUsage;
  }
  return Inspect(path, as_json);
}

}  // namespace
}  // namespace tvmffi::hostctl

int main(int argc, char** argv) { return tvmffi::hostctl::Main(argc, argv); }
