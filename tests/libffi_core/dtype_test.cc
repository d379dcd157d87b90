#include "tests/libffi_core/abi_test_util.h"

namespace tvmffi::test {
namespace {

int Parse(std::string_view text, DLDataType* out) {
  const TVMFFIByteArray bytes = Bytes(text);
  return TVMFFIDataTypeFromString(&bytes, out);
}

std::string Print(DLDataType dtype) {
  TVMFFIAny out;
  EXPECT_EQ(TVMFFIDataTypeToString(&dtype, &out), 0) << TakeRaised().message;
  const Value text(out);
  EXPECT_TRUE(text.type_index() == kTVMFFISmallStr || text.type_index() == kTVMFFIStr);
  return text.text();
}

struct Case {
  const char* text;
  DLDataType dtype;
  const char* printed;
};

class CAbiDType : public ::testing::TestWithParam<Case> {};

TEST_P(CAbiDType, C050_ParsesAndPrints) {
  const Case& expected = GetParam();
  DLDataType dtype{77, 77, 77};

  ASSERT_EQ(Parse(expected.text, &dtype), 0) << TakeRaised().message;

  EXPECT_EQ(int{dtype.code}, int{expected.dtype.code});
  EXPECT_EQ(int{dtype.bits}, int{expected.dtype.bits});
  EXPECT_EQ(int{dtype.lanes}, int{expected.dtype.lanes});
  EXPECT_EQ(Print(dtype), expected.printed);
}

INSTANTIATE_TEST_SUITE_P(
    Section36, CAbiDType,
    ::testing::Values(Case{"", {3, 0, 0}, ""}, Case{"void", {3, 0, 0}, ""},
                      Case{"bool", {6, 8, 1}, "bool"}, Case{"bool1", {6, 1, 1}, "bool1"},
                      Case{"int", {0, 32, 1}, "int32"}, Case{"uint8", {1, 8, 1}, "uint8"},
                      Case{"u8", {1, 8, 1}, "uint8"}, Case{"uint1", {1, 1, 1}, "uint1"},
                      Case{"i32", {0, 32, 1}, "int32"}, Case{"float", {2, 32, 1}, "float32"},
                      Case{"float16", {2, 16, 1}, "float16"}, Case{"f16", {2, 16, 1}, "float16"},
                      Case{"bfloat16", {4, 16, 1}, "bfloat16"},
                      Case{"bf16", {4, 16, 1}, "bfloat16"}, Case{"bfloat", {4, 16, 1}, "bfloat16"},
                      Case{"handle", {3, 64, 1}, "handle"}, Case{"float8", {2, 8, 1}, "float8"},
                      Case{"float8_e3m4", {7, 8, 1}, "float8_e3m4"},
                      Case{"fp8_e4m3", {8, 8, 1}, "float8_e4m3"},
                      Case{"f8_e4m3b11fnuz", {9, 8, 1}, "float8_e4m3b11fnuz"},
                      Case{"float8_e4m3fn", {10, 8, 1}, "float8_e4m3fn"},
                      Case{"float8_e4m3fnuz", {11, 8, 1}, "float8_e4m3fnuz"},
                      Case{"float8_e5m2x4", {12, 8, 4}, "float8_e5m2x4"},
                      Case{"float8_e5m2fnuz", {13, 8, 1}, "float8_e5m2fnuz"},
                      Case{"f8_e8m0fnu", {14, 8, 1}, "float8_e8m0fnu"},
                      Case{"f6_e2m3fn", {15, 6, 1}, "float6_e2m3fn"},
                      Case{"fp6_e3m2fn", {16, 6, 1}, "float6_e3m2fn"},
                      Case{"f4_e2m1fn", {17, 4, 1}, "float4_e2m1fn"},
                      Case{"float4_e2m1fnx2", {17, 4, 2}, "float4_e2m1fnx2"},
                      Case{"float4_e2m1fn_x2", {17, 4, 2}, "float4_e2m1fnx2"},
                      Case{"float32x4", {2, 32, 4}, "float32x4"},
                      Case{"float32xvscalex4", {2, 32, 65532}, "float32xvscalex4"}));

TEST(CAbi, C050_InputNeedsNoTerminator) {
  DLDataType dtype{};
  ASSERT_EQ(Parse(std::string_view("int32xyz", 5), &dtype), 0);
  EXPECT_EQ(dtype.bits, 32);
  EXPECT_EQ(dtype.code, kDLInt);
}

TEST(CAbi, C052_BadDTypesAreValueErrors) {
  DLDataType dtype{};
  const std::pair<const char*, const char*> cases[] = {
      {"foo", "unknown dtype `foo`"},
      {"Int32", "unknown dtype `Int32`"},
      {" int32", "unknown dtype ` int32`"},
      {"int32abc", "unknown dtype `int32abc`"},
      {"complex64", "unknown dtype `complex64`"},
      {"i", "unknown dtype `i`"},
      {"int0", "unknown dtype `int0`"},
      {"float8_zz", "unknown float8 type `float8_zz`"},
      {"f6_zz", "unknown float6 type `float6_zz`"},
      {"float4_zz", "unknown float4 type `float4_zz`"},
      {"int32x0",
       "Invalid lanes specification in dtype 'int32x0'. Lanes must be a positive integer."},
      {"floatx", "Invalid lanes specification in dtype 'floatx'."},
      {"floatxx", "Invalid lanes specification in dtype 'floatxx'."},
      {"int8x65536", "Lanes value 65536 is out of range for uint16_t in dtype 'int8x65536'"},
      {"int8x99999999999999999999", "is out of range for uint32_t"},
      {"float32xvscale", "Invalid lanes specification in dtype 'float32xvscale'."},
      {"int300", "Bits value 300 is out of range for uint8_t in dtype 'int300'"},
      {"custom[x]8", "Function dtype.get_custom_type_code not found"},
      {"custom[x", "unknown dtype `custom[x`"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text);
    ExpectRaised(Parse(text, &dtype), "ValueError", message);
  }
}

TEST(CAbi, C051_APrintedDTypeIsTheCallersToRelease) {
  const DLDataType dtype{kDLFloat, 32, 4};
  TVMFFIAny out;
  ASSERT_EQ(TVMFFIDataTypeToString(&dtype, &out), 0);
  ASSERT_EQ(out.type_index, kTVMFFIStr);
  EXPECT_EQ(StrongCount(out.v_obj), 1u);
  EXPECT_EQ(Value(out).text(), "float32x4");
}

TEST(CAbi, C052_UnknownCodesCannotBePrinted) {
  TVMFFIAny out;
  for (int code : {5, 77}) {
    const DLDataType dtype{static_cast<uint8_t>(code), 64, 1};
    ExpectRaised(TVMFFIDataTypeToString(&dtype, &out), "ValueError",
                 "DLDataType contains unknown type_code=" + std::to_string(code));
  }
}

TEST(CAbi, CustomDTypesGoThroughTheirTwoHooks) {
  const TVMFFIByteArray code_name = Bytes("dtype.get_custom_type_code");
  const TVMFFIByteArray name_name = Bytes("dtype.get_custom_type_name");
  Ref code_hook, name_hook;
  TVMFFIFunctionCreate(
      nullptr,
      [](void*, const TVMFFIAny*, int32_t, TVMFFIAny* result) {
        *result = Int(150);
        return 0;
      },
      nullptr, code_hook.out());
  TVMFFIFunctionCreate(
      nullptr,
      [](void*, const TVMFFIAny* args, int32_t, TVMFFIAny* result) {
        const TVMFFIByteArray name = Bytes(args[0].v_int64 == 150 ? "my_long_type" : "?");
        return TVMFFIStringFromByteArray(&name, result);
      },
      nullptr, name_hook.out());
  ASSERT_EQ(TVMFFIFunctionSetGlobal(&code_name, code_hook.get(), 0), 0);
  ASSERT_EQ(TVMFFIFunctionSetGlobal(&name_name, name_hook.get(), 0), 0);

  DLDataType dtype{};
  EXPECT_EQ(Parse("custom[my_long_type]8x2", &dtype), 0);
  EXPECT_EQ(dtype.code, 150);
  EXPECT_EQ(dtype.bits, 8);
  EXPECT_EQ(dtype.lanes, 2);
  EXPECT_EQ(Print(dtype), "custom[my_long_type]x2");
}

}  // namespace
}  // namespace tvmffi::test
