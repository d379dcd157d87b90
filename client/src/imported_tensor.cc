#include "client/src/imported_tensor.h"

#include <utility>
#include <vector>

#include "client/src/worker.h"

namespace tvmffi::host {
namespace {

struct Imported {
  DLManagedTensorVersioned managed;
  std::vector<int64_t> extents;  // shape, then strides
  TensorKeep keep;
};

void Release(DLManagedTensorVersioned* managed) {
  std::unique_ptr<Imported> imported(static_cast<Imported*>(managed->manager_ctx));
  if (imported->keep.handle == 0) return;
  if (std::shared_ptr<Worker> worker = imported->keep.worker.lock())
    worker->Release(imported->keep.handle);
}

}  // namespace

Status MakeTensor(void* first_element, const TensorLayout& layout, TensorKeep keep,
                  TVMFFIAny* out) {
  std::unique_ptr<Imported> imported(new Imported{});
  imported->keep = std::move(keep);
  imported->extents.assign(layout.shape, layout.shape + layout.ndim);
  imported->extents.insert(imported->extents.end(), layout.strides, layout.strides + layout.ndim);
  DLManagedTensorVersioned& managed = imported->managed;
  managed.version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
  managed.manager_ctx = imported.get();
  managed.deleter = &Release;
  managed.dl_tensor.data = first_element;
  managed.dl_tensor.device = {kDLCPU, 0};
  managed.dl_tensor.ndim = static_cast<int32_t>(layout.ndim);
  managed.dl_tensor.dtype = layout.dtype;
  managed.dl_tensor.shape = imported->extents.data();
  managed.dl_tensor.strides = imported->extents.data() + layout.ndim;
  TVMFFIObjectHandle tensor = nullptr;
  DLManagedTensorVersioned* raw = &imported.release()->managed;
  if (TVMFFITensorFromDLPackVersioned(raw, 0, 0, &tensor) != 0) {
    Release(raw);
    return RaisedStatus(Code::kInternal, "cannot make a tensor");
  }
  *out = NoneAny();
  out->type_index = kTVMFFITensor;
  out->v_obj = static_cast<TVMFFIObject*>(tensor);
  return OkStatus();
}

}  // namespace tvmffi::host
