/*!
 * \file tvm/ffi/container/container_detail.h
 * \brief The name that releases after 0.1.14 have for tvm/ffi/container/container_details.h.
 */
#ifndef TVM_FFI_CONTAINER_CONTAINER_DETAIL_H_
#define TVM_FFI_CONTAINER_CONTAINER_DETAIL_H_

#include <tvm/ffi/container/container_details.h>  // IWYU pragma: export

#endif  // TVM_FFI_CONTAINER_CONTAINER_DETAIL_H_
