"""Compiling modules from Python: cache, flags, errors, object files, device code."""

from __future__ import annotations

import ctypes
import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import tvm_ffi.cpp
from tvm_ffi.cpp import _ninja, _toolchain, nvrtc
from tvm_ffi.utils import FileLock
from tvm_ffi.utils.embed_cubin import embed_cubin

from other_threads import longest_silence_during

ADD_ONE = "int add_one(int x) { return x + 1; }"
C_ADD_ONE = """
#include <tvm/ffi/c_api.h>
TVM_FFI_DLL_EXPORT int __tvm_ffi_add_one(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)num_args;
  result->type_index = kTVMFFIInt;
  result->zero_padding = 0;
  result->v_int64 = args[0].v_int64 + 1;
  return 0;
}
"""
LEAN = "#include <tvm/ffi/function.h>\n"

needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc on PATH")


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _environment(cache, monkeypatch):
    monkeypatch.setenv("TVM_FFI_CACHE_DIR", str(cache))
    for name in ("TVM_FFI_CUDA_ARCH_LIST", "TVM_FFI_GPU_BACKEND", "TVM_FFI_CPP_EXTENSION_LOG_BUILD", "MAX_JOBS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def c_source(tmp_path):
    source = tmp_path / "add_one.c"
    source.write_text(C_ADD_ONE)
    return source


def inline_folder(cache, name):
    (folder,) = cache.glob(f"{name}_*")
    return folder


def test_143_the_second_call_compiles_nothing(cache):
    first = tvm_ffi.cpp.load_inline("twice", cpp_sources=ADD_ONE, functions="add_one")
    folder = inline_folder(cache, "twice")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}

    second = tvm_ffi.cpp.load_inline("twice", cpp_sources=[ADD_ONE], functions=["add_one"])

    assert {path.name: path.stat().st_mtime_ns for path in inline_folder(cache, "twice").iterdir()} == before
    assert not second.same_as(first) and second.add_one(1) == first.add_one(1) == 2


def test_144_the_cache_folder(cache):
    path = Path(tvm_ffi.cpp.build_inline("twice", cpp_sources=ADD_ONE, functions="add_one"))
    folder = path.parent
    prefix, _, key = folder.name.rpartition("_")
    assert (folder.parent, prefix, len(key), int(key, 16) >= 0) == (cache.resolve(), "twice", 16, True)
    visible = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    assert visible == ["build.ninja", "cpp_0.o", "lock", "main.cpp", "twice.so"]


def plan_key(output="x.so", texts=None, **arguments):
    from tvm_ffi.cpp._plan import Plan

    return Plan(output=output, sources=["main.cpp"], **arguments).key(texts or {})


def test_144_the_key_depends_on_flags_texts_and_versions(monkeypatch):
    key = plan_key()
    assert plan_key() == key
    keys = {key, plan_key(extra_cflags=["-O1"]), plan_key(extra_ldflags=["-s"]), plan_key(extra_include_paths=["/a"])}
    keys |= {plan_key(output="y.so"), plan_key(texts={"main.cpp": "a"}), plan_key(cubins=["k"])}
    monkeypatch.setattr("tvm_ffi._version.__version__", "9.9.9")
    keys.add(plan_key())
    monkeypatch.setattr(_toolchain, "version_of", lambda command: "another compiler")
    keys.add(plan_key())
    monkeypatch.setenv("CXX", "another-c++")
    keys.add(plan_key())
    assert len(keys) == 10


def test_145_a_syntax_error_shows_what_the_compiler_said():
    with pytest.raises(RuntimeError, match="ninja exited with status 1") as caught:
        tvm_ffi.cpp.load_inline("wrong", cpp_sources="int f(int x) { return x + 1 }", functions="f")
    text = str(caught.value)
    assert "main.cpp:7:" in text and "error: expected" in text and "return x + 1 }" in text


def test_146_an_export_nobody_defines():
    with pytest.raises(RuntimeError, match="nowhere"):
        tvm_ffi.cpp.load_inline("missing", cpp_sources=ADD_ONE, functions=["nowhere"])


