// One text for the result of a structural comparison. On the way it checks that all ways to ask
// agree, and that equal values hash alike.
#ifndef TVMFFI_TESTS_LIBFFI_CORE_STRUCTURAL_COMPARE_H_
#define TVMFFI_TESTS_LIBFFI_CORE_STRUCTURAL_COMPARE_H_

#include <gtest/gtest.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/access_path.h>
#include <tvm/ffi/reflection/accessor.h>

#include <string>

namespace structural_test {

// Enough of a printer for the keys that the tests use.
inline std::string KeyText(const tvm::ffi::Any& key) {
  if (auto text = key.as<tvm::ffi::String>()) return "\"" + std::string(*text) + "\"";
  if (auto number = key.as<int64_t>()) return std::to_string(*number);
  if (auto array = key.as<tvm::ffi::Array<tvm::ffi::Any>>()) {
    std::string items = "(";
    for (const tvm::ffi::Any& item : *array) items += KeyText(item) + ",";
    return items + ")";
  }
  return "?";
}

// The text of `__ffi_repr__`.
inline std::string ReprText(const tvm::ffi::ObjectRef& value) {
  const tvm::ffi::reflection::TypeAttrColumn reprs(tvm::ffi::reflection::type_attr::kRepr);
  const auto repr = reprs[value.type_index()].cast<tvm::ffi::Function>();
  auto print = [](const tvm::ffi::Any& key) { return tvm::ffi::String(KeyText(key)); };
  return repr(value, tvm::ffi::Function::FromTyped(print)).cast<std::string>();
}
inline std::string PathText(const tvm::ffi::reflection::AccessPath& path) { return ReprText(path); }

// "equal", or the two paths to the first mismatch.
inline std::string Mismatch(const tvm::ffi::Any& lhs, const tvm::ffi::Any& rhs,
                            bool map_free_vars = false, bool skip_tensor_content = false) {
  using tvm::ffi::StructuralEqual;
  using tvm::ffi::StructuralHash;
  const auto paths =
      StructuralEqual::GetFirstMismatch(lhs, rhs, map_free_vars, skip_tensor_content);
  EXPECT_EQ(StructuralEqual::Equal(lhs, rhs, map_free_vars, skip_tensor_content),
            !paths.has_value());
  if (paths.has_value()) return PathText((*paths).get<0>()) + " | " + PathText((*paths).get<1>());
  EXPECT_TRUE(StructuralEqual::Equal(rhs, lhs, map_free_vars, skip_tensor_content));
  EXPECT_EQ(StructuralHash::Hash(lhs, map_free_vars, skip_tensor_content),
            StructuralHash::Hash(rhs, map_free_vars, skip_tensor_content));
  return "equal";
}

}  // namespace structural_test

#endif  // TVMFFI_TESTS_LIBFFI_CORE_STRUCTURAL_COMPARE_H_
