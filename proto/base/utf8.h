// Text from elsewhere is UTF-8 only once it has been looked at.
#ifndef TVMFFI_PROTO_BASE_UTF8_H_
#define TVMFFI_PROTO_BASE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tvmffi {

// One character at the front of `text`, which is not empty. Its length in bytes; 0 when no
// well-formed sequence (Unicode 15, table 3-7: no overlong form, no surrogate, nothing beyond
// U+10FFFF) starts there, and `*code_point` is unchanged.
size_t DecodeUtf8(std::string_view text, uint32_t* code_point);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_BASE_UTF8_H_
