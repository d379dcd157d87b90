#include "proto/channel/recorder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numeric>

namespace tvmffi {
namespace {

class Recorder : public ::testing::Test {
 protected:
  LaneRecord& lane(uint32_t number = 0) { return memory_->lanes[number]; }
  Recording Read(int64_t now = 1'000'000) { return ReadRecorder(*memory_, now); }

  std::unique_ptr<RecorderMemory> memory_ = std::make_unique<RecorderMemory>();
};

uint64_t Sum(const CallTotals& totals) {
  return std::accumulate(std::begin(totals.buckets), std::end(totals.buckets), uint64_t{0});
}

TEST_F(Recorder, B22_ACallThatNeverEndedIsTheRunningOne) {
  const uint32_t name = RecordName(memory_.get(), "softmax");
  lane(3).Begin(77, name);
  lane(3).Sent(400);

  const Recording recording = Read(1000);

  ASSERT_EQ(recording.running.size(), 1u);
  EXPECT_EQ(recording.running[0].call_id, 77u);
  EXPECT_EQ(recording.running[0].function, "softmax");
  EXPECT_EQ(recording.running[0].lane, 3u);
  EXPECT_EQ(recording.running[0].elapsed, 600);
  EXPECT_EQ(recording.totals.calls, 0u);
}

TEST_F(Recorder, B22_TheLastCallCountsAsSoonAsItHasEnded) {
  lane().Begin(1, 0);
  lane().Sent(100);
  lane().End(300, RecordedOutcome::kOk);

  const Recording recording = Read();

  EXPECT_TRUE(recording.running.empty());
  ASSERT_EQ(recording.recent.size(), 1u);
  EXPECT_EQ(recording.recent[0].elapsed, 300);
  EXPECT_EQ(recording.totals.calls, 1u);
  EXPECT_EQ(recording.totals.buckets[LatencyBucket(300)], 1u);
}

TEST_F(Recorder, B22_WhatRanWhenTheWorkerDiedHasFailed) {
  lane().Begin(5, 0);
  lane().Sent(100);
  Recording recording = Read(400);

  recording.EndRunning();

  EXPECT_TRUE(recording.running.empty());
  ASSERT_EQ(recording.recent.size(), 1u);
  EXPECT_EQ(recording.recent[0].outcome, RecordedOutcome::kFailed);
  EXPECT_EQ(recording.totals.calls, 1u);
  EXPECT_EQ(recording.totals.errors, 1u);
  EXPECT_EQ(recording.totals.nanos, 300u);
}

// The worker may be dead before its caller runs again.
TEST_F(Recorder, B22_ACallIsTheLastOneBeforeItIsSaidToBeSent) {
  lane().Begin(1, 0);
  lane().Sent(100);
  lane().End(300, RecordedOutcome::kOk);
  lane().Begin(2, RecordName(memory_.get(), "dies_at_once"));

  Recording recording = Read(1000);
  recording.EndRunning();

  ASSERT_EQ(recording.recent.size(), 2u);
  EXPECT_EQ(recording.recent[1].call_id, 2u);
  EXPECT_EQ(recording.recent[1].function, "dies_at_once");
  EXPECT_EQ(recording.recent[1].start, 1000);
  EXPECT_EQ(recording.recent[1].elapsed, 0);
}

TEST_F(Recorder, ACallThatWasNotSentWasNone) {
  lane().Begin(1, 0);
  lane().Sent(100);
  lane().End(300, RecordedOutcome::kError);
  lane().Begin(2, 0);
  lane().Withdraw();
  const Recording withdrawn = Read();
  lane().Begin(3, 0);
  lane().Sent(200);
  lane().End(400, RecordedOutcome::kOk);

  const Recording recording = Read();

  EXPECT_EQ(withdrawn.totals.calls, 1u);
  ASSERT_EQ(withdrawn.recent.size(), 1u);
  EXPECT_EQ(withdrawn.recent[0].call_id, 1u);
  EXPECT_EQ(recording.totals.calls, 2u);
  EXPECT_EQ(recording.totals.errors, 1u);
  EXPECT_EQ(recording.totals.nanos, 700u);
  EXPECT_EQ(Sum(recording.totals), 2u);
}

TEST_F(Recorder, CallsAddUpAndTheLastOnesAreKept) {
  for (int64_t call = 1; call <= 100; ++call) {
    lane().Begin(static_cast<uint64_t>(call), 0);
    lane().Sent(call * 10);
    lane().End(call, call % 10 == 0 ? RecordedOutcome::kError : RecordedOutcome::kOk);
  }

  const Recording recording = Read();

  EXPECT_EQ(recording.totals.calls, 100u);
  EXPECT_EQ(recording.totals.errors, 10u);
  EXPECT_EQ(recording.totals.nanos, 5050u);
  EXPECT_EQ(Sum(recording.totals), 100u);
  ASSERT_EQ(recording.recent.size(), kRecordedCalls);
  EXPECT_EQ(recording.recent.front().call_id, 101 - kRecordedCalls);
  EXPECT_EQ(recording.recent.back().call_id, 100u);
}

TEST_F(Recorder, LanesAreReadTogetherInTheOrderOfTheirCalls) {
  lane(1).Begin(11, 0);
  lane(1).Sent(200);
  lane(1).End(5, RecordedOutcome::kOk);
  lane(0).Begin(12, 0);
  lane(0).Sent(100);
  lane(0).End(5, RecordedOutcome::kFailed);

  const Recording recording = Read();

  ASSERT_EQ(recording.recent.size(), 2u);
  EXPECT_EQ(recording.recent[0].call_id, 12u);
  EXPECT_EQ(recording.recent[1].call_id, 11u);
  EXPECT_EQ(recording.totals.errors, 1u);
}

TEST_F(Recorder, NamesAreNumberedOnceAndCut) {
  const uint32_t first = RecordName(memory_.get(), "f");

  EXPECT_EQ(RecordName(memory_.get(), "f"), first);
  EXPECT_NE(RecordName(memory_.get(), "g"), first);
  lane().Begin(1, RecordName(memory_.get(), std::string(500, 'n')));
  lane().Sent(1);
  EXPECT_EQ(Read().running[0].function, std::string(kRecordedName - 1, 'n'));
}

TEST_F(Recorder, NamesBeyondTheLastPlaceAreNone) {
  for (size_t i = 0; i < kRecordedNames; ++i) {
    EXPECT_EQ(RecordName(memory_.get(), std::to_string(i)), i + 1);
  }
  EXPECT_EQ(RecordName(memory_.get(), "one more"), kOtherName);
  EXPECT_EQ(RecordName(memory_.get(), "7"), 8u);
  lane().Begin(1, 0);
  lane().Sent(1);
  EXPECT_EQ(Read().running[0].function, "");
}

TEST_F(Recorder, B19_WhateverAClientWritesIsReadWithinBounds) {
  std::memset(static_cast<void*>(memory_.get()), 0xff, sizeof(*memory_));

  const Recording recording = Read();

  EXPECT_TRUE(recording.running.empty());
  EXPECT_EQ(recording.recent.size(), kMaxLanes * kRecordedCalls);
  for (const CallRecord& call : recording.recent) {
    EXPECT_EQ(call.outcome, RecordedOutcome::kFailed);
    EXPECT_EQ(call.function, "");
    EXPECT_EQ(call.elapsed, 0);
  }
}

TEST(Latency, EveryTimeIsInTheBucketWhoseLimitIsNotBelowIt) {
  for (int64_t nanos : {0, 1, 127, 128, 129, 255, 256, 257, 1000, 1'000'000, 2'000'000'000}) {
    const size_t bucket = LatencyBucket(nanos);
    EXPECT_LE(nanos, LatencyLimit(bucket)) << nanos;
    if (bucket == 0) continue;
    EXPECT_GT(nanos, LatencyLimit(bucket - 1)) << nanos;
  }
  EXPECT_EQ(LatencyBucket(INT64_MAX), kLatencyBuckets - 1);
  EXPECT_EQ(LatencyBucket(-5), 0u);
}

TEST(Latency, AQuantileIsTheLimitOfItsBucket) {
  CallTotals totals;
  EXPECT_EQ(totals.Quantile(0.5), 0);
  totals.buckets[0] = 98;
  totals.buckets[4] = 2;
  EXPECT_EQ(totals.Quantile(0.5), LatencyLimit(0));
  EXPECT_EQ(totals.Quantile(0.98), LatencyLimit(0));
  EXPECT_EQ(totals.Quantile(0.99), LatencyLimit(4));
}

}  // namespace
}  // namespace tvmffi
