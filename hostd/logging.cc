#include "hostd/logging.h"

#include <limits.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <chrono>
#include <string>

#include "hostd/text.h"

namespace tvmffi::hostd {
namespace {

constexpr size_t kMaxMessage = PIPE_BUF / 4;
constexpr size_t kMaxField = 128;
// An event's fields travel with its message as the name of a function, which nothing here has.
const char* Fields(const spdlog::details::log_msg& message) {
  return message.source.funcname != nullptr ? message.source.funcname : "";
}

// `text` has no control characters but tabs.
std::string JsonString(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '\t') {
      result += "\\t";
      continue;
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

class FdSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  FdSink(int fd, bool json) : fd_(fd), json_(json) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string payload =
        EscapeLine(std::string_view(message.payload.data(), message.payload.size()), kMaxMessage);
    std::string line = json_ ? Json(message, payload) : Text(message, payload);
    WriteWithoutWaiting(fd_, line.substr(0, PIPE_BUF - 1));
  }
  void flush_() override {}

 private:
  std::string Text(spdlog::details::log_msg message, const std::string& payload) {
    message.payload = payload;
    spdlog::memory_buf_t buffer;
    formatter_->format(message, buffer);
    return std::string(buffer.data(), buffer.size());
  }

  static std::string Json(const spdlog::details::log_msg& message, const std::string& payload) {
    auto since_epoch = message.time.time_since_epoch();
    auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
    auto level = spdlog::level::to_string_view(message.level);
    char time[32];
    std::snprintf(time, sizeof(time), "%lld.%03lld", static_cast<long long>(millis / 1000),
                  static_cast<long long>(millis % 1000));
    return std::string("{\"time\":") + time + ",\"level\":\"" +
           std::string(level.data(), level.size()) + "\",\"pid\":" + std::to_string(::getpid()) +
           ",\"message\":" + JsonString(payload) + Fields(message) + "}\n";
  }

  int fd_;
  bool json_;
};

}  // namespace

void LogEvent(spdlog::logger* log, spdlog::level::level_enum level, const std::string& message,
              std::initializer_list<LogField> fields) {
  if (!log->should_log(level)) return;
  std::string json;
  for (const LogField& field : fields) {
    json += std::string(",\"") + field.key +
            "\":" + (field.is_number ? field.text : JsonString(EscapeLine(field.text, kMaxField)));
  }
  log->log(spdlog::source_loc{nullptr, 0, json.c_str()}, level, message);
}

std::shared_ptr<spdlog::logger> MakeLogger(int fd, spdlog::level::level_enum level, bool json) {
  auto logger =
      std::make_shared<spdlog::logger>("tvmffi-hostd", std::make_shared<FdSink>(fd, json));
  logger->set_level(level);
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %n[%P]: %v");
  return logger;
}

}  // namespace tvmffi::hostd