def test_147_no_sources():
    with pytest.raises(AssertionError, match="nothing"):
        tvm_ffi.cpp.build_inline("nothing", functions="f")
    with pytest.raises(AssertionError, match="nothing"):
        tvm_ffi.cpp.build("nothing")


def test_148_an_object_file_to_link_later(tmp_path):
    path = tvm_ffi.cpp.build_inline("ob", cpp_sources=ADD_ONE, functions="add_one", output="ob.o")
    assert path.endswith("/ob.o")
    assert tvm_ffi.cpp.load("linked", sources=[path]).add_one(1) == 2


def test_149_c_sources(c_source, tmp_path):
    path = tvm_ffi.cpp.build("c", sources=[str(c_source)], output="x.o", build_directory=tmp_path / "bd")
    assert path == str(tmp_path / "bd" / "x.o")
    text = (tmp_path / "bd" / "build.ninja").read_text()
    assert "build c_0.o: compile_c " in text and "\ncc = " in text and "cflags = -fPIC -O2 -I" in text
    assert tvm_ffi.cpp.load("of_c", sources=path).add_one(1) == 2


def test_149_sources_of_several_kinds_are_merged(c_source, tmp_path):
    (tmp_path / "two.cc").write_text(LEAN + "TVM_FFI_DLL_EXPORT_TYPED_FUNC(two, []() { return TWO; });\n")
    path = tvm_ffi.cpp.build(
        "both",
        sources=[str(c_source)],
        cpp_files=str(tmp_path / "two.cc"),
        extra_cflags=["-DTWO=2"],
        output="both.o",
    )
    module = tvm_ffi.cpp.load("both", sources=[path])
    assert (module.add_one(1), module.two()) == (2, 2)


def test_a_changed_file_is_compiled_and_loaded_again(tmp_path):
    source = tmp_path / "value.cc"
    header = tmp_path / "include folder" / "value.h"
    header.parent.mkdir()
    source.write_text(LEAN + '#include "value.h"\nTVM_FFI_DLL_EXPORT_TYPED_FUNC(value, []() { return VALUE; });\n')
    modules = []
    for value in (1, 2):
        header.write_text(f"#define VALUE {value}\n")
        modules.append(tvm_ffi.cpp.load("value", sources=str(source), extra_include_paths=[str(header.parent)]))
    assert [module.value() for module in modules] == [1, 2]


