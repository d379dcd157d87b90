#include "support.h"

static TVMFFIObjectHandle new_error(const char* kind, const char* message, const char* backtrace) {
  const TVMFFIByteArray k = bytes_of(kind), m = bytes_of(message), b = bytes_of(backtrace);
  TVMFFIObjectHandle error = NULL;
  CHECK(TVMFFIErrorCreate(&k, &m, &b, &error) == 0);
  return error;
}

static void expect_nothing_raised(void) { CHECK(nothing_raised()); }

static void c_abi_015_a_fresh_thread_has_no_error(void) {
  c_item_on_thread(expect_nothing_raised);
  TVMFFIErrorSetRaisedFromCStr("ValueError", "m");
  TVMFFIErrorSetRaised(NULL);
  CHECK(nothing_raised());
}

static void c_abi_016_the_last_error_wins(void) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "first");
  TVMFFIErrorSetRaisedFromCStr("TypeError", "second");
  CHECK(raised("TypeError", "second"));
  CHECK(nothing_raised());
}

static void c_abi_017_parts_are_joined(void) {
  const char* parts[] = {"a", NULL, "b", "c"};
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorSetRaisedFromCStrParts("KP", parts, 4);
  TVMFFIErrorMoveFromRaised(&error);
  CHECK(equal(((TVMFFIErrorCell*)cell_of(error))->message, "abc"));
  TVMFFIObjectDecRef(error);
  TVMFFIErrorSetRaisedFromCStrParts("KP", parts, 0);
  TVMFFIErrorMoveFromRaised(&error);
  CHECK(equal(((TVMFFIErrorCell*)cell_of(error))->message, ""));
  TVMFFIObjectDecRef(error);
}

static void c_abi_018_an_error_belongs_to_its_thread(void) {
  TVMFFIErrorSetRaisedFromCStr("ValueError", "mine");
  c_item_on_thread(expect_nothing_raised);
  CHECK(raised("ValueError", "mine"));
}

static void c_abi_019_create_copies_its_inputs(void) {
  TVMFFIObjectHandle error = new_error("K", "message", "line\n");
  TVMFFIErrorCell* cell = (TVMFFIErrorCell*)cell_of(error);
  CHECK(strong_count(error) == 1);
  CHECK(cell->cause_chain == NULL && cell->extra_context == NULL);
  CHECK(equal(cell->kind, "K") && equal(cell->message, "message") &&
        equal(cell->backtrace, "line\n"));
  TVMFFIObjectDecRef(error);
}

static void c_abi_020_backtraces_are_appended_and_replaced(void) {
  TVMFFIObjectHandle error = new_error("K", "m", "bt1\n");
  TVMFFIErrorCell* cell = (TVMFFIErrorCell*)cell_of(error);
  const TVMFFIByteArray more = bytes_of("bt2\n");
  cell->update_backtrace(error, &more, kTVMFFIBacktraceUpdateModeAppend);
  CHECK(equal(cell->backtrace, "bt1\nbt2\n"));
  cell->update_backtrace(error, &more, kTVMFFIBacktraceUpdateModeReplace);
  CHECK(equal(cell->backtrace, "bt2\n"));
  TVMFFIObjectDecRef(error);
}

static void c_abi_021_cause_and_context_are_retained(void) {
  TVMFFIObjectHandle cause = new_error("K", "cause", ""), context = NULL, error = NULL;
  CHECK(TVMFFIObjectCreateOpaque(NULL, kTVMFFIOpaquePyObject, NULL, &context) == 0);
  const TVMFFIByteArray text = bytes_of("x");
  CHECK(TVMFFIErrorCreateWithCauseAndExtraContext(&text, &text, &text, cause, context, &error) ==
        0);
  TVMFFIErrorCell* cell = (TVMFFIErrorCell*)cell_of(error);
  CHECK(cell->cause_chain == cause && strong_count(cause) == 2);
  CHECK(cell->extra_context == context && strong_count(context) == 2);
  TVMFFIObjectDecRef(error);
  CHECK(strong_count(cause) == 1 && strong_count(context) == 1);
  TVMFFIObjectDecRef(cause);
  TVMFFIObjectDecRef(context);
}

static void c_abi_022_set_raised_retains_and_move_transfers(void) {
  TVMFFIObjectHandle error = new_error("K", "m", ""), moved = NULL;
  TVMFFIErrorSetRaised(error);
  CHECK(strong_count(error) == 2);
  TVMFFIErrorMoveFromRaised(&moved);
  CHECK(moved == error && strong_count(error) == 2);
  TVMFFIObjectDecRef(moved);
  TVMFFIObjectDecRef(error);
}

static int fail_silently(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)args, (void)num_args, (void)result;
  return -1;
}

static void c_abi_023_a_failure_without_an_error_leaves_none(void) {
  TVMFFIObjectHandle function = NULL;
  TVMFFIAny result = any_of(kTVMFFINone, 0);
  CHECK(TVMFFIFunctionCreate(NULL, fail_silently, NULL, &function) == 0);
  CHECK(TVMFFIFunctionCall(function, NULL, 0, &result) == -1);
  CHECK(nothing_raised());
  TVMFFIObjectDecRef(function);
}

static void c_abi_024_a_backtrace_is_never_null(void) {
  CHECK(TVMFFIBacktrace(NULL, 0, NULL, 0) != NULL);
  const TVMFFIByteArray* lines = TVMFFIBacktrace("f.cc", 12, "fn", 0);
  const char* first = "  File \"f.cc\", line 12, in fn\n";
  CHECK(lines->size >= strlen(first) && memcmp(lines->data, first, strlen(first)) == 0);
}

const CItem kErrorItems[] = {
    ITEM(c_abi_015_a_fresh_thread_has_no_error),
    ITEM(c_abi_016_the_last_error_wins),
    ITEM(c_abi_017_parts_are_joined),
    ITEM(c_abi_018_an_error_belongs_to_its_thread),
    ITEM(c_abi_019_create_copies_its_inputs),
    ITEM(c_abi_020_backtraces_are_appended_and_replaced),
    ITEM(c_abi_021_cause_and_context_are_retained),
    ITEM(c_abi_022_set_raised_retains_and_move_transfers),
    ITEM(c_abi_023_a_failure_without_an_error_leaves_none),
    ITEM(c_abi_024_a_backtrace_is_never_null),
    {NULL, NULL},
};
