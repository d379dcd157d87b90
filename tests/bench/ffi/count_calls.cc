// Makes a number of calls through a loaded module, for callgrind to count.
//
//     count_calls MODULE.so CASE N
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace ffi = tvm::ffi;

namespace {

struct HeapAllocator {
  void AllocData(DLTensor* tensor) { tensor->data = std::malloc(ffi::GetDataSize(*tensor)); }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};

ffi::Tensor NewTensor(int64_t rows, int64_t columns) {
  return ffi::Tensor::FromNDAlloc(HeapAllocator(), ffi::Shape({rows, columns}),
                                  DLDataType{kDLFloat, 32, 1}, DLDevice{kDLCPU, 0});
}

template <typename T>
void Keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

template <typename Call>
void Repeat(int64_t n, Call call) {
  for (int64_t i = 0; i < n; ++i) call(i);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  ffi::Module module = ffi::Module::LoadFromFile(ffi::String(argv[1]));
  const std::string name = argv[2];
  const int64_t n = std::atoll(argv[3]);
  auto function = [&](const char* symbol) { return module->GetFunction(symbol).value(); };
  ffi::Tensor a = NewTensor(4, 8), b = NewTensor(8, 2), c = NewTensor(4, 2);
  ffi::TensorView view_a(a), view_b(b), view_c(c);
  if (name == "f()") {
    ffi::Function f = function("nop");
    Repeat(n, [&](int64_t) { f(); });
  } else if (name == "f(int)") {
    ffi::Function f = function("increment");
    Repeat(n, [&](int64_t i) { Keep(f(i).cast<int64_t>()); });
  } else if (name == "f(int,int,double)") {
    ffi::Function f = function("mix");
    Repeat(n, [&](int64_t i) { Keep(f(i, 4, 0.5).cast<double>()); });
  } else if (name == "f(TensorView,TensorView,TensorView)") {
    ffi::Function f = function("count_dimensions");
    Repeat(n, [&](int64_t) { Keep(f(view_a, view_b, view_c).cast<int64_t>()); });
  } else if (name == "f(String)") {
    ffi::Function f = function("text_length");
    Repeat(n, [&](int64_t) { Keep(f("abc").cast<int64_t>()); });
  } else if (name == "callback") {
    ffi::Function f = function("apply");
    ffi::Function callback = ffi::Function::FromTyped([](int64_t x) { return x + 1; });
    Repeat(n, [&](int64_t i) { Keep(f(callback, i).cast<int64_t>()); });
  } else {
    std::fprintf(stderr, "count_calls: no case named %s\n", name.c_str());
    return 2;
  }
  return 0;
}
