// The daemon's own log: one line per event on stderr.
#ifndef TVMFFI_HOSTD_LOGGING_H_
#define TVMFFI_HOSTD_LOGGING_H_

#include <spdlog/logger.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

namespace tvmffi::hostd {

// A field of an event, for programs that read the log.
struct LogField {
  LogField(const char* field_key, std::string field_text)
      : key(field_key), text(std::move(field_text)), is_number(false) {}
  LogField(const char* field_key, const char* field_text)
      : LogField(field_key, std::string(field_text)) {}
  LogField(const char* field_key, int64_t number)
      : key(field_key), text(std::to_string(number)), is_number(true) {}

  const char* key;
  std::string text;
  bool is_number;
};

// Writes to `fd`, escaped, never waiting: a reader that stops reading loses lines, it does not stop
// the daemon. With `json` a line is an object with time (seconds), level, pid, message and the
// fields of the event.
std::shared_ptr<spdlog::logger> MakeLogger(int fd, spdlog::level::level_enum level, bool json);

// A line with `message`, which says all there is for people, and the same in `fields`.
void LogEvent(spdlog::logger* log, spdlog::level::level_enum level, const std::string& message,
              std::initializer_list<LogField> fields);

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_LOGGING_H_
