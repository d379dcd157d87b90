/*!
 * \file tvm/ffi/function_detail.h
 * \brief The name that releases after 0.1.14 have for tvm/ffi/function_details.h.
 */
#ifndef TVM_FFI_FUNCTION_DETAIL_H_
#define TVM_FFI_FUNCTION_DETAIL_H_

#include <tvm/ffi/function_details.h>  // IWYU pragma: export

#endif  // TVM_FFI_FUNCTION_DETAIL_H_
