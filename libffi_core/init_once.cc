#include <tvm/ffi/c_api.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "libffi_core/guard.h"

namespace tvmffi::core {
namespace {

// Which thread is filling which handle. No lock is held while user code runs, so filling one handle
// may need another.
class HandleInitializer {
 public:
  static HandleInitializer& Global() {
    static auto* initializer = new HandleInitializer;
    return *initializer;
  }

  void Fill(void** address, int (*init_func)(void** result)) {
    std::unique_lock lock(mutex_);
    while (Load(address) == nullptr && running_.count(address) != 0) {
      if (running_[address] == std::this_thread::get_id()) {
        throw Failure("RuntimeError", "init_func needs the handle that it is making");
      }
      finished_.wait(lock);
    }
    if (Load(address) != nullptr) return;
    running_[address] = std::this_thread::get_id();
    lock.unlock();

    void* made = nullptr;
    const int code = init_func(&made);

    lock.lock();
    running_.erase(address);
    if (code == 0 && made != nullptr) __atomic_store_n(address, made, __ATOMIC_RELEASE);
    lock.unlock();
    finished_.notify_all();
    if (code != 0) throw AlreadyRaised{code};
    if (made == nullptr) {
      throw Failure("RuntimeError", "init_func must return a non-NULL handle");
    }
  }

  static void* Load(void** address) { return __atomic_load_n(address, __ATOMIC_ACQUIRE); }

 private:
  std::mutex mutex_;
  std::condition_variable finished_;
  std::unordered_map<void**, std::thread::id> running_;
};

}  // namespace
}  // namespace tvmffi::core

using tvmffi::core::NotNull;

extern "C" {

int TVMFFIHandleInitOnce(void** handle_addr, int (*init_func)(void** result)) {
  using tvmffi::core::HandleInitializer;
  if (handle_addr != nullptr && HandleInitializer::Load(handle_addr) != nullptr) return 0;
  return tvmffi::core::Guarded([&] {
    NotNull(handle_addr, "TVMFFIHandleInitOnce: handle_addr");
    NotNull(init_func, "TVMFFIHandleInitOnce: init_func");
    HandleInitializer::Global().Fill(handle_addr, init_func);
  });
}

int TVMFFIHandleDeinitOnce(void** handle_addr, int (*deinit_func)(void* handle)) {
  return tvmffi::core::Guarded([&] {
    NotNull(handle_addr, "TVMFFIHandleDeinitOnce: handle_addr");
    NotNull(deinit_func, "TVMFFIHandleDeinitOnce: deinit_func");
    void* old = __atomic_exchange_n(handle_addr, nullptr, __ATOMIC_ACQ_REL);
    const int code = old == nullptr ? 0 : deinit_func(old);
    if (code != 0) throw tvmffi::core::AlreadyRaised{code};
  });
}

}  // extern "C"
