/*!
 * \file tvm/ffi/extra/base64.h
 * \brief Base64 text of bytes, with the alphabet `A-Za-z0-9+/` and `=` padding, and back.
 */
#ifndef TVM_FFI_EXTRA_BASE64_H_
#define TVM_FFI_EXTRA_BASE64_H_

#include <tvm/ffi/error.h>
#include <tvm/ffi/string.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace tvm {
namespace ffi {
namespace details {

/*! \brief The six bits that a character stands for; 0 for one outside the alphabet. */
constexpr uint32_t Base64Bits(char c) {
  return static_cast<uint32_t>(c >= 'A' && c <= 'Z'   ? c - 'A'
                               : c >= 'a' && c <= 'z' ? c - 'a' + 26
                               : c >= '0' && c <= '9' ? c - '0' + 52
                               : c == '+'             ? 62
                               : c == '/'             ? 63
                                                      : 0);
}
}  // namespace details

/*! \brief The base64 text of `bytes`. */
inline String Base64Encode(TVMFFIByteArray bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size + 2) / 3 * 4);
  const auto byte_at = [&bytes](size_t i) -> uint32_t {
    return i < bytes.size ? static_cast<unsigned char>(bytes.data[i]) : 0;
  };
  for (size_t i = 0; i < bytes.size; i += 3) {
    const uint32_t group = byte_at(i) << 16 | byte_at(i + 1) << 8 | byte_at(i + 2);
    text.push_back(kAlphabet[group >> 18]);
    text.push_back(kAlphabet[(group >> 12) & 63]);
    text.push_back(i + 1 < bytes.size ? kAlphabet[(group >> 6) & 63] : '=');
    text.push_back(i + 2 < bytes.size ? kAlphabet[group & 63] : '=');
  }
  return String(text);
}
inline String Base64Encode(const Bytes& bytes) {
  return Base64Encode(TVMFFIByteArray{bytes.data(), bytes.size()});
}

/*!
 * \brief The bytes that a base64 text stands for.
 *
 * Characters are not checked: one that does not belong there counts as `A`.
 * \note InternalError when the length is not a multiple of four.
 */
inline Bytes Base64Decode(TVMFFIByteArray bytes) {
  TVM_FFI_ICHECK(bytes.size % 4 == 0) << "invalid base64 encoding";
  std::string content;
  content.reserve(bytes.size / 4 * 3);
  for (size_t i = 0; i < bytes.size; i += 4) {
    const char* const quad = bytes.data + i;
    const uint32_t group = details::Base64Bits(quad[0]) << 18 | details::Base64Bits(quad[1]) << 12 |
                           details::Base64Bits(quad[2]) << 6 | details::Base64Bits(quad[3]);
    content.push_back(static_cast<char>(group >> 16));
    if (quad[2] != '=') {
      content.push_back(static_cast<char>(group >> 8));
    }
    if (quad[3] != '=') {
      content.push_back(static_cast<char>(group));
    }
  }
  return Bytes(content);
}
inline Bytes Base64Decode(const String& text) {
  return Base64Decode(TVMFFIByteArray{text.data(), text.size()});
}

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_BASE64_H_
