// The daemon's own log: one line per event on stderr.
#ifndef TVMFFI_HOSTD_LOGGING_H_
#define TVMFFI_HOSTD_LOGGING_H_

#include <spdlog/logger.h>

#include <memory>

namespace tvmffi::hostd {

// Writes to `fd`, escaped, never waiting: a reader that stops reading loses lines, it does not stop
// the daemon. With `json` a line is an object with time (seconds), level, pid and message.
std::shared_ptr<spdlog::logger> MakeLogger(int fd, spdlog::level::level_enum level, bool json);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOGGING_H_
