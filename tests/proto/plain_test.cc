#include "proto/codec/plain.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "proto/codec/value.h"
#include "tests/proto/value_support.h"

namespace tvmffi {
namespace {

class PlainFrame : public ::testing::Test {
 protected:
  size_t Write(const std::vector<TVMFFIAny>& values) {
    FrameHeader header = {};
    header.op = FrameOp::kCall;
    header.num_cells = static_cast<uint32_t>(values.size());
    header.lane_call = 9;
    header.target = 7;
    header.call_id = 8;
    return WritePlainFrame(header, values.data(), place_);
  }

  bool Read(size_t size) { return ReadPlainFrame(place_, size, &header_, values_); }

  std::vector<char> FromWriter(const std::vector<TVMFFIAny>& values) {
    writer_.Start(FrameOp::kCall, 7, 8, 9, static_cast<uint32_t>(values.size()));
    for (uint32_t i = 0; i < values.size(); ++i) {
      EXPECT_TRUE(writer_.Put(i, values[i], nullptr).ok());
    }
    const char* frame = writer_.Finish();
    return std::vector<char>(frame, frame + writer_.size());
  }

  // What FrameReader, which may be asked about any bytes, says to the frame in `place_`.
  void ExpectReaderAgrees(size_t size) {
    const Status opened = reader_.Open(place_, size);
    ASSERT_TRUE(opened.ok()) << opened.message;
    ASSERT_EQ(reader_.num_cells(), header_.num_cells);
    EXPECT_EQ(reader_.num_notes(), 0u);
    EXPECT_EQ(std::memcmp(&reader_.header(), &header_, sizeof(header_)), 0);
    for (uint32_t i = 0; i < header_.num_cells; ++i) {
      TVMFFIAny value;
      const Status status = reader_.GetOwned(i, nullptr, &value);
      ASSERT_TRUE(status.ok()) << status.message;
      EXPECT_EQ(std::memcmp(&value, &values_[i], sizeof(value)), 0) << "cell " << i;
    }
  }

  alignas(8) char place_[kMaxPlainFrame + 64] = {};
  FrameHeader header_ = {};
  TVMFFIAny values_[kMaxPlainCells];
  FrameWriter writer_;
  FrameReader reader_;
};

const std::vector<TVMFFIAny>& Values() {
  static const std::vector<TVMFFIAny> values = {IntAny(-1),
                                                PodAny(kTVMFFIFloat, 0x7ff8000000000001),
                                                PodAny(kTVMFFIBool, 1),
                                                NoneAny(),
                                                IntAny(INT64_MIN),
                                                PodAny(kTVMFFIBool, 0),
                                                IntAny(INT64_MAX),
                                                PodAny(kTVMFFIFloat, 0)};
  return values;
}

TEST_F(PlainFrame, IsWhatTheWriterWrites) {
  for (size_t count = 0; count <= Values().size(); ++count) {
    const std::vector<TVMFFIAny> values(Values().begin(), Values().begin() + count);
    const std::vector<char> expected = FromWriter(values);
    ASSERT_EQ(Write(values), expected.size());
    EXPECT_EQ(std::memcmp(place_, expected.data(), expected.size()), 0) << count << " values";
  }
}

TEST_F(PlainFrame, NormalisesLikeTheWriter) {
  const std::vector<TVMFFIAny> values = {PodAny(kTVMFFIBool, 256), PodAny(kTVMFFINone, 5)};
  const std::vector<char> expected = FromWriter(values);
  ASSERT_EQ(Write(values), expected.size());
  EXPECT_EQ(std::memcmp(place_, expected.data(), expected.size()), 0);
}

TEST_F(PlainFrame, ComesBackAsItWas) {
  const size_t size = Write(Values());
  ASSERT_TRUE(Read(size));
  EXPECT_EQ(header_.target, 7u);
  EXPECT_EQ(header_.call_id, 8u);
  EXPECT_EQ(header_.lane_call, 9u);
  for (size_t i = 0; i < Values().size(); ++i) {
    EXPECT_EQ(std::memcmp(&values_[i], &Values()[i], sizeof(values_[i])), 0) << "value " << i;
  }
}

TEST_F(PlainFrame, RefusesToWriteAnythingElse) {
  EXPECT_EQ(Write(std::vector<TVMFFIAny>(kMaxPlainCells + 1, IntAny(1))), 0u);
  const int32_t kinds[] = {kTVMFFIOpaquePtr, kTVMFFIDataType,        kTVMFFIDLTensorPtr,
                           kTVMFFIRawStr,    kTVMFFISmallStr,        kTVMFFIStr,
                           kTVMFFITensor,    kTVMFFIObjectRValueRef, -1};
  for (int32_t kind : kinds) {
    EXPECT_EQ(Write({IntAny(1), PodAny(kind, 0)}), 0u) << "kind " << kind;
  }
}

TEST_F(PlainFrame, LeavesEverythingElseToTheReader) {
  const size_t size = Write({IntAny(1), PodAny(kTVMFFIBool, 1), NoneAny()});
  ASSERT_TRUE(Read(size));
  EXPECT_FALSE(Read(size - 8));
  EXPECT_FALSE(Read(size + 8));
  EXPECT_FALSE(Read(0));
  EXPECT_FALSE(Read(sizeof(FrameHeader) - 1));
  const struct {
    size_t at;
    char byte;
  } changes[] = {
      {offsetof(FrameHeader, flags), kSpilled},
      {offsetof(FrameHeader, num_notes), 1},
      {offsetof(FrameHeader, num_cells), 2},
      {offsetof(FrameHeader, num_cells), 4},
      {offsetof(FrameHeader, num_cells) + 3, 1},
      {offsetof(FrameHeader, size), 8},
      {sizeof(FrameHeader), kTVMFFIOpaquePtr},
      {sizeof(FrameHeader) + sizeof(WireCell) + offsetof(WireCell, bits), 2},
      {sizeof(FrameHeader) + 2 * sizeof(WireCell) + offsetof(WireCell, bits), 1},
  };
  for (const auto& change : changes) {
    const char before = std::exchange(place_[change.at], change.byte);
    EXPECT_FALSE(Read(size)) << "byte " << change.at;
    place_[change.at] = before;
  }
}

TEST_F(PlainFrame, AcceptsNothingTheReaderRefuses) {
  std::mt19937 random(1);
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    const size_t count = random() % (Values().size() + 1);
    const size_t size = Write(std::vector<TVMFFIAny>(Values().begin(), Values().begin() + count));
    for (uint32_t i = random() % 3; i > 0; --i) {
      place_[random() % size] = static_cast<char>(random() % 4 == 0 ? random() : random() % 20);
    }
    if (!Read(size)) continue;
    ++accepted;
    ExpectReaderAgrees(size);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(accepted, 50000);
}

}  // namespace
}  // namespace tvmffi
