// Prints what BigInt makes of many expressions: the same with every release that has big_int.h.
#include <tvm/ffi/big_int.h>
#include <tvm/ffi/extra/dataclass.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/tvm_ffi.h>

#include <cmath>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::BigInt;
using tvm::ffi::Error;
using tvm::ffi::Function;
using tvm::ffi::Map;
using tvm::ffi::ObjectRef;
using tvm::ffi::Optional;
using tvm::ffi::String;
using tvm::ffi::TypeTraits;
namespace refl = tvm::ffi::reflection;

template <typename Body>
void Show(const std::string& what, Body&& body) {
  std::cout << what << ": ";
  try {
    std::cout << body() << "\n";
  } catch (const Error& error) {
    std::cout << error.kind() << " " << error.message() << "\n";
  }
}
#define SHOW(...) Show(#__VA_ARGS__, [&] { return (__VA_ARGS__); })

template <typename T>
std::string Text(const std::optional<T>& value) {
  return value.has_value() ? std::to_string(*value) : "none";
}
std::string Text(const Any& value) { return tvm::ffi::ReprPrint(value); }

struct HolderObj : public tvm::ffi::Object {
  BigInt value;
  int64_t last = 0;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("compat.BigIntHolder", HolderObj, tvm::ffi::Object);
};

// Every sign, and sizes around the borders of words.
std::vector<BigInt> Operands() {
  std::vector<BigInt> values = {0, 1, 2, 7, INT64_MAX, INT64_MAX - 1, UINT64_MAX};
  for (const int bits : {31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 129, 200}) {
    for (const int offset : {-1, 0, 1}) values.push_back((BigInt(1) << bits) + offset);
  }
  BigInt mixed = 3;
  for (int i = 0; i < 12; ++i) values.push_back(mixed = mixed * 0x7fedcba987654321 + 0x12345);
  const size_t count = values.size();
  for (size_t i = 0; i < count; ++i) values.push_back(-values[i]);
  return values;
}

void ShowPairs() {
  const std::vector<BigInt> operands = Operands();
  for (const BigInt& a : operands) {
    for (const BigInt& b : operands) {
      std::cout << a + b << " " << a - b << " " << a * b << " " << (a & b) << " " << (a | b) << " "
                << (a ^ b) << " " << (a == b) << (a != b) << (a < b) << (a <= b) << (a > b)
                << (a >= b) << " " << min(a, b) << " " << max(a, b);
      if (b) {
        std::cout << " " << a / b << " " << a % b << " " << floordiv(a, b) << " " << floormod(a, b)
                  << " " << truncdiv(a, b) << " " << truncmod(a, b);
      }
      std::cout << "\n";
    }
    std::cout << -a << " " << ~a << " " << !a << " " << a.hash() << " " << std::hash<BigInt>()(a)
              << " " << tvm::ffi::AnyHash()(Any(a)) << " " << std::setprecision(17)
              << static_cast<double>(a) << " " << Text(a.as<int64_t>()) << " "
              << Text(a.as<uint64_t>()) << " " << Text(a.as<int>()) << " " << Text(a.as<uint8_t>())
              << " " << Text(a.as<int8_t>()) << " " << Text(a.as<bool>()) << "\n";
    for (const int count : {0, 1, 31, 32, 63, 64, 65, 100, 128, 500}) {
      std::cout << (a << count) << " " << (a >> count) << " ";
    }
    std::cout << "\n";
  }
}

void ShowErrors() {
  const BigInt big = BigInt(1) << 100;
  SHOW(big / 0);
  SHOW(big % 0);
  SHOW(floordiv(BigInt(1), 0));
  SHOW(floormod(big, 0));
  SHOW(truncmod(big, BigInt()));
  SHOW(big << -1);
  SHOW(BigInt() << -1);
  SHOW(BigInt(1) >> -big);
  SHOW(BigInt(1) << big);
  SHOW(BigInt() << big);
  SHOW(-big >> big);
  SHOW(big >> INT64_MAX);
  SHOW(BigInt(std::nan("")));
  SHOW(BigInt(-HUGE_VAL));
  SHOW(static_cast<int64_t>(big));
  SHOW(static_cast<double>(BigInt(1) << 1024));
  SHOW(static_cast<double>(-(BigInt(1) << 1024) + (BigInt(1) << 970)));
}

void ShowDoubles() {
  for (const double value : {0.0, -0.0, 1.9, -1.9, 5e-324, 9223372036854774784.0,
                             9223372036854775808.0, -9223372036854775808.0, 1e30, -1e30, 1.5e300}) {
    std::cout << BigInt(value) << " " << BigInt(static_cast<float>(value / 1e290)) << "\n";
  }
  std::cout << std::setprecision(17);
  for (const int bits : {53, 54, 64, 100, 128, 1000}) {
    const BigInt power = BigInt(1) << bits;
    for (const BigInt& half : {power >> 53, (power >> 53) * 3}) {
      for (const int offset : {-1, 0, 1}) {
        std::cout << static_cast<double>(power + half + offset) << " "
                  << static_cast<double>(-(power + half + offset)) << "\n";
      }
    }
  }
  SHOW(static_cast<double>((BigInt(1) << 1024) - (BigInt(1) << 970) - 1));
  SHOW(BigInt(5) * 1.9);
  SHOW(2.5 - BigInt(5));
  SHOW(BigInt(5) / 0.5);
  SHOW(BigInt(1) == 1.5);
  SHOW(1.5 < BigInt(2));
}

