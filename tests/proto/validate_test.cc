#include "proto/wire/validate.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/channel/layout.h"
#include "proto/schema/host_generated.h"

namespace tvmffi::wire {
namespace {

size_t FdsOf(const Message& message) {
  if (std::holds_alternative<WorkerCreated>(message)) return 4;
  if (std::holds_alternative<SymbolizerStarted>(message)) return 2;
  return std::holds_alternative<ShareArena>(message) ||
         std::holds_alternative<WorkerStart>(message) ||
         std::holds_alternative<ModuleFile>(message) ||
         std::holds_alternative<Symbolize>(message) || std::holds_alternative<LendModule>(message);
}

// One of each, every field set, every bound reached.
std::vector<Message> LargestMessages() {
  std::string name(kMaxName, 'n');
  std::vector<std::string> layers(kMaxLayers, name);
  std::vector<std::string> environment;
  for (size_t i = 0; i < kMaxEnvironment; ++i) {
    std::string entry = "V_" + std::to_string(i) + "=";
    environment.push_back(entry + std::string(kMaxEnvironmentEntry - entry.size(), 'v'));
  }
  Limits limits{1, 2, 3, 4, 5, 6, 7, 8};
  std::vector<std::string> paths(kMaxGrants, "/" + std::string(kMaxPath - 1, 'p'));
  const std::vector<std::string> run_paths(kMaxRunPaths, paths[0]);
  Grants grants{paths, paths, 9, true, run_paths};
  ExitReport report{"deadline",
                    9,
                    -1,
                    1234,
                    5,
                    6,
                    7,
                    8,
                    std::vector<std::string>(kMaxLogLines, std::string(kMaxLogLine, 'l')),
                    99,
                    std::vector<std::string>(kMaxLimitsHit, name)};
  const std::string symbol(kMaxSymbol, 's');
  const SymbolFrame frame{1, kMaxCrashModules - 1, 2, symbol, symbol, 3, true};
  const Symbols symbols{19, std::vector<SymbolFrame>(kMaxFrames, frame),
                        std::vector<uint32_t>(kMaxFrames, kMaxCrashModules - 1)};
  return {Hello{1, 2, name},
          Welcome{2, 1, name, 77, layers},
          CreateWorker{3, name, limits, environment, true, grants, layers, true, true},
          WorkerCreated{4, 5, 6, layers},
          ShareArena{5, 6, 7, kMaxArena, true},
          RetireArena{6, 7, 8},
          OpenLane{7, 8, kMaxLanes - 1},
          KillWorker{8, 9, KillCause::kViolation},
          AwaitExit{9, 10},
          WorkerExited{10, 11, report},
          GetStats{11},
          Stats{12, 1, 2, 3, 4, 5, 6, 7},
          Done{13},
          Failed{14, Code::kInternal, std::string(kMaxErrorText, 'e')},
          WorkerStart{15, limits, grants, layers, true, true, true, environment, 16},
          StartSymbolizer{16},
          SymbolizerStarted{17},
          ModuleFile{18, kMaxCrashModules - 1},
          Symbolize{18},
          symbols,
          LendModule{20, 21, "/" + std::string(kMaxPath - 1, 'p')},
          GetDocument{22, DocumentKind::kMetrics, 23},
          Document{24, std::string(kMaxDocument, 'd')},
          EndWorker{25, 26},
          WorkerPrepare{layers, true, 27, true}};
}

Result<Message> Reread(const Message& message) {
  Result<std::vector<char>> payload = Encode(message);
  if (!payload.ok()) return payload.status();
  return Decode(*payload, FdsOf(message));
}

// Bytes of a message that Encode would refuse.
template <typename T>
std::vector<char> Raw(schema::Message type, flatbuffers::FlatBufferBuilder* builder,
                      flatbuffers::Offset<T> table) {
  schema::FinishEnvelopeBuffer(*builder, schema::CreateEnvelope(*builder, type, table.Union()));
  return {builder->GetBufferPointer(), builder->GetBufferPointer() + builder->GetSize()};
}

TEST(Validate, EveryMessageComesBackAsItWasAndFitsAFrame) {
  std::vector<Message> messages = LargestMessages();
  ASSERT_EQ(messages.size(), std::variant_size_v<Message>);
  for (const Message& message : messages) {
    Result<std::vector<char>> payload = Encode(message);
    ASSERT_TRUE(payload.ok()) << MessageName(message) << payload.status().message;
    EXPECT_LE(payload->size(), kMaxControlPayload);

    Result<Message> back = Decode(*payload, FdsOf(message));

    ASSERT_TRUE(back.ok()) << MessageName(message) << ": " << back.status().message;
    EXPECT_EQ(back->index(), message.index());
    Result<std::vector<char>> again = Encode(*back);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(*again, *payload) << MessageName(message);
  }
}

TEST(Validate, FieldsArriveWhereTheyBelong) {
  Result<Message> message = Reread(ShareArena{1, 2, 3, 4, true});
  ASSERT_TRUE(message.ok());
  auto& arena = std::get<ShareArena>(*message);
  EXPECT_EQ(arena.request_id, 1u);
  EXPECT_EQ(arena.worker_id, 2u);
  EXPECT_EQ(arena.arena_id, 3u);
  EXPECT_EQ(arena.size, 4u);
  EXPECT_TRUE(arena.read_only);

  message = Reread(WorkerExited{1, 2, {"signal", 11, -1, 3, 4, 5, 6, 7, {"a", "b"}, 8, {}}});
  ASSERT_TRUE(message.ok());
  auto& report = std::get<WorkerExited>(*message).report;
  EXPECT_EQ(report.signal, 11);
  EXPECT_EQ(report.exit_status, -1);
  EXPECT_EQ(report.user_us, 5u);
  EXPECT_EQ(report.log_tail, (std::vector<std::string>{"a", "b"}));

  message = Reread(Symbols{1, {SymbolFrame{2, 3, 4, "name", "file", 5, true}}, {6, 7}});
  ASSERT_TRUE(message.ok());
  auto& symbols = std::get<Symbols>(*message);
  ASSERT_EQ(symbols.frames.size(), 1u);
  EXPECT_EQ(symbols.frames[0].module, 3);
  EXPECT_EQ(symbols.frames[0].file, "file");
  EXPECT_EQ(symbols.frames[0].line, 5u);
  EXPECT_TRUE(symbols.frames[0].inlined);
  EXPECT_EQ(symbols.changed, (std::vector<uint32_t>{6, 7}));

  message = Reread(CreateWorker{1, "label", {1, 2, 3, 4}, {"A=1", "B="}, true});
  ASSERT_TRUE(message.ok());
  auto& create = std::get<CreateWorker>(*message);
  EXPECT_EQ(create.limits.file_size_bytes, 2u);
  EXPECT_EQ(create.environment, (std::vector<std::string>{"A=1", "B="}));
}

TEST(Validate, TheNumberOfDescriptorsMustFitTheMessage) {
  for (const Message& message : LargestMessages()) {
    Result<std::vector<char>> payload = Encode(message);
    ASSERT_TRUE(payload.ok());
    for (size_t num_fds = 0; num_fds <= kMaxControlFds; ++num_fds) {
      EXPECT_EQ(Decode(*payload, num_fds).ok(), num_fds == FdsOf(message)) << MessageName(message);
    }
  }
}

TEST(Validate, RefusesValuesOutOfBounds) {
  std::string long_name(kMaxName + 1, 'n');
  const Message messages[] = {
      Hello{1, 1, long_name},
      CreateWorker{1, long_name, {}, {}, false},
      CreateWorker{1, "w", {}, {"NOVALUE"}, false},
      CreateWorker{1, "w", {}, {"=x"}, false},
      CreateWorker{1, "w", {}, {"1A=x"}, false},
      CreateWorker{1, "w", {}, {"A B=x"}, false},
      CreateWorker{1, "w", {}, {std::string("A=x\0y", 5)}, false},
      CreateWorker{1, "w", {}, {"A=1", "A=2"}, false},
      CreateWorker{1, "w", {}, std::vector<std::string>(kMaxEnvironment + 1, "A=1"), false},
      CreateWorker{1, "w", {}, {"A=" + std::string(kMaxEnvironmentEntry, 'v')}, false},
      WorkerCreated{1, 1, 0, {}},
      WorkerCreated{1, 1, -5, {}},
      ShareArena{1, 1, 1, 0, false},
      ShareArena{1, 1, 1, kMaxArena + 1, false},
      OpenLane{1, 1, kMaxLanes},
      KillWorker{1, 1, static_cast<KillCause>(4)},
      WorkerExited{1, 1, {}},
      Failed{1, Code::kOk, "fine"},
      Failed{1, static_cast<Code>(8), "what"},
      Failed{1, Code::kInternal, std::string(kMaxErrorText + 1, 'e')},
  };
  for (const Message& message : messages) {
    Result<std::vector<char>> payload = Encode(message);
    EXPECT_EQ(payload.ok(), false) << MessageName(message);
  }
}

// The receiver must not rely on the sender's Encode.
TEST(Validate, RefusesFramesOutOfBounds) {
  const SymbolFrame frame;
  EXPECT_TRUE(Encode(Symbols{1, std::vector<SymbolFrame>(kMaxFrames, frame), {}}).ok());
  EXPECT_FALSE(Encode(Symbols{1, std::vector<SymbolFrame>(kMaxFrames + 1, frame), {}}).ok());
  EXPECT_FALSE(
      Encode(Symbols{1, {SymbolFrame{1, kMaxCrashModules, 0, "", "", 0, false}}, {}}).ok());
  EXPECT_FALSE(Encode(Symbols{1, {SymbolFrame{1, -2, 0, "", "", 0, false}}, {}}).ok());
  const std::string longer(kMaxSymbol + 1, 's');
  EXPECT_FALSE(Encode(Symbols{1, {SymbolFrame{1, 0, 0, longer, "", 0, false}}, {}}).ok());
  EXPECT_FALSE(Encode(Symbols{1, {}, {kMaxCrashModules}}).ok());
  EXPECT_FALSE(Encode(ModuleFile{1, kMaxCrashModules}).ok());
}

TEST(Validate, DecodeRefusesWhatEncodeWouldNotMake) {
  flatbuffers::FlatBufferBuilder lane, cause, code, arena, name;
  EXPECT_FALSE(
      Decode(Raw(schema::Message::OpenLane, &lane, schema::CreateOpenLane(lane, 1, 1, kMaxLanes)),
             0)
          .ok());
  EXPECT_FALSE(
      Decode(Raw(schema::Message::KillWorker, &cause,
                 schema::CreateKillWorker(cause, 1, 1, static_cast<schema::KillCause>(200))),
             0)
          .ok());
  EXPECT_FALSE(
      Decode(Raw(schema::Message::Failed, &code, schema::CreateFailed(code, 1, 0)), 0).ok());
  EXPECT_FALSE(
      Decode(Raw(schema::Message::ShareArena, &arena, schema::CreateShareArena(arena, 1, 1, 1, 0)),
             1)
          .ok());
  auto long_name = name.CreateString(std::string(kMaxName + 1, 'n'));
  EXPECT_FALSE(
      Decode(Raw(schema::Message::Hello, &name, schema::CreateHello(name, 1, 1, long_name)), 0)
          .ok());
}

TEST(Validate, AbsentFieldsAreTheirDefaults) {
  flatbuffers::FlatBufferBuilder builder;
  auto table = schema::CreateCreateWorker(builder);

  Result<Message> message = Decode(Raw(schema::Message::CreateWorker, &builder, table), 0);

  ASSERT_TRUE(message.ok()) << message.status().message;
  auto& create = std::get<CreateWorker>(*message);
  EXPECT_EQ(create.label, "");
  EXPECT_TRUE(create.environment.empty());
  EXPECT_EQ(create.limits.open_files, 0u);
}

// A protocol with one message less than this one numbers those that follow otherwise. Nothing in
// the bytes tells: only that the numbers of the protocols were compared first.
TEST(Validate, C3_10_ControlWithoutNegotiationAQuestionOfAnotherProtocolIsAKill) {
  flatbuffers::FlatBufferBuilder builder;
  auto await_exit = schema::CreateAwaitExit(builder, 7, 3);

  Result<Message> message = Decode(Raw(schema::Message::KillWorker, &builder, await_exit), 0);

  ASSERT_TRUE(message.ok()) << message.status().message;
  ASSERT_TRUE(std::holds_alternative<KillWorker>(*message));
  EXPECT_EQ(std::get<KillWorker>(*message).worker_id, 3u);
}

TEST(Validate, RefusesUnknownAndAbsentMessages) {
  flatbuffers::FlatBufferBuilder unknown, none, empty;
  auto done = schema::CreateDone(unknown, 1);
  EXPECT_FALSE(Decode(Raw(static_cast<schema::Message>(200), &unknown, done), 0).ok());
  auto done_again = schema::CreateDone(none, 1);
  EXPECT_FALSE(Decode(Raw(schema::Message::NONE, &none, done_again), 0).ok());
  EXPECT_FALSE(
      Decode(Raw(schema::Message::Done, &empty, flatbuffers::Offset<schema::Done>()), 0).ok());
}

// Every entry names the same long string: a small frame that would copy out to gigabytes.
TEST(Validate, RefusesSharedStringsThatGrowWhenCopied) {
  flatbuffers::FlatBufferBuilder few, many;
  auto long_text = few.CreateString(std::string(100'000, 'x'));
  auto few_layers =
      few.CreateVector(std::vector<flatbuffers::Offset<flatbuffers::String>>(60, long_text));
  auto text = many.CreateString("x");
  auto many_layers =
      many.CreateVector(std::vector<flatbuffers::Offset<flatbuffers::String>>(200'000, text));

  EXPECT_FALSE(Decode(Raw(schema::Message::Welcome, &few,
                          schema::CreateWelcome(few, 1, 1, 0, 1, few_layers)),
                      0)
                   .ok());
  EXPECT_FALSE(Decode(Raw(schema::Message::Welcome, &many,
                          schema::CreateWelcome(many, 1, 1, 0, 1, many_layers)),
                      0)
                   .ok());
}

TEST(Validate, RefusesEveryTruncation) {
  for (const Message& message :
       {Message(Hello{1, 1, "name"}), Message(CreateWorker{1, "w", {1, 2, 3, 4}, {"A=1"}, true})}) {
    Result<std::vector<char>> payload = Encode(message);
    ASSERT_TRUE(payload.ok());
    // The builder may leave alignment bytes at the end, which nothing refers to.
    for (size_t size = 0; size + 8 < payload->size(); ++size) {
      std::vector<char> cut(payload->begin(), payload->begin() + static_cast<ptrdiff_t>(size));
      EXPECT_FALSE(Decode(cut, 0).ok()) << MessageName(message) << " cut to " << size;
    }
  }
}

// What gets through must be a value that could have been sent; the sanitizers watch the rest.
TEST(Validate, SurvivesEveryFlippedBit) {
  for (const Message& message :
       {Message(Hello{1, 1, "name"}), Message(CreateWorker{1, "w", {1, 2, 3, 4}, {"A=1"}, true}),
        Message(WorkerExited{1, 2, {"exit", 0, 3, 4, 5, 6, 7, 8, {"line"}, 9, {"memory"}}}),
        Message(Symbols{1, {SymbolFrame{2, 3, 4, "name", "file", 5, true}}, {6}})}) {
    Result<std::vector<char>> payload = Encode(message);
    ASSERT_TRUE(payload.ok());
    int accepted = 0;
    for (size_t bit = 0; bit < payload->size() * 8; ++bit) {
      std::vector<char> flipped = *payload;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      Result<Message> decoded = Decode(flipped, 0);
      if (!decoded.ok()) continue;
      ++accepted;
      EXPECT_TRUE(Encode(*decoded).ok());
    }
    EXPECT_GT(accepted, 0) << "numbers have no wrong bits";
  }
}

}  // namespace
}  // namespace tvmffi::wire
