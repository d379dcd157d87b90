// A tensor argument: an ffi.Tensor over memory of an arena, made without the allocations of the
// general path.
#ifndef TVMFFI_HOSTD_WORKER_ARGUMENT_TENSOR_H_
#define TVMFFI_HOSTD_WORKER_ARGUMENT_TENSOR_H_

#include <tvm/ffi/c_api.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "hostd/worker/arena_table.h"
#include "hostd/worker/note_queue.h"

namespace tvmffi::hostd {

// The first two members are the ABI's layout of ffi.Tensor, the rest is the creator's business.
struct ArgumentTensor {
  static constexpr uint32_t kInlineDims = 6;

  TVMFFIObject header;
  DLTensor tensor;
  uint64_t block_id;
  uint32_t arena_id;
  NoteQueue* notes;
  // Set once the plug-in kept a reference: keeps the memory mapped.
  std::shared_ptr<const Arena>* mapping;
  int64_t* large_extents;
  int64_t extents[2 * kInlineDims];
};
static_assert(offsetof(ArgumentTensor, tensor) == 24, "ffi.Tensor's layout");

// One lane's supply. Not thread-safe; tensors that a plug-in keeps leave it.
class ArgumentTensorPool {
 public:
  explicit ArgumentTensorPool(NoteQueue* notes) : notes_(notes) {}
  ArgumentTensorPool(const ArgumentTensorPool&) = delete;
  ArgumentTensorPool& operator=(const ArgumentTensorPool&) = delete;
  ~ArgumentTensorPool();

  // One reference, the caller's. Copies shape and strides.
  ArgumentTensor* Make(const TensorDesc& desc, const int64_t* shape, const int64_t* strides,
                       void* data);

  // True when the caller's is the only reference of any kind.
  static bool IsUnshared(const ArgumentTensor* tensor);

  // Takes back an unshared one.
  void Recycle(ArgumentTensor* tensor);

  // Gives up the caller's reference to one that is shared. kDropped follows when the last other one
  // goes.
  static void Abandon(ArgumentTensor* tensor, std::shared_ptr<const Arena> mapping);

 private:
  static void Delete(void* self, int flags);

  NoteQueue* notes_;
  std::vector<ArgumentTensor*> free_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_WORKER_ARGUMENT_TENSOR_H_
