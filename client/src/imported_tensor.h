// Tensor objects over memory that something else keeps.
#ifndef TVMFFI_CLIENT_SRC_IMPORTED_TENSOR_H_
#define TVMFFI_CLIENT_SRC_IMPORTED_TENSOR_H_

#include <memory>

#include "client/src/arena.h"
#include "client/src/tensor_pool.h"
#include "proto/codec/any.h"
#include "proto/codec/tensor.h"

namespace tvmffi::host {

// What lives as long as the tensor.
struct TensorKeep {
  std::shared_ptr<Arena> arena;
  ObjectRef object;
  // The worker's handle of the tensor, released when this end lets go of it; 0 for none.
  std::weak_ptr<Worker> worker;
  uint64_t handle = 0;
  // Of memory from a worker's pool.
  std::shared_ptr<PoolBlock> block = nullptr;
};

// `layout` is copied. On failure the handle is released all the same.
Status MakeTensor(void* first_element, const TensorLayout& layout, TensorKeep keep, TVMFFIAny* out);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_IMPORTED_TENSOR_H_
