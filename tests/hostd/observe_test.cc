// What a daemon tells observers, and that they can do nothing else.
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "proto/base/shm_segment.h"
#include "proto/channel/recorder.h"
#include "proto/wire/unix_path.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_daemon.h"

namespace tvmffi {
namespace {

using testing::ChildProgram;
using testing::CreatedWorker;
using testing::TestSession;
using wire::DocumentKind;

// A private daemon that can be looked at, and its client's session.
class ObserveTest : public ::testing::Test {
 protected:
  void Start(std::vector<std::string> more_flags = {}) {
    Result<std::pair<UniqueFd, UniqueFd>> ends = ControlSocketPair();
    ASSERT_TRUE(ends.ok());
    std::vector<std::string> flags = {
        "--private-fd", "5", "--observe", path_,
        "--prepared",   "0", "--worker",  testing::FakeWorkerProgram()};
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    daemon_ = std::make_unique<ChildProgram>(testing::DaemonProgram(), flags,
                                             std::map<int, int>{{ends->second.get(), 5}});
    client_ = std::make_unique<TestSession>(std::move(ends->first));
    client_->Hello();
    observer_ = Observe();
  }

  UniqueFd Connect(const std::string& path) {
    const int64_t deadline = DeadlineAfter(10);
    for (;;) {
      Result<UniqueFd> socket = ConnectUnix(path, deadline);
      if (socket.ok()) return std::move(*socket);
      if (MonotonicNanos() > deadline) {
        ADD_FAILURE() << socket.status().message;
        return {};
      }
      ::usleep(1000);
    }
  }

  std::unique_ptr<TestSession> Observe() {
    auto observer = std::make_unique<TestSession>(Connect(path_));
    observer->Hello();
    return observer;
  }

  std::string Document(DocumentKind kind, int32_t pid = 0) {
    observer_->Send(wire::GetDocument{1, kind, pid});
    return observer_->Expect<wire::Document>().text;
  }

