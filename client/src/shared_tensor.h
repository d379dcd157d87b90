// Tensors in memory that workers can map.
#ifndef TVMFFI_CLIENT_SRC_SHARED_TENSOR_H_
#define TVMFFI_CLIENT_SRC_SHARED_TENSOR_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "client/src/abi.h"
#include "proto/base/status.h"
#include "proto/codec/any.h"

namespace tvmffi::host {

struct ModuleSpec;
class WorkerSlot;

// The end of a tensor that lies against a page nobody can touch. Behind kRight there is the slack
// that an alignment of 64 bytes needs; bytes beside a tensor hold a canary.
enum class Guard { kRight, kLeft };

// A zeroed row-major tensor in a segment of its own.
Status MakeSharedTensor(const std::vector<int64_t>& shape, DLDataType dtype, Guard guard,
                        TVMFFIAny* out);

// A zeroed row-major tensor in the pool of the slot's worker, which is started if there is none
// and the deadlines of `spec` allow. Other workers get copies; so does the next one here.
Failure MakePoolTensor(const std::shared_ptr<WorkerSlot>& slot, const ModuleSpec& spec,
                       const std::vector<int64_t>& shape, DLDataType dtype, TVMFFIAny* out);

// A copy of `tensor`, row-major, that no worker can change whatever it does.
Status MakeInputTensor(const DLTensor& tensor, TVMFFIAny* out);

// A copy of `tensor`, row-major, that workers can write.
Status CopyToSharedTensor(const DLTensor& tensor, TVMFFIAny* out);

// True when the tensor's memory can be passed to a worker without a copy.
bool IsShared(const DLTensor& tensor);

}  // namespace tvmffi::host

#endif  // TVMFFI_CLIENT_SRC_SHARED_TENSOR_H_
