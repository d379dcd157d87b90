#include "c_items.h"

static TVMFFIObjectHandle Move(void) {
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  return error;
}

static TVMFFIObjectHandle NewError(const char* kind, const char* message, const char* backtrace) {
  const TVMFFIByteArray kind_bytes = Bytes(kind);
  const TVMFFIByteArray message_bytes = Bytes(message);
  const TVMFFIByteArray backtrace_bytes = Bytes(backtrace);
  TVMFFIObjectHandle error = NULL;
  CHECK(TVMFFIErrorCreate(&kind_bytes, &message_bytes, &backtrace_bytes, &error) == 0);
  return error;
}

static void ExpectNothingRaised(void* unused) {
  (void)unused;
  CHECK(Move() == NULL);
}

static void c_abi_015_nothing_raised(void) {
  RunOnThread(ExpectNothingRaised, NULL);
  TVMFFIErrorSetRaisedFromCStr("ValueError", "gone");
  TVMFFIErrorSetRaised(NULL);
  CHECK(Move() == NULL);
}

static void c_abi_016_the_second_error_replaces(void) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "first");
  TVMFFIErrorSetRaisedFromCStr("TypeError", "second");
  CheckRaised(__FILE__, __LINE__, "TypeError", "second");
  CHECK(Move() == NULL);
}

static void c_abi_017_message_in_parts(void) {
  const char* parts[] = {"a", NULL, "b", "c"};
  TVMFFIErrorSetRaisedFromCStrParts("KP", parts, 4);
  TVMFFIObjectHandle error = Move();
  CHECK(SameText(((TVMFFIErrorCell*)Body(error))->message, "abc"));
  TVMFFIObjectDecRef(error);
  TVMFFIErrorSetRaisedFromCStrParts("KP", parts, 0);
  error = Move();
  CHECK(((TVMFFIErrorCell*)Body(error))->message.size == 0);
  TVMFFIObjectDecRef(error);
}

static void c_abi_018_errors_belong_to_their_thread(void) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "mine");
  RunOnThread(ExpectNothingRaised, NULL);
  CheckRaised(__FILE__, __LINE__, "ValueError", "mine");
}

static void c_abi_019_created_errors(void) {
  TVMFFIObjectHandle error = NewError("KeyError", "no such key", "bt");
  const TVMFFIErrorCell* cell = Body(error);
  CHECK(((TVMFFIObject*)error)->type_index == kTVMFFIError);
  CHECK(StrongCount(error) == 1);
  CHECK(cell->cause_chain == NULL);
  CHECK(cell->extra_context == NULL);
  CHECK(SameText(cell->kind, "KeyError"));
  CHECK(SameText(cell->message, "no such key"));
  CHECK(SameText(cell->backtrace, "bt"));
  TVMFFIObjectDecRef(error);
}

static void c_abi_020_update_backtrace(void) {
  TVMFFIObjectHandle error = NewError("KeyError", "k", "bt1\n");
  const TVMFFIErrorCell* cell = Body(error);
  const TVMFFIByteArray more = Bytes("bt2\n");
  cell->update_backtrace(error, &more, kTVMFFIBacktraceUpdateModeAppend);
  CHECK(cell->backtrace.size == 8);
  cell->update_backtrace(error, &more, kTVMFFIBacktraceUpdateModeReplace);
  CHECK(cell->backtrace.size == 4);
  TVMFFIObjectDecRef(error);
}

static void c_abi_021_cause_and_context_are_retained(void) {
  TVMFFIObjectHandle cause = NewError("OSError", "inner", "");
  TVMFFIObjectHandle context = MakeOpaque(NULL, NULL);
  const TVMFFIByteArray kind = Bytes("ValueError");
  const TVMFFIByteArray text = Bytes("outer");
  TVMFFIObjectHandle error = NULL;
  CHECK(TVMFFIErrorCreateWithCauseAndExtraContext(&kind, &text, &text, cause, context, &error) ==
        0);
  const TVMFFIErrorCell* cell = Body(error);
  CHECK(cell->cause_chain == cause);
  CHECK(cell->extra_context == context);
  CHECK(StrongCount(cause) == 2);
  CHECK(StrongCount(context) == 2);
  TVMFFIObjectDecRef(error);
  CHECK(StrongCount(cause) == 1);
  CHECK(StrongCount(context) == 1);
  TVMFFIObjectDecRef(cause);
  TVMFFIObjectDecRef(context);
}

static void c_abi_022_set_raised_retains_and_move_transfers(void) {
  TVMFFIObjectHandle error = NewError("KeyError", "k", "");
  TVMFFIErrorSetRaised(error);
  CHECK(StrongCount(error) == 2);
  CHECK(Move() == error);
  CHECK(StrongCount(error) == 2);
  TVMFFIObjectDecRef(error);
  TVMFFIObjectDecRef(error);
}

static int FailSilently(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)args, (void)num_args, (void)result;
  return -1;
}

static void c_abi_023_failure_without_an_error(void) {
  TVMFFIObjectHandle function = NULL;
  CHECK(TVMFFIFunctionCreate(NULL, FailSilently, NULL, &function) == 0);
  TVMFFIAny result = None();
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == -1);
  CHECK(Move() == NULL);
  TVMFFIObjectDecRef(function);
}

static void c_abi_024_backtrace_is_never_null(void) {
  const TVMFFIByteArray* trace = TVMFFIBacktrace(NULL, 0, NULL, 0);
  CHECK(trace != NULL);
  trace = TVMFFIBacktrace("f.cc", 12, "fn", 0);
  const char* line = "  File \"f.cc\", line 12, in fn\n";
  CHECK(trace != NULL && trace->size >= strlen(line) &&
        memcmp(trace->data, line, strlen(line)) == 0);
}

C_ITEMS(kErrorItems, C_ITEM(c_abi_015_nothing_raised), C_ITEM(c_abi_016_the_second_error_replaces),
        C_ITEM(c_abi_017_message_in_parts), C_ITEM(c_abi_018_errors_belong_to_their_thread),
        C_ITEM(c_abi_019_created_errors), C_ITEM(c_abi_020_update_backtrace),
        C_ITEM(c_abi_021_cause_and_context_are_retained),
        C_ITEM(c_abi_022_set_raised_retains_and_move_transfers),
        C_ITEM(c_abi_023_failure_without_an_error), C_ITEM(c_abi_024_backtrace_is_never_null));