  static bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  testing::TempDir folder_;
  const std::string path_ = folder_ / "observe.sock";
  std::unique_ptr<ChildProgram> daemon_;
  std::unique_ptr<TestSession> client_;
  std::unique_ptr<TestSession> observer_;
};

// What a client would note.
void NoteCall(const CreatedWorker& worker, uint64_t call_id, bool ended) {
  Result<ShmSegment> memory =
      ShmSegment::Map(UniqueFd(::dup(worker.recorder.get())), kRecorderSize, Access::kReadWrite);
  ASSERT_TRUE(memory.ok()) << memory.status().message;
  auto* recorder = reinterpret_cast<RecorderMemory*>(memory->data());
  const uint32_t name = RecordName(recorder, "soft\x1bmax");
  recorder->lanes[0].Begin(call_id, name);
  recorder->lanes[0].Sent(MonotonicNanos());
  if (ended) recorder->lanes[0].End(5000, RecordedOutcome::kOk);
}

TEST_F(ObserveTest, B22_AWorkersLastCallIsKnownAfterItsDeath) {
  Start();
  const CreatedWorker worker = client_->Create("serve");
  NoteCall(worker, 4711, /*ended=*/false);
  EXPECT_TRUE(
      Has(Document(DocumentKind::kWorkers), "\"call_id\":4711,\"function\":\"soft\\\\x1bmax\""))
      << Document(DocumentKind::kWorkers);

  ASSERT_EQ(::kill(worker.pid, SIGKILL), 0);
  client_->AwaitExit(worker.id);

  const std::string ended = Document(DocumentKind::kEnded);
  EXPECT_TRUE(Has(ended, "\"pid\":" + std::to_string(worker.pid))) << ended;
  EXPECT_TRUE(Has(ended, "\"call_id\":4711")) << ended;
  EXPECT_TRUE(Has(ended, "\"cause\":\"signal\",\"signal\":9")) << ended;
  EXPECT_EQ(Document(DocumentKind::kWorkers), "[]");
}

TEST_F(ObserveTest, B22_EventsAreKeptWithTheWorker) {
  Start();
  const CreatedWorker worker = client_->Create("serve");
  client_->Send(wire::OpenLane{9, worker.id, 3});
  client_->Expect<wire::Done>();
  client_->Kill(worker.id, wire::KillCause::kDeadline);

  const std::string text = Document(DocumentKind::kWorker, worker.pid);

  size_t last = 0;
  for (const char* event : {"\"text\":\"started\"", "\"text\":\"lane 3 opened\"",
                            "\"text\":\"killed: deadline\"", "was killed (deadline) after"}) {
    last = text.find(event, last);
    ASSERT_NE(last, std::string::npos) << event << " in " << text;
  }
}

TEST_F(ObserveTest, AWorkerThatIsNotKnownIsNotFound) {
  Start();
  observer_->Send(wire::GetDocument{1, DocumentKind::kWorker, 1});
  EXPECT_EQ(observer_->Expect<wire::Failed>().code, Code::kNotFound);
  observer_->Send(wire::EndWorker{2, 1});
  EXPECT_EQ(observer_->Expect<wire::Failed>().code, Code::kNotFound);
}

TEST_F(ObserveTest, C2_12_ANumberThatIsNoWorkersAnyMoreEndsNobody) {
  Start();
  const CreatedWorker worker = client_->Create("exit:0");
  client_->AwaitExit(worker.id);

  // Whoever has the number by now; and a process that is there for certain: this one.
  for (const int32_t pid : {worker.pid, ::getpid()}) {
    observer_->Send(wire::EndWorker{1, pid});
    EXPECT_EQ(observer_->Expect<wire::Failed>().code, Code::kNotFound);
  }
  EXPECT_EQ(client_->Kill(worker.id, wire::KillCause::kClosed).cause, "exit");
}

TEST_F(ObserveTest, AnObserverMayEndAWorkerAndItsClientHearsOfIt) {
  Start();
  const CreatedWorker worker = client_->Create("hang");
  observer_->Send(wire::EndWorker{1, worker.pid});
  observer_->Expect<wire::Done>();

  EXPECT_EQ(client_->AwaitExit(worker.id).cause, "cancelled");
}

TEST_F(ObserveTest, C3_1_AnObserverCanStartNothing) {
  Start();
  observer_->Send(wire::CreateWorker{1, "w", {}, {"FAKE_WORKER=serve"}});
  EXPECT_TRUE(observer_->WaitForEnd());
  observer_ = Observe();
  observer_->Send(wire::StartSymbolizer{1});
  EXPECT_TRUE(observer_->WaitForEnd());
  observer_ = Observe();
  EXPECT_EQ(Document(DocumentKind::kWorkers), "[]");
}

TEST_F(ObserveTest, AnObserverDoesNotKeepADaemonThatHasNoClient) {
  Start();
  client_.reset();
  EXPECT_TRUE(observer_->WaitForEnd());
  EXPECT_EQ(daemon_->Wait(), 0);
  EXPECT_NE(::access(path_.c_str(), F_OK), 0);
}

TEST_F(ObserveTest, LayersSayWhatIsMissing) {
  Start({"--without", "seccomp"});
  const std::string layers = Document(DocumentKind::kLayers);
  EXPECT_TRUE(Has(layers, "{\"name\":\"process\",\"missing\":\"\"}")) << layers;
  EXPECT_TRUE(
      Has(layers, "{\"name\":\"seccomp\",\"missing\":\"the daemon was told to leave it out\"}"))
      << layers;
}

TEST_F(ObserveTest, B22_MetricsAreOpenMetricsThatAddUp) {
  Start();
  const CreatedWorker worker = client_->Create("serve");
  NoteCall(worker, 1, /*ended=*/true);

  const std::string text = Document(DocumentKind::kMetrics);

  EXPECT_EQ(text.substr(text.size() - 6), "# EOF\n");
  EXPECT_TRUE(Has(text, "# TYPE tvmffi_call_seconds histogram\n"));
  EXPECT_TRUE(Has(text, "tvmffi_call_seconds_bucket{module=\"w-serve\",le=\"4.096e-06\"} 0\n"))
      << text;
  EXPECT_TRUE(Has(text, "tvmffi_call_seconds_bucket{module=\"w-serve\",le=\"8.192e-06\"} 1\n"));
  EXPECT_TRUE(Has(text, "tvmffi_call_seconds_count{module=\"w-serve\"} 1\n"));
  EXPECT_TRUE(Has(text, "tvmffi_workers 1\n"));
  client_->Kill(worker.id, wire::KillCause::kClosed);
  const std::string after = Document(DocumentKind::kMetrics);
  EXPECT_TRUE(Has(after, "tvmffi_call_seconds_count{module=\"w-serve\"} 1\n")) << after;
  EXPECT_TRUE(Has(after, "tvmffi_workers_ended_total{cause=\"closed\"} 1\n"));
}

std::string Exchange(int socket, const std::string& request) {
  // One that is refused may be closed before this.
  (void)!::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char piece[4096];
  for (ssize_t size; (size = ::recv(socket, piece, sizeof(piece), 0)) > 0;) {
    answer.append(piece, static_cast<size_t>(size));
  }
  return answer;
}

constexpr char kScrape[] = "GET / HTTP/1.1\r\n\r\n";

// The server closes it, sooner or later.
bool EndsUnanswered(int socket) {
  pollfd entry{socket, POLLIN, 0};
  char byte;
  return ::poll(&entry, 1, 60'000) == 1 && ::recv(socket, &byte, 1, 0) <= 0;
}

TEST_F(ObserveTest, B22_MetricsAreServedOnASocket) {
  const std::string path = folder_ / "metrics.sock";
  Start({"--metrics", path});

  const std::string answer = Exchange(Connect(path).get(), "GET /metrics HTTP/1.1\r\n\r\n");

  EXPECT_EQ(answer.rfind("HTTP/1.0 200 OK\r\n", 0), 0u) << answer;
  EXPECT_TRUE(Has(answer, "application/openmetrics-text; version=1.0.0"));
  EXPECT_TRUE(Has(answer, "tvmffi_sessions 2\n")) << answer;
  EXPECT_EQ(answer.substr(answer.size() - 6), "# EOF\n");
  EXPECT_EQ(Exchange(Connect(path).get(), "POST / HTTP/1.1\r\n\r\n").rfind("HTTP/1.0 405", 0), 0u);
}

TEST_F(ObserveTest, C3_5_AGreedyScraperIsCutOff) {
  const std::string path = folder_ / "metrics.sock";
  Start({"--metrics", path});
  const UniqueFd greedy = Connect(path);
  const std::string endless(100'000, 'x');

  (void)!::send(greedy.get(), endless.data(), endless.size(), MSG_NOSIGNAL | MSG_DONTWAIT);

  EXPECT_TRUE(EndsUnanswered(greedy.get()));
  EXPECT_EQ(Exchange(Connect(path).get(), kScrape).rfind("HTTP/1.0 200 OK\r\n", 0), 0u);
}

TEST_F(ObserveTest, C3_5_SlowScrapersKeepOthersOutForAWhileOnly) {
  const std::string path = folder_ / "metrics.sock";
  Start({"--metrics", path});
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 8; ++i) idle.push_back(Connect(path));

  EXPECT_EQ(Exchange(Connect(path).get(), kScrape), "");
  for (const UniqueFd& socket : idle) EXPECT_TRUE(EndsUnanswered(socket.get()));
  EXPECT_EQ(Exchange(Connect(path).get(), kScrape).rfind("HTTP/1.0 200 OK\r\n", 0), 0u);
}

TEST_F(ObserveTest, EventsInTheLogHaveFields) {
  Start({"--log-json", "--log-level", "info"});
  const CreatedWorker worker = client_->Create("exit:3");
  client_->AwaitExit(worker.id);

  const std::string log = daemon_->Output();

  EXPECT_TRUE(Has(log, ",\"event\":\"worker_ended\",\"worker\":\"w-exit:3\",\"worker_pid\":" +
                           std::to_string(worker.pid) +
                           ",\"session\":1,\"cause\":\"exit\",\"signal\":0,\"exit_status\":3"))
      << log;
}

}  // namespace
}  // namespace tvmffi
