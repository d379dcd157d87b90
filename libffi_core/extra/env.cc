// What surrounds a call: streams, tensor allocators, pending signals of the host language.
#include <tvm/ffi/extra/c_env_api.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "libffi_core/guard.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

struct DeviceStream {
  int32_t device_type;
  int32_t device_id;
  TVMFFIStreamHandle stream;
};

// A thread uses few devices, so a list beats a map.
thread_local std::vector<DeviceStream> streams;

DeviceStream* FindStream(int32_t device_type, int32_t device_id) {
  auto it = std::find_if(streams.begin(), streams.end(), [&](const DeviceStream& entry) {
    return entry.device_type == device_type && entry.device_id == device_id;
  });
  return it == streams.end() ? nullptr : &*it;
}

TVMFFIStreamHandle ExchangeStream(int32_t device_type, int32_t device_id,
                                  TVMFFIStreamHandle stream) {
  if (device_type < 0 || device_id < 0) {
    throw Failure("ValueError", "cannot set the stream of device type " +
                                    std::to_string(device_type) + ", id " +
                                    std::to_string(device_id) + ": both must not be negative");
  }
  DeviceStream* entry = FindStream(device_type, device_id);
  if (entry != nullptr) return std::exchange(entry->stream, stream);
  streams.push_back({device_type, device_id, stream});
  return nullptr;
}

thread_local DLPackManagedTensorAllocator thread_allocator = nullptr;
std::atomic<DLPackManagedTensorAllocator> global_allocator{nullptr};

void RaiseAllocatorError(void*, const char* kind, const char* message) {
  TVMFFIErrorSetRaisedFromCStr(kind, message);
}

TVMFFIObjectHandle AllocateTensor(DLTensor* prototype) {
  NotNull(prototype, "TVMFFIEnvTensorAlloc: prototype");
  DLPackManagedTensorAllocator allocator = TVMFFIEnvGetDLPackManagedTensorAllocator();
  if (allocator == nullptr) {
    throw Failure("RuntimeError",
                  "TVMFFIEnvTensorAlloc: allocator is nullptr, likely because "
                  "TVMFFIEnvSetDLPackManagedTensorAllocator has not been called.");
  }
  DLManagedTensorVersioned* managed = nullptr;
  int code = allocator(prototype, &managed, nullptr, RaiseAllocatorError);
  if (code != 0) throw AlreadyRaised{code};
  if (managed == nullptr) {
    throw Failure("RuntimeError",
                  "TVMFFIEnvTensorAlloc: failed to allocate a tensor from the allocator");
  }
  TVMFFIObjectHandle tensor = nullptr;
  code = TVMFFITensorFromDLPackVersioned(managed, 0, 0, &tensor);
  if (code == 0) return tensor;
  if (managed->deleter != nullptr) managed->deleter(managed);
  throw AlreadyRaised{code};
}

std::atomic<int (*)()> check_signals{nullptr};
std::atomic<void* (*)()> gil_ensure{nullptr};
std::atomic<void (*)(void*)> gil_release{nullptr};

template <typename Function>
void StoreSymbol(void* symbol, std::atomic<Function>* target) {
  target->store(reinterpret_cast<Function>(symbol), std::memory_order_release);
}

void RegisterHostFunction(const char* name, void* symbol) {
  NotNull(name, "TVMFFIEnvRegisterCAPI: name");
  if (std::strcmp(name, "PyErr_CheckSignals") == 0) {
    StoreSymbol(symbol, &check_signals);
  } else if (std::strcmp(name, "PyGILState_Ensure") == 0) {
    StoreSymbol(symbol, &gil_ensure);
  } else if (std::strcmp(name, "PyGILState_Release") == 0) {
    StoreSymbol(symbol, &gil_release);
  } else {
    throw Failure("ValueError", std::string("Unknown env API ") + name);
  }
}

void CheckSignals() {
  auto check = check_signals.load(std::memory_order_acquire);
  if (check == nullptr) return;
  auto ensure = gil_ensure.load(std::memory_order_acquire);
  auto release = gil_release.load(std::memory_order_acquire);
  if (ensure == nullptr || release == nullptr) {
    throw Failure("RuntimeError",
                  "PyErr_CheckSignals is registered without PyGILState_Ensure and "
                  "PyGILState_Release");
  }
  void* gil_state = ensure();
  const int pending = check();
  release(gil_state);
  // The host language holds the error; none is raised here.
  if (pending != 0) throw AlreadyRaised{-1};
}

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::Guarded;
using tvmffi::core::NotNull;

extern "C" {

int TVMFFIEnvSetStream(int32_t device_type, int32_t device_id, TVMFFIStreamHandle stream,
                       TVMFFIStreamHandle* opt_out_original_stream) {
  return Guarded([&] {
    TVMFFIStreamHandle original = tvmffi::core::ExchangeStream(device_type, device_id, stream);
    if (opt_out_original_stream != nullptr) *opt_out_original_stream = original;
  });
}

TVMFFIStreamHandle TVMFFIEnvGetStream(int32_t device_type, int32_t device_id) {
  const tvmffi::core::DeviceStream* entry = tvmffi::core::FindStream(device_type, device_id);
  return entry == nullptr ? nullptr : entry->stream;
}

int TVMFFIEnvSetDLPackManagedTensorAllocator(
    DLPackManagedTensorAllocator allocator, int write_to_global_context,
    DLPackManagedTensorAllocator* opt_out_original_allocator) {
  DLPackManagedTensorAllocator original = std::exchange(tvmffi::core::thread_allocator, allocator);
  if (opt_out_original_allocator != nullptr) *opt_out_original_allocator = original;
  if (write_to_global_context != 0) {
    tvmffi::core::global_allocator.store(allocator, std::memory_order_release);
  }
  return 0;
}

DLPackManagedTensorAllocator TVMFFIEnvGetDLPackManagedTensorAllocator(void) {
  if (tvmffi::core::thread_allocator != nullptr) return tvmffi::core::thread_allocator;
  return tvmffi::core::global_allocator.load(std::memory_order_acquire);
}

int TVMFFIEnvTensorAlloc(DLTensor* prototype, TVMFFIObjectHandle* out) {
  return Guarded([&] {
    TVMFFIObjectHandle& result = NotNull(out, "TVMFFIEnvTensorAlloc: out");
    result = tvmffi::core::AllocateTensor(prototype);
  });
}

int TVMFFIEnvCheckSignals(void) {
  return Guarded([] { tvmffi::core::CheckSignals(); });
}

int TVMFFIEnvRegisterCAPI(const char* name, void* symbol) {
  return Guarded([&] { tvmffi::core::RegisterHostFunction(name, symbol); });
}

}  // extern "C"