void ShowStreams() {
  for (const char* text : {"123", "-123", "+5", "  42 x", "-123456789012345678901234567890abc",
                           "abc", "", "-", "- 5", "0x1f", "007", "-0", "99999999999999999999 88",
                           "1.5", "000000000000000000000000000000000001"}) {
    std::istringstream stream(text);
    BigInt value = 77;
    stream >> value;
    const auto state = stream.rdstate();
    stream.clear();
    std::string rest;
    std::getline(stream, rest);
    std::cout << text << ": " << value << " " << state << " '" << rest << "'\n";
  }
  const BigInt big = -(BigInt(1) << 80);
  std::cout << std::hex << std::showpos << big << std::setw(40) << big << std::setw(40) << std::left
            << std::setfill('*') << big << std::setw(40) << std::internal << big << std::dec
            << std::noshowpos << std::right << std::setfill(' ') << "\n";
}

void ShowChanges() {
  BigInt a = BigInt(1) << 100;
  BigInt b = 5;
  a.swap(b);
  std::cout << a << " " << b << "\n";
  BigInt taken = std::move(b);
  std::cout << taken << " " << b << "\n";
  b = std::move(taken);
  std::cout << taken << " " << b << "\n";
  b += b;
  b -= 7;
  b *= b;
  b /= 11;
  b %= BigInt(1) << 90;
  b &= ~BigInt(0xff);
  b |= 3;
  b ^= 1;
  b <<= 70;
  b >>= a;
  std::cout << b++ << " " << ++b << " " << b-- << " " << --b << "\n";
  BigInt edge = INT64_MAX;
  std::cout << edge++ << " " << edge << " " << --edge << "\n";
  std::unordered_map<BigInt, int> map{{b, 1}};
  std::cout << map.count(b) << map.count(a) << "\n";
}

void ShowConversions() {
  const BigInt big = BigInt(1) << 100;
  SHOW(Any(big).GetTypeKey());
  SHOW(Any(BigInt(5)).type_index());
  for (const Any& value : std::vector<Any>{5, Any(big), true, 1.5, nullptr, String("5")}) {
    SHOW(value.cast<BigInt>());
    SHOW(value.as<BigInt>().has_value());
    SHOW(value.try_cast<BigInt>().has_value());
  }
  SHOW(Any(big).cast<int64_t>());
  SHOW(Any(big).cast<double>());
  SHOW(Any(big).cast<ObjectRef>()->GetTypeKey());
  SHOW(TypeTraits<BigInt>::TypeStr());
  SHOW(TypeTraits<BigInt>::TypeSchema());
  SHOW(sizeof(BigInt));
  SHOW(sizeof(Optional<BigInt>));
  const auto same = Function::FromTyped([](BigInt value) { return value; }, "same");
  SHOW(same(big).cast<BigInt>());
  SHOW(same(1.5).cast<BigInt>());
  SHOW(Text(Any(Array<BigInt>{5, big})));
  SHOW((Map<BigInt, int>{{big, 5}, {5, 6}}).at(BigInt(1) << 100));
  SHOW(Text(Any(Optional<BigInt>(big))));
  SHOW(Optional<BigInt>(std::nullopt).has_value());
  SHOW(Any(Array<Any>{1.5, 1}).cast<Array<BigInt>>().size());
  SHOW(tvm::ffi::StructuralEqual()(Any(big), Any(BigInt(1) << 100)));
}

void ShowFields() {
  refl::ObjectDef<HolderObj>().def_rw("value", &HolderObj::value).def_rw("last", &HolderObj::last);
  const auto holder = tvm::ffi::make_object<HolderObj>();
  const refl::FieldSetter set("compat.BigIntHolder", "value");
  const refl::FieldGetter get("compat.BigIntHolder", "value");
  for (const Any& value : std::vector<Any>{5, Any(BigInt(-1) << 70), false}) {
    set(holder.get(), value);
    std::cout << holder->value << " " << Text(get(holder.get())) << "\n";
  }
  SHOW((set(holder.get(), 1.5), 1));
  const TVMFFIFieldInfo* info = refl::GetFieldInfo("compat.BigIntHolder", "value");
  std::cout << sizeof(HolderObj) << " " << info->size << " " << info->field_static_type_index << " "
            << std::string(info->metadata.data, info->metadata.size) << "\n";
}

}  // namespace

int main() {
  ShowPairs();
  ShowErrors();
  ShowDoubles();
  ShowStreams();
  ShowChanges();
  ShowConversions();
  ShowFields();
  return 0;
}
