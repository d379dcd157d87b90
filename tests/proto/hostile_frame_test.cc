// What a peer must not get away with: frames that lie about themselves.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "proto/codec/spill.h"
#include "proto/codec/value.h"
#include "tests/proto/sample_frames.h"
#include "tests/proto/value_support.h"

namespace tvmffi {
namespace {

// Reads all there is; nothing but the outcome may depend on the content.
void ReadAll(const std::vector<char>& frame, TestMemory* memory) {
  FrameReader reader;
  if (!reader.Open(frame.data(), frame.size()).ok()) return;
  for (uint32_t i = 0; i < reader.num_cells(); ++i) {
    OwnedAny value;
    (void)reader.Get(i, memory, value.out()).ok();
    TVMFFIByteArray text;
    (void)reader.GetString(i, &text).ok();
  }
  for (uint32_t i = 0; i < reader.num_notes(); ++i) (void)reader.note(i);
}

TEST(HostileFrame, B19_C2_2_IsRefusedAtEveryTruncation) {
  TestMemory memory;
  const std::vector<char> full = SampleFrames().back().bytes;
  FrameReader reader;
  ASSERT_TRUE(reader.Open(full.data(), full.size()).ok());
  for (size_t size = 0; size < full.size(); ++size) {
    const std::vector<char> cut(full.begin(), full.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(reader.Open(cut.data(), cut.size()).ok()) << size;
    if (size < sizeof(FrameHeader)) continue;
    // The same with a header that agrees.
    std::vector<char> agreeing = cut;
    const uint32_t claimed = static_cast<uint32_t>(size);
    std::memcpy(agreeing.data() + offsetof(FrameHeader, size), &claimed, sizeof(claimed));
    ReadAll(agreeing, &memory);
  }
}

TEST(HostileFrame, B19_C2_2_ReadsNothingOutsideWhateverAByteSays) {
  TestMemory memory;
  const std::vector<char> full = SampleFrames().back().bytes;
  for (size_t at = 0; at < full.size(); ++at) {
    for (int value : {0x00, 0x01, 0x47, 0x7f, 0x80, 0xff}) {
      std::vector<char> frame = full;
      frame[at] = static_cast<char>(value);
      ReadAll(frame, &memory);
    }
  }
}

// A frame of raw cells and payload.
class RawFrame {
 public:
  RawFrame(const std::vector<WireCell>& cells, const std::vector<char>& payload) {
    FrameHeader header = {FrameOp::kReturn, 0, 0, static_cast<uint32_t>(cells.size()), 0, 0, 0, 0};
    header.size = static_cast<uint32_t>(PayloadBegin(cells.size()) + payload.size());
    bytes_.resize(header.size);
    std::memcpy(bytes_.data(), &header, sizeof(header));
    std::memcpy(bytes_.data() + sizeof(header), cells.data(), cells.size() * sizeof(WireCell));
    if (!payload.empty())
      std::memcpy(bytes_.data() + PayloadBegin(cells.size()), payload.data(), payload.size());
  }

  static size_t PayloadBegin(size_t cells) {
    return sizeof(FrameHeader) + cells * sizeof(WireCell);
  }

  // The first cell's outcome.
  Status Get(bool owned = true) {
    FrameReader reader;
    TVMFFI_RETURN_IF_ERROR(reader.Open(bytes_.data(), bytes_.size()));
    OwnedAny value;
    return owned ? reader.GetOwned(0, &memory_, value.out()) : reader.Get(0, &memory_, value.out());
  }
  TestMemory& memory() { return memory_; }
  const std::vector<char>& bytes() const { return bytes_; }

 private:
  std::vector<char> bytes_;
  TestMemory memory_;
};

TEST(HostileFrame, B19_C2_2_IsRefusedWhenACellPointsOutsideThePayload) {
  const std::vector<char> payload(64, '\0');
  const uint64_t begin = RawFrame::PayloadBegin(1);
  const uint64_t offsets[] = {0,
                              8,
                              begin - 8,
                              begin + 4,
                              begin + 64,
                              begin + 72,
                              ~uint64_t{0},
                              ~uint64_t{7},
                              uint64_t{1} << 63};
  for (int32_t kind : {int32_t{kTVMFFIStr}, int32_t{kTVMFFIBytes}, int32_t{kTVMFFIRawStr},
                       int32_t{kTVMFFIByteArrayPtr}, int32_t{kTVMFFIShape}, int32_t{kTVMFFIError},
                       int32_t{kTVMFFIArray}, int32_t{kTVMFFIMap}, int32_t{kTVMFFITensor},
                       int32_t{kTVMFFIDLTensorPtr}, int32_t{kWireHandle}, int32_t{kWireCallback}}) {
    for (uint64_t offset : offsets) {
      RawFrame frame({{kind, 3, {offset}}}, payload);
      EXPECT_EQ(frame.Get(false).code, Code::kInvalidArgument) << kind << " at " << offset;
      EXPECT_EQ(frame.memory().imports, 0);
    }
  }
}

// What FrameReader::GetString would be if it believed the first cell.
std::string TrustingText(const char* frame) {
  WireCell cell;
  std::memcpy(&cell, frame + sizeof(FrameHeader), sizeof(cell));
  return {frame + cell.offset, cell.count};
}

TEST(HostileFrame, C2_2_ControlATrustingReaderIsLedOutOfTheFrame) {
  const size_t end = RawFrame::PayloadBegin(1);
  RawFrame frame({{kTVMFFIStr, 6, {end}}}, {});
  ASSERT_EQ(frame.Get(false).code, Code::kInvalidArgument);
  std::vector<char> neighbours = frame.bytes();
  for (char letter : {'s', 'e', 'c', 'r', 'e', 't'}) neighbours.push_back(letter);

  EXPECT_EQ(TrustingText(neighbours.data()), "secret");
}

TEST(HostileFrame, B19_C2_2_IsRefusedWhenCountsAreHuge) {
  const std::vector<char> payload(64, '\0');
  const uint64_t begin = RawFrame::PayloadBegin(1);
  for (int32_t kind :
       {int32_t{kTVMFFIStr}, int32_t{kTVMFFIShape}, int32_t{kTVMFFIArray}, int32_t{kTVMFFIMap},
        int32_t{kTVMFFIList}, int32_t{kTVMFFIDict}, int32_t{kTVMFFIError}}) {
    for (uint32_t count : {65u, 1u << 20, 1u << 28, 1u << 31, ~0u}) {
      EXPECT_EQ(RawFrame({{kind, count, {begin}}}, payload).Get().code, Code::kInvalidArgument)
          << kind << " " << count;
    }
  }
}

TEST(HostileFrame, B19_C2_2_IsRefusedWhenKindsOrPayloadsAreImpossible) {
  for (int32_t kind : {-1, 10, 13, 63, 64, 68, 73, 74, 77, 128, 999, 1003}) {
    EXPECT_EQ(RawFrame({{kind, 0, {0}}}, {}).Get().code, Code::kInvalidArgument) << kind;
  }
  EXPECT_FALSE(RawFrame({{kTVMFFIBool, 0, {2}}}, {}).Get().ok());
  EXPECT_FALSE(RawFrame({{kTVMFFINone, 0, {1}}}, {}).Get().ok());
  EXPECT_FALSE(RawFrame({{kTVMFFIOpaquePtr, 0, {1}}}, {}).Get().ok());
  EXPECT_FALSE(RawFrame({{kTVMFFIDataType, 0, {uint64_t{1} << 32}}}, {}).Get().ok());
  EXPECT_FALSE(RawFrame({{kTVMFFISmallStr, 8, {0}}}, {}).Get().ok());
  EXPECT_FALSE(RawFrame({{kTVMFFISmallStr, 1, {0x100}}}, {}).Get().ok());
  EXPECT_FALSE(RawFrame({{kTVMFFIStr, 8, {RawFrame::PayloadBegin(1)}}}, std::vector<char>(16, 'x'))
                   .Get()
                   .ok());
}

TEST(HostileFrame, B19_C2_2_CannotDescribeTheSameBytesTwice) {
  // An array whose elements are all one text.
  const uint32_t count = 100;
  std::vector<char> payload((count + 1) * sizeof(WireCell), '\0');
  const uint64_t begin = RawFrame::PayloadBegin(1);
  const uint64_t text = begin + count * sizeof(WireCell);
  for (uint32_t i = 0; i < count; ++i) {
    const WireCell cell = {kTVMFFIStr, 15, {text}};
    std::memcpy(payload.data() + i * sizeof(WireCell), &cell, sizeof(cell));
  }
  EXPECT_FALSE(RawFrame({{kTVMFFIArray, count, {begin}}}, payload).Get().ok());
}

TEST(HostileFrame, B19_C2_2_CannotFloodAMapsTable) {
  // Hashes that the slot multiplier makes small: slots are the top bits, so these are all slot 0.
  constexpr uint64_t kMultiplier = 11400714819323198485u;
  uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMultiplier * inverse;
  const uint32_t count = 1000;
  const uint64_t begin = RawFrame::PayloadBegin(1);
  auto get = [&](bool hostile) {
    std::vector<WireCell> cells;
    for (uint64_t i = 0; i < count; ++i) {
      // HashMapKey(int v) is 1 ^ (v + 0x9e3779b9 + 64).
      const uint64_t hash = hostile ? i * inverse : i;
      cells.push_back({kTVMFFIInt, 0, {(hash ^ 1) - 0x9e3779b9 - 64}});
      cells.push_back({kTVMFFINone, 0, {0}});
    }
    std::vector<char> payload(cells.size() * sizeof(WireCell));
    std::memcpy(payload.data(), cells.data(), payload.size());
    return RawFrame({{kTVMFFIMap, count, {begin}}}, payload).Get();
  };

  EXPECT_TRUE(get(false).ok());
  EXPECT_EQ(get(true).code, Code::kInvalidArgument);
}

TEST(HostileFrame, B19_C2_2_CannotContainItself) {
  const uint64_t begin = RawFrame::PayloadBegin(1);
  const WireCell self = {kTVMFFIArray, 1, {begin}};
  std::vector<char> payload(sizeof(WireCell) * 200, '\0');
  std::memcpy(payload.data(), &self, sizeof(self));

  EXPECT_FALSE(RawFrame({self}, payload).Get().ok());
}

TEST(HostileFrame, B19_C2_2_CannotNestDeeperThanTheBudget) {
  const uint64_t begin = RawFrame::PayloadBegin(1);
  std::vector<char> payload(sizeof(WireCell) * 200, '\0');
  for (uint64_t i = 0; i < 199; ++i) {
    const WireCell cell = {kTVMFFIArray, 1, {begin + (i + 1) * sizeof(WireCell)}};
    std::memcpy(payload.data() + i * sizeof(WireCell), &cell, sizeof(cell));
  }

  EXPECT_FALSE(RawFrame({{kTVMFFIArray, 1, {begin}}}, payload).Get().ok());
}

TEST(HostileFrame, B19_C2_2_CannotMakeATensorLeaveItsRegion) {
  struct Described {
    TensorDesc desc;
    int64_t shape;
    int64_t stride;
  };
  const uint64_t begin = RawFrame::PayloadBegin(1);
  Described good = {};
  good.desc.arena_id = TestMemory::kArena;
  good.desc.offset = 64;
  good.desc.nbytes = 64;
  good.desc.data_offset = 64;
  good.desc.dtype_code = kDLFloat;
  good.desc.dtype_bits = 32;
  good.desc.dtype_lanes = 1;
  good.desc.ndim = 1;
  good.shape = 16;
  good.stride = 1;
  auto get = [&](const Described& described) {
    std::vector<char> payload(sizeof(described));
    std::memcpy(payload.data(), &described, sizeof(described));
    return RawFrame({{kTVMFFITensor, 0, {begin}}}, payload).Get();
  };
  ASSERT_TRUE(get(good).ok()) << get(good).message;

  std::vector<Described> bad(10, good);
  bad[0].shape = 17;
  bad[1].stride = 2;
  bad[2].stride = -1;
  bad[3].desc.data_offset = 68;
  bad[4].desc.offset = ~uint64_t{0} - 8;
  bad[5].desc.ndim = 2;
  bad[6].desc.ndim = ~0u;
  bad[7].shape = -1;
  bad[8].shape = INT64_MAX;
  bad[9].desc.dtype_bits = 0;
  for (const Described& described : bad) {
    EXPECT_EQ(get(described).code, Code::kInvalidArgument) << "case " << &described - bad.data();
  }
}

TEST(SpillFrame, NamesWhereTheFrameLies) {
  FrameWriter writer;
  writer.Start(FrameOp::kCall, 1, 2, 3, 1);
  const char* frame = writer.Finish();
  char stand_in[kSpillFrame];
  MakeSpillFrame(frame, {6, 0, 4096, 70000}, stand_in);

  SpillRef ref;
  Result<bool> spilled = ReadSpillFrame(stand_in, sizeof(stand_in), &ref);
  ASSERT_TRUE(spilled.ok());
  EXPECT_TRUE(*spilled);
  EXPECT_EQ(ref.arena_id, 6u);
  EXPECT_EQ(ref.offset, 4096u);
  EXPECT_EQ(ref.size, 70000u);

  spilled = ReadSpillFrame(frame, writer.size(), &ref);
  ASSERT_TRUE(spilled.ok());
  EXPECT_FALSE(*spilled);
  FrameReader reader;
  EXPECT_FALSE(reader.Open(stand_in, sizeof(stand_in)).ok());
}

TEST(SpillFrame, IsRefusedWhenMalformed) {
  FrameWriter writer;
  writer.Start(FrameOp::kCall, 1, 2, 3, 1);
  const char* frame = writer.Finish();
  char stand_in[kSpillFrame];
  SpillRef ref;
  MakeSpillFrame(frame, {6, 0, 0, kMaxFrame + 1}, stand_in);
  EXPECT_FALSE(ReadSpillFrame(stand_in, sizeof(stand_in), &ref).ok());
  MakeSpillFrame(frame, {6, 0, 0, 3}, stand_in);
  EXPECT_FALSE(ReadSpillFrame(stand_in, sizeof(stand_in), &ref).ok());
  MakeSpillFrame(frame, {6, 0, 0, 100}, stand_in);
  for (size_t size = 0; size < sizeof(stand_in); ++size)
    EXPECT_FALSE(ReadSpillFrame(stand_in, size, &ref).ok());
}

}  // namespace
}  // namespace tvmffi
