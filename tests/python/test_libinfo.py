"""Where things are, as functions and as flags."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tvm_ffi
from tvm_ffi import libinfo


def config(*flags, code=0):
    done = subprocess.run([sys.executable, "-m", "tvm_ffi.config", *flags], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")
    return done.stdout.splitlines()


def test_172_flags_come_in_a_fixed_order():
    include = libinfo.find_include_path()
    assert config("--libs", "--cxxflags") == [
        f"-I{include} -I{libinfo.find_dlpack_include_path()} -std=c++17",
        "-ltvm_ffi",
    ]
    assert config()[0].startswith("usage:")
    assert config("--libfiles") == [libinfo.find_libtvm_ffi()]


@pytest.mark.parametrize("flag", ["includedir", "dlpack-includedir", "cmakedir", "libdir", "sourcedir", "cython-lib-path"])
def test_172_places_exist(flag):
    (line,) = config("--" + flag)
    assert Path(line).exists()


def test_172_config_does_not_import_the_extension():
    script = "import sys; sys.orig_argv[1:] = ['-m', 'tvm_ffi.config']; import tvm_ffi; print('tvm_ffi.core' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_172_the_flags_build_a_module(tmp_path):
    source = tmp_path / "one.cc"
    source.write_text(
        "#include <tvm/ffi/function.h>\nTVM_FFI_DLL_EXPORT_TYPED_FUNC(one, [](int x) { return x + 1; });\n"
    )
    flags = " ".join(config("--cxxflags", "--ldflags", "--libs")).split()
    output = tmp_path / "one.so"
    subprocess.run(["c++", "-shared", "-fPIC", str(source), "-o", str(output), *flags], check=True)
    assert tvm_ffi.load_module(output).one(1) == 2


def test_173_a_library_nobody_has():
    with pytest.raises(RuntimeError, match="searched directories"):
        libinfo.load_lib_module("no-such-pkg", "no_such")
    with pytest.raises(TypeError, match=r"extra_lib_paths\[1\]"):
        libinfo.load_lib_module("no-such-pkg", "no_such", extra_lib_paths=[Path("."), "text"])


def test_173_libraries_beside_their_package(tmp_path, module_path, monkeypatch):
    folder = tmp_path / "my_pkg" / "lib"
    folder.mkdir(parents=True)
    (folder / "libmy_target.so").symlink_to(module_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert libinfo.load_lib_module("my-pkg", "my_target").echo(3) == 3
    assert isinstance(libinfo.load_lib_ctypes("my-pkg", "my_target", "RTLD_LOCAL"), ctypes.CDLL)


def test_173_libraries_on_the_search_path(tmp_path, module_path, monkeypatch):
    (tmp_path / "libelsewhere.so").symlink_to(module_path)
    assert libinfo.load_lib_module("no-such-pkg", "elsewhere", extra_lib_paths=[tmp_path]).echo(4) == 4
    monkeypatch.setenv("LD_LIBRARY_PATH", f"/nonexistent{os.pathsep}{tmp_path}")
    assert libinfo.load_lib_module("no-such-pkg", "elsewhere").echo(5) == 5


def test_include_paths():
    paths = libinfo.include_paths()
    assert paths == sorted(paths) and all(Path(p).is_dir() for p in paths)
    with pytest.raises(RuntimeError):
        libinfo.find_windows_implib()
