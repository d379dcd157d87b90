// SHA-256 (FIPS 180-4), for telling whether two files are the same one.
#ifndef TVMFFI_PROTO_BASE_SHA256_H_
#define TVMFFI_PROTO_BASE_SHA256_H_

#include <cstddef>
#include <string>

namespace tvmffi {

inline constexpr size_t kSha256Digits = 64;

// The digest as lower-case hexadecimal digits.
std::string Sha256(const void* data, size_t size);

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_BASE_SHA256_H_
