// Copies out of memory that a peer can change at any moment. What was copied may be checked and
// used; what it was copied from must not be looked at again.
#ifndef TVMFFI_PROTO_BASE_PEER_MEMORY_H_
#define TVMFFI_PROTO_BASE_PEER_MEMORY_H_

#include <cstddef>
#include <cstring>
#include <vector>

#ifdef TVMFFI_TEST_PEER_MEMORY
#include <cstdlib>
#endif

namespace tvmffi {

#ifdef TVMFFI_TEST_PEER_MEMORY
// No shipped library is built with this. The peer of the tests strikes at the worst moment: every
// byte is changed right after it was copied, or with $TVMFFI_TEST_PEER_MEMORY=before right before.
inline void LetPeerChange(bool copied, const void* memory, size_t size) {
  const char* when = std::getenv("TVMFFI_TEST_PEER_MEMORY");
  if (copied == (when != nullptr && std::strcmp(when, "before") == 0)) return;
  auto* bytes = static_cast<volatile unsigned char*>(const_cast<void*>(memory));
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(bytes[i] ^ 0xff);
}
#else
inline void LetPeerChange(bool, const void*, size_t) {}
#endif

inline void CopyFromPeer(void* to, const void* from, size_t size) {
  LetPeerChange(/*copied=*/false, from, size);
  std::memcpy(to, from, size);
  LetPeerChange(/*copied=*/true, from, size);
}

inline void CopyFromPeer(std::vector<char>* to, const char* from, size_t size) {
  LetPeerChange(/*copied=*/false, from, size);
  to->assign(from, from + size);
  LetPeerChange(/*copied=*/true, from, size);
}

}  // namespace tvmffi

#endif  // TVMFFI_PROTO_BASE_PEER_MEMORY_H_
