// What the in-process library costs. Public names only: the same source measures any
// implementation.
//
//     bench_ffi MODULE.so [--benchmark_...]
//     bench_ffi MODULE.so --first-error       prints the microseconds that a fresh process's first
//     error takes
#include <benchmark/benchmark.h>
#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/json.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/extra/structural_equal.h>
#include <tvm/ffi/extra/structural_hash.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/memory.h>
#include <tvm/ffi/string.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace ffi = tvm::ffi;

namespace {

using benchmark::DoNotOptimize;
using benchmark::State;

std::string module_path;

ffi::Module& LoadedModule() {
  static ffi::Module module = ffi::Module::LoadFromFile(ffi::String(module_path));
  return module;
}
ffi::Function Symbol(const char* name) { return LoadedModule()->GetFunction(name).value(); }

struct HeapAllocator {
  void AllocData(DLTensor* tensor) { tensor->data = std::malloc(ffi::GetDataSize(*tensor)); }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};
ffi::Tensor NewTensor(int64_t rows, int64_t columns) {
  return ffi::Tensor::FromNDAlloc(HeapAllocator(), ffi::Shape({rows, columns}),
                                  DLDataType{kDLFloat, 32, 1}, DLDevice{kDLCPU, 0});
}

struct PointObj : public ffi::Object {
  int64_t x = 1;
  double y = 2;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("bench.Point", PointObj, ffi::Object);
};

template <typename Body>
void Add(const char* name, Body body) {
  benchmark::RegisterBenchmark(name, [body](State& state) { body(state); });
}

// Times one operation; `operate` returns what must not be optimised away.
template <typename Operate>
void AddOperation(const char* name, Operate operate) {
  Add(name, [operate](State& state) {
    for (auto _ : state) DoNotOptimize(operate());
  });
}

void AddCalls() {
  Add("call module f()", [](State& state) {
    ffi::Function f = Symbol("nop");
    for (auto _ : state) f();
  });
  Add("call module f(int)", [](State& state) {
    ffi::Function f = Symbol("increment");
    int64_t x = 0;
    for (auto _ : state) DoNotOptimize(x = f(x).cast<int64_t>());
  });
  Add("call module f(int,int,double)", [](State& state) {
    ffi::Function f = Symbol("mix");
    for (auto _ : state) DoNotOptimize(f(3, 4, 0.5).cast<double>());
  });
  Add("call module f(3 TensorView)", [](State& state) {
    ffi::Function f = Symbol("count_dimensions");
    ffi::Tensor a = NewTensor(4, 8), b = NewTensor(8, 2), c = NewTensor(4, 2);
    ffi::TensorView view_a(a), view_b(b), view_c(c);
    for (auto _ : state) DoNotOptimize(f(view_a, view_b, view_c).cast<int64_t>());
  });
  Add("call module f(3 Tensor)", [](State& state) {
    ffi::Function f = Symbol("count_dimensions");
    ffi::Tensor a = NewTensor(4, 8), b = NewTensor(8, 2), c = NewTensor(4, 2);
    for (auto _ : state) DoNotOptimize(f(a, b, c).cast<int64_t>());
  });
  Add("call module f(short text)", [](State& state) {
    ffi::Function f = Symbol("text_length");
    for (auto _ : state) DoNotOptimize(f("abc").cast<int64_t>());
  });
  Add("call module f(long text)", [](State& state) {
    ffi::Function f = Symbol("text_length");
    for (auto _ : state) DoNotOptimize(f("more text than lies in a value").cast<int64_t>());
  });
  Add("call with callback", [](State& state) {
    ffi::Function f = Symbol("apply");
    ffi::Function callback = ffi::Function::FromTyped([](int64_t x) { return x + 1; });
    for (auto _ : state) DoNotOptimize(f(callback, 1).cast<int64_t>());
  });
  Add("call direct typed", [](State& state) {
    ffi::TypedFunction<int64_t(int64_t)> f = [](int64_t x) { return x + 1; };
    int64_t x = 0;
    for (auto _ : state) DoNotOptimize(x = f(x));
  });
  Add("call direct packed", [](State& state) {
    ffi::Function f =
        ffi::Function::FromPacked([](const ffi::AnyView* args, int32_t, ffi::Any* result) {
          *result = args[0].cast<int64_t>() + 1;
        });
    int64_t x = 0;
    for (auto _ : state) DoNotOptimize(x = f(x).cast<int64_t>());
  });
  Add("call TVMFFIFunctionCall", [](State& state) {
    ffi::Function f = Symbol("increment");
    TVMFFIObjectHandle handle = ffi::details::ObjectUnsafe::TVMFFIObjectPtrFromObjectRef(f);
    TVMFFIAny arg{}, result{};
    arg.type_index = kTVMFFIInt;
    for (auto _ : state) {
      result.type_index = kTVMFFINone;
      if (TVMFFIFunctionCall(handle, &arg, 1, &result) != 0) std::abort();
      arg.v_int64 = result.v_int64;
    }
  });
  AddOperation("function from lambda",
               [] { return ffi::Function::FromTyped([](int64_t x) { return x + 1; }); });
  ffi::Function::SetGlobal("bench.global", ffi::Function::FromTyped([](int64_t x) { return x; }),
                           true);
  AddOperation("global lookup", [] { return ffi::Function::GetGlobal("bench.global"); });
  AddOperation("global lookup, missing", [] { return ffi::Function::GetGlobal("bench.none"); });
}

void AddValues() {
  Add("Any copy int", [](State& state) {
    ffi::Any any = 42;
    for (auto _ : state) DoNotOptimize(ffi::Any(any));
  });
  Add("Any copy object", [](State& state) {
    ffi::Any any = ffi::ObjectRef(ffi::make_object<PointObj>());
    for (auto _ : state) DoNotOptimize(ffi::Any(any));
  });
  Add("Any cast int", [](State& state) {
    ffi::Any any = 42;
    for (auto _ : state) {
      DoNotOptimize(any);
      DoNotOptimize(any.cast<int64_t>());
    }
  });
  Add("Any try_cast, refused", [](State& state) {
    ffi::Any any = 1.5;
    for (auto _ : state) {
      DoNotOptimize(any);
      DoNotOptimize(any.try_cast<ffi::String>());
    }
  });
  AddOperation("make_object", [] { return ffi::make_object<PointObj>(); });
  Add("ObjectPtr copy", [](State& state) {
    ffi::ObjectPtr<PointObj> ptr = ffi::make_object<PointObj>();
    for (auto _ : state) DoNotOptimize(ffi::ObjectPtr<PointObj>(ptr));
  });
  AddOperation("Tensor create", [] { return NewTensor(4, 8); });
  Add("Tensor DLPack round trip", [](State& state) {
    ffi::Tensor tensor = NewTensor(4, 8);
    for (auto _ : state) {
      DoNotOptimize(ffi::Tensor::FromDLPackVersioned(tensor.ToDLPackVersioned()));
    }
  });
  Add("String of 7", [](State& state) {
    const char* text = "abcdefg";
    for (auto _ : state) {
      DoNotOptimize(text);
      DoNotOptimize(ffi::String(text, 7));
    }
  });
  Add("String of 64", [](State& state) {
    const std::string text(64, 'x');
    for (auto _ : state) DoNotOptimize(ffi::String(text));
  });
  Add("String == of 64", [](State& state) {
    ffi::String a(std::string(64, 'x')), b(std::string(64, 'x'));
    for (auto _ : state) {
      DoNotOptimize(a);
      DoNotOptimize(b);
      DoNotOptimize(a == b);
    }
  });
}

ffi::Array<int64_t> Numbers(int64_t n) {
  ffi::Array<int64_t> array;
  array.reserve(n);
  for (int64_t i = 0; i < n; ++i) array.push_back(i);
  return array;
}

void AddArrays() {
  AddOperation("Array build 1000", [] { return Numbers(1000); });
  Add("Array index 1000", [](State& state) {
    const ffi::Array<int64_t> array = Numbers(1000);
    for (auto _ : state) {
      int64_t sum = 0;
      for (int64_t i = 0; i < 1000; ++i) sum += array[i];
      DoNotOptimize(sum);
    }
  });
  Add("Array iterate 1000", [](State& state) {
    const ffi::Array<int64_t> array = Numbers(1000);
    for (auto _ : state) {
      int64_t sum = 0;
      for (int64_t value : array) sum += value;
      DoNotOptimize(sum);
    }
  });
}

int64_t KeyNumber(uint64_t* state) {
  *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
  return static_cast<int64_t>(*state >> 2);
}
void MakeKey(int64_t number, int64_t* key) { *key = number; }
void MakeKey(int64_t number, ffi::String* key) { *key = "key_" + std::to_string(number); }

template <typename K>
std::vector<K> Keys(int64_t n, uint64_t seed) {
  std::vector<K> keys(static_cast<size_t>(n));
  for (K& key : keys) MakeKey(KeyNumber(&seed), &key);
  return keys;
}

template <typename K>
ffi::Map<K, int64_t> MapOf(const std::vector<K>& keys) {
  ffi::Map<K, int64_t> map;
  for (const K& key : keys) map.Set(key, 1);
  return map;
}

template <typename K>
void AddMaps(const std::string& kind, int64_t n) {
  constexpr uint64_t kPresent = 88172645463325252u, kAbsent = 1181783497276652981u;
  auto name = [&](const char* what) { return "Map<" + kind + "> " + what + std::to_string(n); };
  Add(name("insert ").c_str(), [n](State& state) {
    const std::vector<K> keys = Keys<K>(n, kPresent);
    for (auto _ : state) DoNotOptimize(MapOf(keys));
  });
  Add(name("find ").c_str(), [n](State& state) {
    const std::vector<K> keys = Keys<K>(n, kPresent);
    const ffi::Map<K, int64_t> map = MapOf(keys);
    for (auto _ : state) {
      int64_t sum = 0;
      for (const K& key : keys) sum += (*map.find(key)).second;
      DoNotOptimize(sum);
    }
  });
  Add(name("find by equal key ").c_str(), [n](State& state) {
    const std::vector<K> keys = Keys<K>(n, kPresent);
    const ffi::Map<K, int64_t> map = MapOf(Keys<K>(n, kPresent));
    for (auto _ : state) {
      int64_t sum = 0;
      for (const K& key : keys) sum += (*map.find(key)).second;
      DoNotOptimize(sum);
    }
  });
  Add(name("find, missing ").c_str(), [n](State& state) {
    const std::vector<K> keys = Keys<K>(n, kAbsent);
    const ffi::Map<K, int64_t> map = MapOf(Keys<K>(n, kPresent));
    for (auto _ : state) {
      size_t found = 0;
      for (const K& key : keys) found += map.count(key);
      DoNotOptimize(found);
    }
  });
  Add(name("iterate ").c_str(), [n](State& state) {
    const ffi::Map<K, int64_t> map = MapOf(Keys<K>(n, kPresent));
    for (auto _ : state) {
      int64_t sum = 0;
      for (auto&& [key, value] : map) sum += value;
      DoNotOptimize(sum);
    }
  });
}

template <typename Raise>
void AddError(const char* name, Raise raise) {
  Add(name, [raise](State& state) {
    ffi::Function fail = Symbol("fail"), increment = Symbol("increment");
    auto raise_once = [&] {
      try {
        raise(fail, increment);
      } catch (const ffi::Error& error) {
        DoNotOptimize(&error);
      }
    };
    // The first is measured apart. From one place, so that this one warms the others up.
    bool warm = false;
    while (!warm || state.KeepRunning()) {
      raise_once();
      warm = true;
    }
  });
}

void AddErrors() {
  using ffi::Function;
  AddError("error across the ABI", [](const Function& fail, const Function&) { fail(1); });
  AddError("error from a wrong argument",
           [](const Function&, const Function& increment) { increment("text"); });
  AddError("error in process", [](const Function&, const Function&) {
    TVM_FFI_THROW(ValueError) << "value " << 1 << " refused";
  });
  Add("error through C", [](State& state) {
    for (auto _ : state) {
      TVMFFIErrorSetRaisedFromCStr("ValueError", "value 1 refused");
      TVMFFIObjectHandle handle = nullptr;
      TVMFFIErrorMoveFromRaised(&handle);
      TVMFFIObjectDecRef(handle);
    }
  });
}

ffi::String Document() {
  std::string text = "[";
  for (int64_t i = 0; text.size() < (1u << 20); ++i) {
    if (i != 0) text += ",";
    text += "{\"id\":" + std::to_string(i) + ",\"name\":\"item number " + std::to_string(i * 7919) +
            "\",\"score\":" + std::to_string(i) +
            ".25,\"tags\":[\"red\",\"green\",\"blue\"],\"nested\":{\"flag\":true,\"none\":null," +
            "\"v\":[1,2,3,4.5]}}";
  }
  return text + "]";
}

void AddDocuments() {
  Add("JSON parse 1 MB", [](State& state) {
    const ffi::String text = Document();
    for (auto _ : state) DoNotOptimize(ffi::json::Parse(text));
  });
  Add("JSON stringify 1 MB", [](State& state) {
    const ffi::Any value = ffi::json::Parse(Document());
    for (auto _ : state) DoNotOptimize(ffi::json::Stringify(value));
  });
  Add("structural hash 1 MB", [](State& state) {
    const ffi::Any value = ffi::json::Parse(Document());
    for (auto _ : state) DoNotOptimize(ffi::StructuralHash::Hash(value));
  });
  Add("structural equal 1 MB", [](State& state) {
    const ffi::Any a = ffi::json::Parse(Document()), b = ffi::json::Parse(Document());
    for (auto _ : state) {
      if (!ffi::StructuralEqual::Equal(a, b)) state.SkipWithError("the documents differ");
    }
  });
}

void AddModules() {
  Add("module GetFunction", [](State& state) {
    const ffi::String name("increment");
    for (auto _ : state) DoNotOptimize(LoadedModule()->GetFunction(name));
  });
  Add("module load, mapped already", [](State& state) {
    LoadedModule();
    const ffi::String path(module_path);
    for (auto _ : state) DoNotOptimize(ffi::Module::LoadFromFile(path));
  });
  Add("module load and GetFunction", [](State& state) {
    const std::string copy = module_path + ".copy.so";
    if (std::system(("cp '" + module_path + "' '" + copy + "'").c_str()) != 0) std::abort();
    const ffi::String path(copy), name("nop");
    for (auto _ : state) {
      DoNotOptimize(ffi::Module::LoadFromFile(path)->GetFunction(name));
    }
    std::remove(copy.c_str());
  });
}

int PrintFirstError() {
  ffi::Function fail = Symbol("fail");
  const auto begin = std::chrono::steady_clock::now();
  try {
    fail(1);
  } catch (const ffi::Error&) {
  }
  const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
  std::printf("%.1f\n", taken.count());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  module_path = argv[1];
  if (argc == 3 && std::strcmp(argv[2], "--first-error") == 0) return PrintFirstError();
  AddCalls();
  AddValues();
  AddArrays();
  for (int64_t n : {10, 1000, 100000}) {
    AddMaps<int64_t>("int", n);
    AddMaps<ffi::String>("String", n);
  }
  AddErrors();
  AddDocuments();
  AddModules();
  argv[1] = argv[0];
  --argc;
  ++argv;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
