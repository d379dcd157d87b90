#include "hostd/observe/metrics_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string_view>

#include "hostd/loop/fd_watch.h"
#include "proto/base/clock.h"
#include "tests/support/temp_dir.h"

namespace tvmffi::hostd {
namespace {

// As at a daemon's shutdown, which may come between an answer and the end of its connection.
TEST(MetricsServer, MayEndInTheTurnOfTheLoopInWhichAConnectionDoes) {
  testing::TempDir folder;
  const std::string path = folder / "metrics.sock";
  Result<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  ASSERT_TRUE(loop.ok());
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  UniqueFd read_end(ends[0]), write_end(ends[1]);
  ASSERT_EQ(::write(write_end.get(), "x", 1), 1);
  std::unique_ptr<MetricsServer> server;
  Result<std::unique_ptr<FdWatch>> shutdown =
      FdWatch::Create(loop->get(), read_end.get(), [&](int) {
        (*shutdown)->SetEvents(0);
        server.reset();
        (*loop)->Defer([&] { (*loop)->Stop(); });
      });
  ASSERT_TRUE(shutdown.ok());
  // Ready after the connection: that ends first.
  auto metrics = [&] {
    (*loop)->Defer([&] { (*shutdown)->SetEvents(FdWatch::kReadable); });
    return std::string("# EOF\n");
  };
  Result<std::unique_ptr<MetricsServer>> made = MetricsServer::Create(loop->get(), path, metrics);
  ASSERT_TRUE(made.ok()) << made.status().message;
  server = std::move(*made);
  Result<UniqueFd> scraper = ConnectUnix(path, DeadlineAfter(10));
  ASSERT_TRUE(scraper.ok()) << scraper.status().message;
  constexpr std::string_view kRequest = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(::send(scraper->get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(kRequest.size()));

  (*loop)->Run();

  char answer[256];
  const ssize_t size = ::recv(scraper->get(), answer, sizeof(answer), 0);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string_view(answer, static_cast<size_t>(size)).substr(0, 15), "HTTP/1.0 200 OK");
  EXPECT_EQ(server, nullptr);
}

}  // namespace
}  // namespace tvmffi::hostd
