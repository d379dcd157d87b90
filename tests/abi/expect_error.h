// Checks that a statement throws tvm::ffi::Error of a kind, with a text in its message.
#ifndef TVMFFI_TESTS_ABI_EXPECT_ERROR_H_
#define TVMFFI_TESTS_ABI_EXPECT_ERROR_H_

#include <gtest/gtest.h>
#include <tvm/ffi/error.h>

#include <string>

namespace tvmffi_test {

template <typename F>
void ExpectError(F&& f, const std::string& kind, const std::string& text, bool whole) {
  try {
    f();
  } catch (const tvm::ffi::Error& error) {
    EXPECT_EQ(error.kind(), kind);
    if (whole) {
      EXPECT_EQ(error.message(), text);
    } else {
      EXPECT_NE(error.message().find(text), std::string::npos) << error.message();
    }
    return;
  }
  ADD_FAILURE() << "no error; expected " << kind << ": " << text;
}

}  // namespace tvmffi_test

#define EXPECT_ERROR(stmt, kind, message) \
  tvmffi_test::ExpectError([&]() { (void)(stmt); }, kind, message, true)
#define EXPECT_ERROR_CONTAINS(stmt, kind, text) \
  tvmffi_test::ExpectError([&]() { (void)(stmt); }, kind, text, false)

#endif  // TVMFFI_TESTS_ABI_EXPECT_ERROR_H_
