// tvmffi-symbolizer: reads one crash page and the ELF files it names, answers with functions and
// lines, ends. Started by the daemon, with a connection to the client as descriptor 3.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "hostd/symbolizer/lockdown.h"
#include "hostd/symbolizer/unwinder.h"
#include "proto/base/clock.h"
#include "proto/wire/socket.h"
#include "proto/wire/validate.h"

namespace tvmffi::hostd {
namespace {

constexpr int kSocket = 3;
constexpr double kPatience = 5.0;

Result<std::unique_ptr<CrashPage>> ReadPage(const UniqueFd& file) {
  auto page = std::make_unique<CrashPage>();
  const ssize_t size = ::pread(file.get(), page.get(), sizeof(*page), 0);
  if (size < 0) return ErrnoStatus(errno, "cannot read the crash page");
  if (static_cast<size_t>(size) != sizeof(*page)) {
    return Status{Code::kInvalidArgument, "the crash page has " + std::to_string(size) +
                                              " bytes, expected " + std::to_string(sizeof(*page))};
  }
  return page;
}

Result<wire::Symbols> Answer(const UniqueFd& page_file, std::vector<ModuleSource> sources) {
  Result<std::unique_ptr<CrashPage>> page = ReadPage(page_file);
  if (!page.ok()) return page.status();
  const std::optional<Crash> crash = ReadCrash(**page);
  if (!crash) return Status{Code::kInvalidArgument, "the crash page makes no sense"};
  std::vector<ModuleSource> known;
  for (ModuleSource& source : sources) {
    if (source.index < crash->modules.size()) known.push_back(std::move(source));
  }
  return Unwind(*crash, std::move(known));
}

// What the client asks for, once its last message has come.
Result<wire::Symbols> Serve(ControlConnection* client, int64_t deadline) {
  TVMFFI_RETURN_IF_ERROR(LockDown());
  std::vector<ModuleSource> sources;
  for (;;) {
    Result<ControlFrame> frame = client->Receive(deadline);
    if (!frame.ok()) return frame.status();
    Result<wire::Message> message = wire::Decode(*frame);
    if (!message.ok()) return message.status();
    if (const auto* module = std::get_if<wire::ModuleFile>(&*message)) {
      if (sources.size() == kMaxCrashModules) {
        return Status{Code::kInvalidArgument, "more files than modules"};
      }
      sources.push_back({module->index, std::move(frame->fds[0])});
      continue;
    }
    const auto* request = std::get_if<wire::Symbolize>(&*message);
    if (request == nullptr) {
      return Status{Code::kInvalidArgument,
                    std::string("unexpected message ") + wire::MessageName(*message)};
    }
    Result<wire::Symbols> symbols = Answer(frame->fds[0], std::move(sources));
    if (symbols.ok()) symbols->request_id = request->request_id;
    return symbols;
  }
}

bool Main() {
  ControlConnection client{UniqueFd(kSocket)};
  const int64_t deadline = DeadlineAfter(kPatience);
  Result<wire::Symbols> symbols = Serve(&client, deadline);
  const wire::Message answer =
      symbols.ok()
          ? wire::Message(std::move(*symbols))
          : wire::Message(wire::Failed{0, symbols.status().code, symbols.status().message});
  Result<std::vector<char>> payload = wire::Encode(answer);
  return payload.ok() && client.Send(*payload, {}, deadline).ok() && symbols.ok();
}

}  // namespace
}  // namespace tvmffi::hostd

int main() { ::_exit(tvmffi::hostd::Main() ? 0 : 1); }
