/*!
 * \file tvm/ffi/endian.h
 * \brief Byte order of the host and of serialized data.
 */
#ifndef TVM_FFI_ENDIAN_H_
#define TVM_FFI_ENDIAN_H_

#include <cstddef>
#include <cstdint>

#ifndef TVM_FFI_IO_USE_LITTLE_ENDIAN
/*! \brief 1: serialized data is little endian. */
#define TVM_FFI_IO_USE_LITTLE_ENDIAN 1
#endif

#ifdef TVM_FFI_CMAKE_LITTLE_ENDIAN
#define TVM_FFI_LITTLE_ENDIAN TVM_FFI_CMAKE_LITTLE_ENDIAN
#elif defined(__BYTE_ORDER__)
#define TVM_FFI_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#else
#define TVM_FFI_LITTLE_ENDIAN 1
#endif

/*! \brief 1 when serialized data has the host's byte order. */
#define TVM_FFI_IO_NO_ENDIAN_SWAP (TVM_FFI_LITTLE_ENDIAN == TVM_FFI_IO_USE_LITTLE_ENDIAN)

namespace tvm {
namespace ffi {

/*!
 * \brief Reverse the bytes of each element in place.
 * \param data First element.
 * \param elem_bytes Size of one element.
 * \param num_elems Number of elements.
 */
inline void ByteSwap(void* data, size_t elem_bytes, size_t num_elems) {
  uint8_t* elem = static_cast<uint8_t*>(data);
  for (size_t i = 0; i < num_elems; ++i, elem += elem_bytes) {
    for (size_t lo = 0, hi = elem_bytes; lo + 1 < hi; ++lo) {
      --hi;
      const uint8_t byte = elem[lo];
      elem[lo] = elem[hi];
      elem[hi] = byte;
    }
  }
}

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_ENDIAN_H_