def fake_nvcc(folder, body="touch cuda_0.o cuda_0.o.d"):
    """A CUDA toolkit that compiles nothing."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "nvcc").write_text(f"#!/bin/sh\n{body}\n")
    (folder / "bin" / "nvcc").chmod(0o755)
    return folder


@needs_nvcc
def test_150_cuda_for_two_architectures(monkeypatch, tmp_path):
    monkeypatch.setenv("TVM_FFI_CUDA_ARCH_LIST", "8.0 9.0a")
    source = LEAN + "__global__ void Kernel(float* x) { *x += 1; }\n"
    source += "TVM_FFI_DLL_EXPORT_TYPED_FUNC(host, []() { return 5; });\n"
    (tmp_path / "kernel.cu").write_text(source)
    module = tvm_ffi.cpp.load("kernel", cuda_files=[str(tmp_path / "kernel.cu")], build_directory=tmp_path / "bd")
    assert module.host() == 5
    text = (tmp_path / "bd" / "build.ninja").read_text()
    assert "-gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_90a,code=sm_90a" in text
    assert "-lcudart" in text and (tmp_path / "bd" / "cuda_0.o").exists()


def test_150_cuda_text_alone_holds_the_exports(monkeypatch, tmp_path):
    monkeypatch.setenv("TVM_FFI_CUDA_ARCH_LIST", "9.0")
    monkeypatch.setenv("CUDA_HOME", str(fake_nvcc(tmp_path / "cuda", "exit 3")))
    with pytest.raises(RuntimeError, match="ninja exited"):
        tvm_ffi.cpp.build_inline("k", cuda_sources=ADD_ONE, functions="add_one", build_directory=tmp_path / "bd")
    assert "TYPED_FUNC(add_one, add_one);" in (tmp_path / "bd" / "cuda.cu").read_text()
    main = (tmp_path / "bd" / "main.cpp").read_text()
    assert "#include" in main and "TYPED_FUNC" not in main
    assert "main.cpp" not in (tmp_path / "bd" / "build.ninja").read_text()


def test_151_architectures(monkeypatch, tmp_path):
    monkeypatch.setenv("CUDA_HOME", str(fake_nvcc(tmp_path / "cuda")))
    monkeypatch.setenv("TVM_FFI_CUDA_ARCH_LIST", "90")
    with pytest.raises(ValueError, match="TVM_FFI_CUDA_ARCH_LIST has '90'"):
        tvm_ffi.cpp.build_inline("k", cuda_sources=ADD_ONE)
    monkeypatch.delenv("TVM_FFI_CUDA_ARCH_LIST")
    monkeypatch.setattr(_toolchain, "_compute_of_first_gpu", lambda: None)
    with pytest.raises(RuntimeError, match="TVM_FFI_CUDA_ARCH_LIST"):
        tvm_ffi.cpp.build_inline("k", cuda_sources=ADD_ONE)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["9.0", "8.0"], "9.0"),
        (["N/A", "NVIDIA A100-SXM4-40GB"], "8.0"),
        (["", "NVIDIA A10"], "8.6"),
        (["", "GT 710"], None),
    ],
)
def test_151_the_first_gpu_decides(monkeypatch, tmp_path, answers, expected):
    program = tmp_path / "nvidia-smi"
    program.write_text(f'#!/bin/sh\ncase $1 in *compute_cap) echo "{answers[0]}";; *) echo "{answers[1]}";; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert _toolchain._compute_of_first_gpu.__wrapped__() == expected


def test_152_an_unknown_back_end():
    with pytest.raises(ValueError, match="'zz'"):
        tvm_ffi.cpp.build_inline("k", cuda_sources=ADD_ONE, backend="zz")
    with pytest.raises(ValueError, match="'zz'"):
        tvm_ffi.cpp.load("k", sources="a.cu", backend="zz")


def test_152_who_chooses_the_back_end(monkeypatch):
    monkeypatch.setattr(_toolchain, "_backend_of_torch", lambda: None)
    installed = {"nvcc"}
    monkeypatch.setattr(_toolchain.shutil, "which", lambda name: name if name in installed else None)
    assert _toolchain.choose_backend(None) == "cuda"
    installed.add("hipcc")
    assert _toolchain.choose_backend(None) == "cuda"
    installed.remove("nvcc")
    assert _toolchain.choose_backend(None) == "hip"
    monkeypatch.setattr(_toolchain, "_backend_of_torch", lambda: "cuda")
    assert _toolchain.choose_backend(None) == "cuda"
    monkeypatch.setenv("TVM_FFI_GPU_BACKEND", "hip")
    assert _toolchain.choose_backend(None) == "hip" and _toolchain.choose_backend("cuda") == "cuda"
    monkeypatch.setenv("TVM_FFI_GPU_BACKEND", "other")
    assert _toolchain.choose_backend(None) == "cuda"


def test_152_hip(monkeypatch, tmp_path):
    monkeypatch.setenv("ROCM_HOME", str(tmp_path / "rocm"))
    monkeypatch.setenv("TVM_FFI_ROCM_ARCH_LIST", "gfx90a gfx942")
    with pytest.raises(RuntimeError, match="hipcc"):
        tvm_ffi.cpp.build_inline("k", cuda_sources=ADD_ONE, backend="hip", build_directory=tmp_path / "bd")
    text = (tmp_path / "bd" / "build.ninja").read_text()
    assert "--offload-arch=gfx90a --offload-arch=gfx942" in text and "-lamdhip64" in text
    assert "-D__HIP_PLATFORM_AMD__=1 -fno-gpu-rdc" in text


def test_153_the_build_directory(tmp_path, monkeypatch, c_source):
    monkeypatch.chdir(tmp_path)
    assert tvm_ffi.cpp.build("m", sources="add_one.c", build_directory="./x y") == str(tmp_path / "x y" / "m.so")


CUBIN_SIZE = """
extern "C" const char __tvm_ffi__cubin_kk[];
extern "C" const char __tvm_ffi__cubin_kk_end[];
int size() { return __tvm_ffi__cubin_kk_end - __tvm_ffi__cubin_kk; }
int byte(int i) { return __tvm_ffi__cubin_kk[i]; }
"""


def test_154_device_code_lies_in_the_library(tmp_path):
    module = tvm_ffi.cpp.load_inline(
        "cubin",
        cpp_sources=CUBIN_SIZE,
        functions=["size", "byte"],
        embed_cubin={"kk": bytes(range(80)), "another": b"xyz"},
        build_directory=tmp_path,
    )
    assert module.size() == 80 and [module.byte(i) for i in range(80)] == list(range(80))
    defined = subprocess.run(["nm", "-D", tmp_path / "cubin.so"], capture_output=True, text=True, check=True).stdout
    assert "cubin_kk" not in defined
    with pytest.raises(ValueError, match="identifier"):
        tvm_ffi.cpp.build_inline("cubin", cpp_sources=ADD_ONE, embed_cubin={"a b": b""})


def test_154_embed_cubin_as_a_program(tmp_path):
    (tmp_path / "in.c").write_text("int nothing;\n")
    (tmp_path / "code").write_bytes(b"12345")
    subprocess.run(["cc", "-c", tmp_path / "in.c", "-o", tmp_path / "in.o"], check=True)
    command = [sys.executable, "-m", "tvm_ffi.utils.embed_cubin", "--output-obj", tmp_path / "out.o"]
    command += ["--input-obj", tmp_path / "in.o", "--cubin", tmp_path / "code", "--name", "n", "--verbose"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "objcopy" in done.stdout
    symbols = subprocess.run(["nm", tmp_path / "out.o"], capture_output=True, text=True, check=True).stdout
    assert " r __tvm_ffi__cubin_n\n" in symbols and " r __tvm_ffi__cubin_n_end\n" in symbols and "nothing" in symbols
    sections = subprocess.run(["objdump", "-h", tmp_path / "out.o"], capture_output=True, text=True, check=True).stdout
    assert ".note.GNU-stack" in sections


def test_154_embed_cubin_refuses(tmp_path):
    with pytest.raises(FileNotFoundError, match="code"):
        embed_cubin(tmp_path / "code", tmp_path / "in.o", tmp_path / "out.o", "n")
    (tmp_path / "code").write_bytes(b"1")
    (tmp_path / "in.o").write_text("no object file")
    with pytest.raises(RuntimeError, match="ld -r"):
        embed_cubin(tmp_path / "code", tmp_path / "in.o", tmp_path / "out.o", "n")
    assert not (tmp_path / "out.o").exists()


def test_155_documentation_is_there_with_metadata():
    doc = 'says "hello" \\ in\ntwo lines, ü??/'
    build = {"cpp_sources": ADD_ONE, "functions": {"add_one": doc}}
    with_metadata = tvm_ffi.cpp.load_inline("doc", **build, extra_cflags=["-DTVM_FFI_DLL_EXPORT_INCLUDE_METADATA=1"])
    assert with_metadata.get_function_doc("add_one") == doc
    assert "type_schema" in with_metadata.get_function_metadata("add_one")
    assert tvm_ffi.cpp.load_inline("doc", **build).get_function_doc("add_one") is None


SLEEP = """
#include <unistd.h>
void nap() { usleep(300000); }
"""


def test_156_other_threads_run_while_the_function_does():
    nap = tvm_ffi.cpp.load_inline("nap", cpp_sources=SLEEP, functions="nap").nap

    # The liveliest of a few calls: a busy machine may keep a thread from running for a while, not each time.
    assert min(longest_silence_during(nap) for _ in range(3)) < 0.1
    nap.release_gil = False
    assert longest_silence_during(nap) > 0.29


def test_long_builds_tell(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(_ninja, "_FIRST_NOTE_S", 0.05)
    (tmp_path / "build.ninja").write_text("rule slow\n  command = sleep 0.4 && touch $out\nbuild a: slow\n")
    with caplog.at_level(logging.WARNING, "tvm_ffi.cpp.extension"):
        _ninja.run_ninja(tmp_path)
    assert any("still compiling" in text and "no step is done yet" in text for text in caplog.messages)

    caplog.clear()
    holder = FileLock(tmp_path / "lock")
    assert holder.acquire()
    threading.Timer(0.3, holder.release).start()
    with _ninja.BuildLock(tmp_path):
        assert not holder.acquire()
    assert any("waiting for another build" in text for text in caplog.messages)


def test_a_build_can_be_logged(monkeypatch, tmp_path, caplog):
    (tmp_path / "build.ninja").write_text("rule say\n  command = echo spoken && touch $out\nbuild a: say\n")
    monkeypatch.setenv("TVM_FFI_CPP_EXTENSION_LOG_BUILD", "1")
    monkeypatch.setenv("MAX_JOBS", "1")
    with caplog.at_level(logging.INFO, "tvm_ffi.cpp.extension"):
        _ninja.run_ninja(tmp_path)
    assert "spoken" in caplog.messages
    monkeypatch.setenv("MAX_JOBS", "many")
    with pytest.raises(ValueError, match="MAX_JOBS"):
        _ninja.run_ninja(tmp_path)


def test_two_processes_build_one_folder(tmp_path, c_source):
    script = "import sys, tvm_ffi.cpp as cpp; s, d = sys.argv[1:]; "
    script += "print(cpp.load('p', sources=s, build_directory=d).add_one(1))"
    command = [sys.executable, "-c", script, c_source, tmp_path / "bd"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in processes] == ["2"] * 3


def test_a_compiler_that_is_not_there(monkeypatch):
    monkeypatch.setenv("CXX", "/nonexistent/c++")
    with pytest.raises(RuntimeError, match="/nonexistent/c"):
        tvm_ffi.cpp.build_inline("k", cpp_sources=ADD_ONE)


def test_ninja_that_is_not_there(monkeypatch):
    monkeypatch.setattr(_toolchain.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(RuntimeError, match="ninja"):
        _toolchain.find_ninja()


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("int8", "int8_t"), ("uint64", "uint64_t"), ("float32", "float"), ("float64", "double"), ("bool", "bool")],
)
def test_dtypes_of_cpp(dtype, expected):
    assert tvm_ffi.cpp.to_cpp_dtype(dtype) == expected


def test_dtypes_without_a_cpp_type():
    torch = pytest.importorskip("torch")
    assert tvm_ffi.cpp.to_cpp_dtype(torch.int32) == "int32_t"
    with pytest.raises(ValueError, match="complex64"):
        tvm_ffi.cpp.to_cpp_dtype(torch.complex64)
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="float16"):
            tvm_ffi.cpp.to_cpp_dtype("float16")


@pytest.fixture
def nvrtc_candidates(monkeypatch):
    """What nvrtc_compile may load."""
    candidates = []
    monkeypatch.setattr(nvrtc, "_candidates", lambda: candidates)
    nvrtc._library.cache_clear()
    yield candidates
    nvrtc._library.cache_clear()


def test_nvrtc_that_is_not_there(nvrtc_candidates):
    nvrtc_candidates.append("libno_such_nvrtc.so")
    with pytest.raises(RuntimeError, match="nvidia-cuda-nvrtc"):
        nvrtc.nvrtc_compile("any text", arch="sm_90")


def test_nvrtc_gives_code_or_its_log(nvrtc_candidates, tmp_path, monkeypatch):
    library = tmp_path / "libnvrtc.so"
    source = Path(__file__).with_name("fake_nvrtc.c")
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library], check=True)
    nvrtc_candidates.append(str(library))
    monkeypatch.setenv("TVM_FFI_CUDA_ARCH_LIST", "9.0a 8.0")

    code = nvrtc.nvrtc_compile("text", name="k.cu", extra_opts=["-O1"])
    assert code == b"--gpu-architecture=sm_90a -O1 k.cu:text"
    assert nvrtc.nvrtc_compile("text", arch="sm_70").startswith(b"--gpu-architecture=sm_70 kernel.cu:")
    with pytest.raises(RuntimeError) as caught:
        nvrtc.nvrtc_compile("wrong")
    assert "NVRTC_ERROR_COMPILATION (6)" in str(caught.value) and "(1): error: kernel.cu:wrong" in str(caught.value)
    assert ctypes.CDLL(str(library)).live_programs() == 0
