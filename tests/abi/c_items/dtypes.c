#include "c_items.h"

static int Parse(const char* text, DLDataType* dtype) {
  const TVMFFIByteArray bytes = Bytes(text);
  return TVMFFIDataTypeFromString(&bytes, dtype);
}

static void CheckPrints(DLDataType dtype, const char* text) {
  TVMFFIAny printed = None();
  CHECK(TVMFFIDataTypeToString(&dtype, &printed) == 0);
  CHECK(SameText(ContentOf(&printed), text));
  Release(&printed);
}

typedef struct {
  const char* text;
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
  const char* printed;
} DTypeCase;

static void c_abi_050_parse_and_print(void) {
  static const DTypeCase kCases[] = {
      {"", 3, 0, 0, ""},
      {"void", 3, 0, 0, ""},
      {"bool", 6, 8, 1, "bool"},
      {"bool1", 6, 1, 1, "bool1"},
      {"int", 0, 32, 1, "int32"},
      {"uint8", 1, 8, 1, "uint8"},
      {"u8", 1, 8, 1, "uint8"},
      {"uint1", 1, 1, 1, "uint1"},
      {"i32", 0, 32, 1, "int32"},
      {"float", 2, 32, 1, "float32"},
      {"float16", 2, 16, 1, "float16"},
      {"f16", 2, 16, 1, "float16"},
      {"bfloat16", 4, 16, 1, "bfloat16"},
      {"bf16", 4, 16, 1, "bfloat16"},
      {"handle", 3, 64, 1, "handle"},
      {"float8_e3m4", 7, 8, 1, "float8_e3m4"},
      {"fp8_e4m3", 8, 8, 1, "float8_e4m3"},
      {"f8_e4m3b11fnuz", 9, 8, 1, "float8_e4m3b11fnuz"},
      {"float8_e4m3fn", 10, 8, 1, "float8_e4m3fn"},
      {"float8_e4m3fnuz", 11, 8, 1, "float8_e4m3fnuz"},
      {"float8_e5m2", 12, 8, 1, "float8_e5m2"},
      {"float8_e5m2fnuz", 13, 8, 1, "float8_e5m2fnuz"},
      {"float8_e8m0fnu", 14, 8, 1, "float8_e8m0fnu"},
      {"float6_e2m3fn", 15, 6, 1, "float6_e2m3fn"},
      {"fp6_e3m2fn", 16, 6, 1, "float6_e3m2fn"},
      {"f4_e2m1fn", 17, 4, 1, "float4_e2m1fn"},
      {"float4_e2m1fnx2", 17, 4, 2, "float4_e2m1fnx2"},
      {"float4_e2m1fn_x2", 17, 4, 2, "float4_e2m1fnx2"},
      {"float8", 2, 8, 1, "float8"},
      {"float32x4", 2, 32, 4, "float32x4"},
      {"int8x65535", 0, 8, 65535, NULL},
      {"float32xvscalex4", 2, 32, 65532, "float32xvscalex4"},
  };
  for (size_t i = 0; i < sizeof(kCases) / sizeof(kCases[0]); ++i) {
    DLDataType dtype = {99, 99, 99};
    CHECK(Parse(kCases[i].text, &dtype) == 0);
    if (dtype.code != kCases[i].code || dtype.bits != kCases[i].bits ||
        dtype.lanes != kCases[i].lanes) {
      ReportFailure(__FILE__, __LINE__, kCases[i].text);
    }
    if (kCases[i].printed != NULL) {
      CheckPrints(dtype, kCases[i].printed);
    }
  }
  const TVMFFIByteArray unterminated = {"int8abc", 4};
  DLDataType dtype;
  CHECK(TVMFFIDataTypeFromString(&unterminated, &dtype) == 0 && dtype.bits == 8);
}

static void c_abi_051_printed_dtypes_are_owned_strings(void) {
  const DLDataType dtype = {kDLFloat, 32, 1};
  TVMFFIAny printed = None();
  CHECK(TVMFFIDataTypeToString(&dtype, &printed) == 0);
  CHECK(printed.type_index == kTVMFFISmallStr || printed.type_index == kTVMFFIStr);
  if (printed.type_index == kTVMFFIStr) {
    CHECK(StrongCount(printed.v_obj) == 1);
  }
  Release(&printed);
}

static void c_abi_052_bad_dtypes_are_value_errors(void) {
  DLDataType dtype = {0, 0, 0};
  CHECK_RAISED(
      Parse("float32x0", &dtype), "ValueError",
      "Invalid lanes specification in dtype 'float32x0'. Lanes must be a positive integer.");
  CHECK_RAISED(Parse("float32xx", &dtype), "ValueError",
               "Invalid lanes specification in dtype 'float32xx'.");
  CHECK_RAISED(Parse("int300", &dtype), "ValueError",
               "Bits value 300 is out of range for uint8_t in dtype 'int300'");
  CHECK_RAISED(Parse("foo", &dtype), "ValueError", "unknown dtype `foo`");
  CHECK_RAISED(Parse("Int8", &dtype), "ValueError", "unknown dtype `Int8`");
  CHECK_RAISED(Parse("complex64", &dtype), "ValueError", "unknown dtype `complex64`");
  CHECK_RAISED(Parse("float8_zz", &dtype), "ValueError", "unknown float8 type `float8_zz`");
  CHECK_RAISED(Parse("float6_zz", &dtype), "ValueError", "unknown float6 type `float6_zz`");
  CHECK_RAISED(Parse("float4_zz", &dtype), "ValueError", "unknown float4 type `float4_zz`");
  CHECK_RAISED(Parse("custom[x]8", &dtype), "ValueError",
               "Function dtype.get_custom_type_code not found");
  const DLDataType complex_type = {kDLComplex, 64, 1};
  TVMFFIAny printed = None();
  CHECK_RAISED(TVMFFIDataTypeToString(&complex_type, &printed), "ValueError",
               "DLDataType contains unknown type_code=5");
}

C_ITEMS(kDTypeItems, C_ITEM(c_abi_050_parse_and_print),
        C_ITEM(c_abi_051_printed_dtypes_are_owned_strings),
        C_ITEM(c_abi_052_bad_dtypes_are_value_errors));
