#include <thread>

#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

Ref MakeError(std::string_view kind, std::string_view message, std::string_view backtrace) {
  const TVMFFIByteArray parts[] = {Bytes(kind), Bytes(message), Bytes(backtrace)};
  Ref error;
  EXPECT_EQ(TVMFFIErrorCreate(&parts[0], &parts[1], &parts[2], error.out()), 0);
  return error;
}

TEST(CAbi, C015_AFreshThreadHasNoRaisedError) {
  std::thread([] { EXPECT_FALSE(TakeRaised().present); }).join();

  TVMFFIErrorSetRaisedFromCStr("ValueError", "gone");
  TVMFFIErrorSetRaised(nullptr);
  EXPECT_FALSE(TakeRaised().present);
}

TEST(CAbi, C016_TheLastRaisedErrorWins) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "first");
  TVMFFIErrorSetRaisedFromCStr("TypeError", "second");

  const Raised raised = TakeRaised();

  EXPECT_EQ(raised.kind, "TypeError");
  EXPECT_EQ(raised.message, "second");
  EXPECT_FALSE(TakeRaised().present);
}

TEST(CAbi, C017_MessagePartsAreJoinedAndNullsSkipped) {
  const char* parts[] = {"a", nullptr, "b", "c"};
  TVMFFIErrorSetRaisedFromCStrParts("KP", parts, 4);
  const Raised joined = TakeRaised();
  EXPECT_EQ(joined.kind, "KP");
  EXPECT_EQ(joined.message, "abc");

  TVMFFIErrorSetRaisedFromCStrParts("KP", parts, 0);
  const Raised empty = TakeRaised();
  EXPECT_TRUE(empty.present);
  EXPECT_EQ(empty.message, "");
}

TEST(CAbi, C018_RaisedErrorsBelongToTheirThread) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "mine");
  std::thread([] { EXPECT_FALSE(TakeRaised().present); }).join();
  EXPECT_EQ(TakeRaised().message, "mine");
}

TEST(CAbi, ARaisedErrorIsReleasedWhenItsThreadEnds) {
  Ref error = MakeError("ValueError", "left behind", "");
  std::thread([&] { TVMFFIErrorSetRaised(error.get()); }).join();
  EXPECT_EQ(StrongCount(error.get()), 1u);
}

TEST(CAbi, C019_ErrorCreateCopiesItsInputs) {
  std::string message = "the message";
  Ref error = MakeError("MyKind", message, "bt\n");
  message[0] = 'X';

  const TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error.get());

  EXPECT_EQ(StrongCount(error.get()), 1u);
  EXPECT_EQ(Header(error.get())->type_index, kTVMFFIError);
  EXPECT_EQ(Text(cell->kind), "MyKind");
  EXPECT_STREQ(cell->kind.data, "MyKind");
  EXPECT_STREQ(cell->message.data, "the message");
  EXPECT_EQ(Text(cell->backtrace), "bt\n");
  EXPECT_EQ(cell->cause_chain, nullptr);
  EXPECT_EQ(cell->extra_context, nullptr);
}

TEST(CAbi, C020_UpdateBacktraceAppendsAndReplaces) {
  Ref error = MakeError("K", "m", "bt1\n");
  TVMFFIErrorCell* cell = TVMFFIErrorGetCellPtr(error.get());
  const TVMFFIByteArray more = Bytes("bt2\n");

  cell->update_backtrace(error.get(), &more, kTVMFFIBacktraceUpdateModeAppend);
  EXPECT_EQ(Text(cell->backtrace), "bt1\nbt2\n");

  cell->update_backtrace(error.get(), &more, kTVMFFIBacktraceUpdateModeReplace);
  EXPECT_EQ(Text(cell->backtrace), "bt2\n");
}

TEST(CAbi, C021_CauseAndContextAreRetainedByTheError) {
  Ref cause = MakeError("Cause", "c", "");
  Ref context = MakeError("Context", "any object", "");
  const TVMFFIByteArray text = Bytes("t");
  {
    Ref error;
    ASSERT_EQ(TVMFFIErrorCreateWithCauseAndExtraContext(&text, &text, &text, cause.get(),
                                                        context.get(), error.out()),
              0);
    EXPECT_EQ(TVMFFIErrorGetCellPtr(error.get())->cause_chain, cause.get());
    EXPECT_EQ(TVMFFIErrorGetCellPtr(error.get())->extra_context, context.get());
    EXPECT_EQ(StrongCount(cause.get()), 2u);
    EXPECT_EQ(StrongCount(context.get()), 2u);
  }
  EXPECT_EQ(StrongCount(cause.get()), 1u);
  EXPECT_EQ(StrongCount(context.get()), 1u);
}

TEST(CAbiDeathTest, ACauseThatIsNoErrorEndsTheProcess) {
  Ref opaque;
  ASSERT_EQ(TVMFFIObjectCreateOpaque(nullptr, kTVMFFIOpaquePyObject, nullptr, opaque.out()), 0);
  const TVMFFIByteArray text = Bytes("t");
  Ref error;
  EXPECT_EXIT(TVMFFIErrorCreateWithCauseAndExtraContext(&text, &text, &text, opaque.get(), nullptr,
                                                        error.out()),
              ::testing::ExitedWithCode(255),
              "Exception caught during TVMFFIErrorCreateWithCauseAndExtraContext:");
}

TEST(CAbi, C022_SetRaisedRetainsAndMoveTransfers) {
  Ref error = MakeError("K", "m", "");

  TVMFFIErrorSetRaised(error.get());
  EXPECT_EQ(StrongCount(error.get()), 2u);

  Ref taken;
  TVMFFIErrorMoveFromRaised(taken.out());
  EXPECT_EQ(taken.get(), error.get());
  EXPECT_EQ(StrongCount(error.get()), 2u);
}

}  // namespace
}  // namespace tvmffi::test
