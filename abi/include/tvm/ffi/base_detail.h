/*!
 * \file tvm/ffi/base_detail.h
 * \brief The name that releases after 0.1.14 have for tvm/ffi/base_details.h.
 */
#ifndef TVM_FFI_BASE_DETAIL_H_
#define TVM_FFI_BASE_DETAIL_H_

#include <tvm/ffi/base_details.h>  // IWYU pragma: export

#endif  // TVM_FFI_BASE_DETAIL_H_
