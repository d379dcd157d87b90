#include "proto/codec/value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "proto/codec/map_hash.h"
#include "tests/proto/value_support.h"

namespace tvmffi {
namespace {

class ValueCodec : public ::testing::Test {
 protected:
  // Encodes the values and opens the frame on a copy, as a receiver does.
  Status Send(const std::vector<TVMFFIAny>& values) {
    writer_.Start(FrameOp::kCall, 7, 8, 9, static_cast<uint32_t>(values.size()));
    for (uint32_t i = 0; i < values.size(); ++i) {
      TVMFFI_RETURN_IF_ERROR(writer_.Put(i, values[i], &memory_));
    }
    const char* frame = writer_.Finish();
    frame_.assign(frame, frame + writer_.size());
    return reader_.Open(frame_.data(), frame_.size());
  }

  OwnedAny Receive(uint32_t index = 0) {
    OwnedAny value;
    Status status = reader_.Get(index, &memory_, value.out());
    EXPECT_TRUE(status.ok()) << status.message;
    return value;
  }

  OwnedAny RoundTrip(const TVMFFIAny& value) {
    Status status = Send({value});
    EXPECT_TRUE(status.ok()) << status.message;
    return status.ok() ? Receive() : OwnedAny();
  }

  std::string Refusal(const TVMFFIAny& value) {
    Status status = Send({value});
    EXPECT_FALSE(status.ok());
    return status.message;
  }

  TestMemory memory_;
  FrameWriter writer_;
  std::vector<char> frame_;
  FrameReader reader_;
};

std::string Text(const TVMFFIAny& any) {
  TVMFFIByteArray bytes;
  return ViewText(any, &bytes) ? std::string(bytes.data, bytes.size) : "no text";
}

void ExpectSameBits(const TVMFFIAny& got, const TVMFFIAny& sent) {
  EXPECT_EQ(std::memcmp(&got, &sent, sizeof(sent)), 0)
      << got.type_index << " for " << sent.type_index << ", " << got.v_uint64 << " for "
      << sent.v_uint64;
}

TEST_F(ValueCodec, CarriesPlainKindsBitByBit) {
  const TVMFFIAny values[] = {
      NoneAny(),
      IntAny(INT64_MIN),
      IntAny(-1),
      PodAny(kTVMFFIBool, 1),
      PodAny(kTVMFFIBool, 0),
      PodAny(kTVMFFIFloat, 0x7FF8000000000001),
      PodAny(kTVMFFIOpaquePtr, 0),
      PodAny(kTVMFFIDataType, 0x12002),
      PodAny(kTVMFFIDevice, 0x0000000300000002),
  };
  for (const TVMFFIAny& value : values) ExpectSameBits(RoundTrip(value).get(), value);
}

TEST_F(ValueCodec, NormalisesWhatProducersMayLeaveDirty) {
  TVMFFIAny none = PodAny(kTVMFFINone, 99);
  none.zero_padding = 5;
  ExpectSameBits(RoundTrip(none).get(), NoneAny());
  ExpectSameBits(RoundTrip(PodAny(kTVMFFIBool, 77)).get(), PodAny(kTVMFFIBool, 1));
  ExpectSameBits(RoundTrip(PodAny(kTVMFFIDataType, 0xAAAAAAAA00012002)).get(),
                 PodAny(kTVMFFIDataType, 0x12002));
}

TEST_F(ValueCodec, RefusesOpaquePointersThatPointSomewhere) {
  EXPECT_EQ(Refusal(PodAny(kTVMFFIOpaquePtr, 0x1000)),
            "an opaque pointer means nothing in another process");
}

TEST_F(ValueCodec, RefusesTypeIndicesThatDoNotExist) {
  EXPECT_FALSE(Send({PodAny(50, 0)}).ok());
  EXPECT_FALSE(Send({PodAny(-1, 0)}).ok());
}

TEST_F(ValueCodec, CarriesStringsOfEveryKindAndLength) {
  for (const char* text : {"", "a", "sevench", "eightchr", "a rather longer text"}) {
    OwnedAny owned = TextAny(text);
    OwnedAny got = RoundTrip(owned.get());
    EXPECT_EQ(got.get().type_index, owned.get().type_index);
    EXPECT_EQ(Text(got.get()), text);

    OwnedAny raw = RoundTrip(RawStrAny(text));
    EXPECT_EQ(raw.get().type_index, kTVMFFIRawStr);
    EXPECT_STREQ(raw.get().v_c_str, text);
  }
  for (const std::string& content :
       {std::string(), std::string("\0a\0", 3), std::string(1000, '\xff')}) {
    OwnedAny owned = BytesAny(content);
    OwnedAny got = RoundTrip(owned.get());
    EXPECT_EQ(got.get().type_index, owned.get().type_index);
    EXPECT_EQ(Text(got.get()), content);

    TVMFFIByteArray bytes = {content.data(), content.size()};
    TVMFFIAny view = NoneAny();
    view.type_index = kTVMFFIByteArrayPtr;
    view.v_ptr = &bytes;
    OwnedAny seen = RoundTrip(view);
    EXPECT_EQ(seen.get().type_index, kTVMFFIByteArrayPtr);
    EXPECT_EQ(Text(seen.get()), content);
  }
}

TEST_F(ValueCodec, MakesViewsOwnedWhereResultsAre) {
  ASSERT_TRUE(Send({RawStrAny("short"), RawStrAny("long enough for the heap")}).ok());

  OwnedAny small;
  OwnedAny large;
  ASSERT_TRUE(reader_.GetOwned(0, &memory_, small.out()).ok());
  ASSERT_TRUE(reader_.GetOwned(1, &memory_, large.out()).ok());

  EXPECT_EQ(small.get().type_index, kTVMFFISmallStr);
  EXPECT_EQ(large.get().type_index, kTVMFFIStr);
  EXPECT_EQ(Text(large.get()), "long enough for the heap");
}

TEST_F(ValueCodec, CarriesContainersAndWhatIsInThem) {
  OwnedAny text = TextAny("a text beyond seven bytes");
  OwnedAny bytes = BytesAny("bytes");
  OwnedAny shape = CallGlobal("ffi.Shape", {IntAny(2), IntAny(-3), IntAny(int64_t{1} << 40)});
  OwnedAny inner = CallGlobal("ffi.List", {IntAny(1), text.get(), NoneAny()});
  OwnedAny map = CallGlobal("ffi.Map", {text.get(), inner.get(), IntAny(3), bytes.get()});
  OwnedAny dict = CallGlobal("ffi.Dict", {IntAny(1), map.get(), PodAny(kTVMFFIBool, 1), IntAny(2)});
  const OwnedAny empties[] = {CallGlobal("ffi.Array", {}), CallGlobal("ffi.List", {}),
                              CallGlobal("ffi.Map", {}), CallGlobal("ffi.Dict", {}),
                              CallGlobal("ffi.Shape", {})};
  OwnedAny all = CallGlobal(
      "ffi.Array", {text.get(), shape.get(), inner.get(), map.get(), dict.get(), empties[0].get(),
                    empties[1].get(), empties[2].get(), empties[3].get(), empties[4].get()});
  ASSERT_EQ(all.get().type_index, kTVMFFIArray);

  OwnedAny got = RoundTrip(all.get());

  EXPECT_TRUE(SameValue(got.get(), all.get()));
}

TEST_F(ValueCodec, KeepsTheOrderOfMapsOfEverySize) {
  for (int size : {1, 2, 3, 4, 5, 16, 17, 100, 3000}) {
    for (const char* type : {"ffi.Map", "ffi.Dict"}) {
      std::vector<OwnedAny> keys;
      std::vector<TVMFFIAny> pairs;
      for (int i = 0; i < size; ++i) {
        keys.push_back(TextAny("key number " + std::to_string(i * 7919 % 10007)));
        pairs.push_back(keys.back().get());
        pairs.push_back(IntAny(i));
      }
      OwnedAny map = CallGlobal(type, pairs);
      ASSERT_TRUE(Send({map.get()}).ok());
      OwnedAny got = Receive();

      EXPECT_TRUE(SameValue(got.get(), map.get())) << type << " of " << size;
      // The same pairs in the same order make the same frame.
      std::vector<char> first = frame_;
      ASSERT_TRUE(Send({got.get()}).ok());
      EXPECT_EQ(frame_, first);
    }
  }
}

TEST_F(ValueCodec, ReadsADictThatGrewAndShrank) {
  OwnedAny dict = CallGlobal("ffi.Dict", {});
  for (int i = 0; i < 60; ++i)
    CallGlobal("ffi.DictSetItem", {dict.get(), IntAny(i), IntAny(i * i)});
  for (int i = 0; i < 60; i += 3) CallGlobal("ffi.DictErase", {dict.get(), IntAny(i)});

  OwnedAny got = RoundTrip(dict.get());

  EXPECT_EQ(CallGlobal("ffi.DictSize", {got.get()}).get().v_int64, 40);
  EXPECT_TRUE(SameValue(got.get(), dict.get()));
  CallGlobal("ffi.DictClear", {dict.get()});
  EXPECT_EQ(CallGlobal("ffi.DictSize", {RoundTrip(dict.get()).get()}).get().v_int64, 0);
}

TEST_F(ValueCodec, CarriesErrorsAsTheirThreeTexts) {
  const TVMFFIByteArray kind = {"ValueError", 10};
  const TVMFFIByteArray message = {"what went wrong", 15};
  const TVMFFIByteArray backtrace = {"  File \"f\", line 1, in g\n", 25};
  TVMFFIObjectHandle handle = nullptr;
  ASSERT_EQ(TVMFFIErrorCreate(&kind, &message, &backtrace, &handle), 0);
  ObjectRef error(handle);
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIError;
  any.v_obj = static_cast<TVMFFIObject*>(handle);

  OwnedAny got = RoundTrip(any);

  ASSERT_EQ(got.get().type_index, kTVMFFIError);
  const ErrorText text = ReadError(got.get().v_obj);
  EXPECT_EQ(text.kind, "ValueError");
  EXPECT_EQ(text.message, "what went wrong");
  EXPECT_EQ(text.backtrace, "  File \"f\", line 1, in g\n");
}

TEST_F(ValueCodec, DescribesTensorsByTheirPlace) {
  int64_t shape[] = {3, 2};
  int64_t strides[] = {-4, 1};
  DLTensor tensor = {memory_.memory + 100, {kDLCPU, 0}, 2, {kDLFloat, 32, 1}, shape, strides, 28};
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIDLTensorPtr;
  any.v_ptr = &tensor;

  RoundTrip(any);

  EXPECT_TRUE(memory_.last_as_pointer);
  EXPECT_EQ(memory_.last_tensor.data_offset, 128u);
  EXPECT_EQ(memory_.last_tensor.offset, 96u);
  EXPECT_EQ(memory_.last_tensor.nbytes, 40u);
  EXPECT_EQ(memory_.last_tensor.dtype_bits, 32);
  EXPECT_EQ(memory_.last_shape, (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(memory_.last_strides, (std::vector<int64_t>{-4, 1}));

  tensor.strides = nullptr;
  RoundTrip(any);
  EXPECT_EQ(memory_.last_strides, (std::vector<int64_t>{2, 1}));
  ASSERT_TRUE(Send({any}).ok());
  OwnedAny value;
  EXPECT_FALSE(reader_.GetOwned(0, &memory_, value.out()).ok()) << "nobody owns a borrowed tensor";
}

TEST_F(ValueCodec, NamesArgumentsInsteadOfDescribingThem) {
  int64_t shape[] = {1};
  DLTensor tensor = {memory_.memory, {kDLCPU, 0}, 1, {kDLFloat, 32, 1}, shape, nullptr, 0};
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIDLTensorPtr;
  any.v_ptr = &tensor;
  memory_.return_argument = 3;

  RoundTrip(any);

  EXPECT_EQ(memory_.last_argument, 3);
}

TEST_F(ValueCodec, HandsObjectsToTheExporter) {
  ObjectRef function(FindGlobal("ffi.Array"));
  TVMFFIAny any = NoneAny();
  any.type_index = kTVMFFIFunction;
  any.v_obj = static_cast<TVMFFIObject*>(function.get());

  RoundTrip(any);
  EXPECT_EQ(memory_.last_kind, kWireHandle);
  EXPECT_EQ(memory_.last_object.id, 1234u);
  EXPECT_EQ(memory_.last_object.static_type_index, kTVMFFIFunction);
  EXPECT_EQ(memory_.last_key, "ffi.Function");

  memory_.export_kind = kWireCallback;
  RoundTrip(any);
  EXPECT_EQ(memory_.last_kind, kWireCallback);
  EXPECT_EQ(memory_.last_key, "");

  memory_.export_kind = kWireArgument;
  RoundTrip(any);
  EXPECT_EQ(memory_.last_argument, 1234);
}

TEST_F(ValueCodec, TakesTheObjectOutOfAnRValueReference) {
  OwnedAny array = CallGlobal("ffi.Array", {IntAny(4)});
  TVMFFIAny moved = array.release();
  TVMFFIObject* slot = moved.v_obj;
  TVMFFIAny reference = NoneAny();
  reference.type_index = kTVMFFIObjectRValueRef;
  reference.v_ptr = &slot;

  OwnedAny got = RoundTrip(reference);

  EXPECT_EQ(slot, nullptr);
  EXPECT_EQ(got.get().type_index, kTVMFFIArray);
  EXPECT_EQ(Refusal(reference), "RValueRef already moved");
}

TEST_F(ValueCodec, RefusesContainersThatContainThemselves) {
  OwnedAny list = CallGlobal("ffi.List", {IntAny(1)});
  CallGlobal("ffi.ListAppend", {list.get(), list.get()});
  EXPECT_NE(Refusal(list.get()).find("in a cycle"), std::string::npos);
  CallGlobal("ffi.ListClear", {list.get()});

  OwnedAny dict = CallGlobal("ffi.Dict", {});
  CallGlobal("ffi.DictSetItem", {dict.get(), IntAny(1), dict.get()});
  EXPECT_NE(Refusal(dict.get()).find("in a cycle"), std::string::npos);
  CallGlobal("ffi.DictClear", {dict.get()});
}

TEST_F(ValueCodec, BoundsWhatSharedElementsExpandTo) {
  OwnedAny array = CallGlobal("ffi.Array", {IntAny(1)});
  for (int i = 0; i < 40; ++i) array = CallGlobal("ffi.Array", {array.get(), array.get()});

  Status status = Send({array.get()});

  EXPECT_EQ(status.code, Code::kResourceExhausted);
  ASSERT_TRUE(Send({IntAny(5)}).ok()) << "the writer is usable after a refusal";
  EXPECT_EQ(Receive().get().v_int64, 5);
}

TEST_F(ValueCodec, NestsAsDeepAsTheBudgetSays) {
  OwnedAny array = CallGlobal("ffi.Array", {});
  for (uint32_t i = 1; i < kMaxDepth; ++i) array = CallGlobal("ffi.Array", {array.get()});
  EXPECT_TRUE(SameValue(RoundTrip(array.get()).get(), array.get()));

  array = CallGlobal("ffi.Array", {array.get()});
  EXPECT_FALSE(Send({array.get()}).ok());
}

TEST_F(ValueCodec, NotesRideOnTheNextFinishedFrame) {
  writer_.AddNote(NoteKind::kRelease, 11);
  writer_.Start(FrameOp::kReturn, 0, 0, 0, 1);
  EXPECT_FALSE(writer_.Put(0, PodAny(kTVMFFIOpaquePtr, 1), &memory_).ok());
  writer_.AddNote(NoteKind::kDropped, 12);

  ASSERT_TRUE(Send({RawStrAny("text")}).ok());

  ASSERT_EQ(reader_.num_notes(), 2u);
  EXPECT_EQ(reader_.note(0).id, 11u);
  EXPECT_EQ(reader_.note(0).kind, NoteKind::kRelease);
  EXPECT_EQ(reader_.note(1).id, 12u);
  EXPECT_STREQ(Receive().get().v_c_str, "text");
  ASSERT_TRUE(Send({}).ok());
  EXPECT_EQ(reader_.num_notes(), 0u);
}

TEST_F(ValueCodec, SpreadsMoreNotesThanFitOverFrames) {
  for (uint32_t i = 0; i < kMaxNotes + 10; ++i) writer_.AddNote(NoteKind::kRelease, i);

  ASSERT_TRUE(Send({}).ok());
  EXPECT_EQ(reader_.num_notes(), kMaxNotes);
  ASSERT_TRUE(Send({}).ok());

  ASSERT_EQ(reader_.num_notes(), 10u);
  EXPECT_EQ(reader_.note(9).id, kMaxNotes + 9);
}

TEST_F(ValueCodec, ReadsTextsWithoutMakingObjects) {
  writer_.Start(FrameOp::kError, 0, 0, 0, 2);
  writer_.PutString(0, "TypeError", 9);
  writer_.PutString(1, "", 0);
  const char* frame = writer_.Finish();
  ASSERT_TRUE(reader_.Open(frame, writer_.size()).ok());

  TVMFFIByteArray text;
  ASSERT_TRUE(reader_.GetString(0, &text).ok());
  EXPECT_EQ(std::string(text.data, text.size), "TypeError");
  ASSERT_TRUE(reader_.GetString(1, &text).ok());
  EXPECT_EQ(text.size, 0u);
  EXPECT_FALSE(reader_.GetString(2, &text).ok());
  ASSERT_TRUE(Send({TextAny("small").get(), IntAny(1)}).ok());
  ASSERT_TRUE(reader_.GetString(0, &text).ok());
  EXPECT_EQ(std::string(text.data, text.size), "small");
  EXPECT_FALSE(reader_.GetString(1, &text).ok());
}

TEST_F(ValueCodec, GivesLargeBuffersBack) {
  const std::string large(8u << 20, 'x');
  ASSERT_TRUE(Send({RawStrAny(large.c_str())}).ok());
  EXPECT_EQ(std::strlen(Receive().get().v_c_str), large.size());
  ASSERT_TRUE(Send({IntAny(3)}).ok());
  EXPECT_EQ(Receive().get().v_int64, 3);
}

// Where the library puts a key is where we think it does: the dense layout links slots, and a key's
// home is its hash's.
TEST(MapHash, IsThePublishedOne) {
  std::vector<OwnedAny> keys;
  std::vector<TVMFFIAny> pairs;
  for (int i = 0; i < 40; ++i) {
    keys.push_back(i % 3 == 0 ? TextAny("key number " + std::to_string(i))
                              : TextAny("k" + std::to_string(i)));
    pairs.push_back(i % 2 == 0 ? keys.back().get() : IntAny(i * 1000003));
    pairs.push_back(IntAny(i));
  }
  OwnedAny map = CallGlobal("ffi.Map", pairs);
  const char* object = reinterpret_cast<const char*>(map.get().v_obj);
  const char* data = nullptr;
  uint64_t slots = 0;
  uint32_t shift = 0;
  std::memcpy(&data, object + 24, sizeof(data));
  std::memcpy(&slots, object + 40, sizeof(slots));
  std::memcpy(&shift, object + 56, sizeof(shift));
  ASSERT_EQ(slots >> 63, 0u);

  // The head of a chain sits in its home slot.
  size_t heads = 0;
  for (uint64_t slot = 0; slot < slots; ++slot) {
    const char* block = data + slot / 16 * 784;
    const auto meta = static_cast<unsigned char>(block[slot % 16]);
    if (meta >= 0x80) continue;
    TVMFFIAny key;
    std::memcpy(&key, block + 16 + slot % 16 * 48, sizeof(key));
    EXPECT_EQ((HashMapKey(key) * 11400714819323198485u) >> shift, slot);
    ++heads;
  }
  EXPECT_GT(heads, 10u);
}

}  // namespace
}  // namespace tvmffi
