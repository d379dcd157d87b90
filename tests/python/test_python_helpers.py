"""An extension module built against tvm_ffi_python_helpers.h with the flags that tvm-ffi-config prints."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import tvm_ffi
import tvm_ffi.testing
from tvm_ffi import libinfo

SOURCE = Path(__file__).with_name("python_helpers_module.c")
# The headers of Python 3.10 and older are not clean by our own measure.
FLAGS = ["-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread", f"-isystem{sysconfig.get_path('include')}"]


def flags_of_the_package() -> list[str]:
    command = [sys.executable, "-m", "tvm_ffi.config", "--cflags", "--ldflags", "--libs"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.fixture(scope="module")
def extension(tmp_path_factory):
    output = tmp_path_factory.mktemp("extension") / "python_helpers_module.so"
    command = ["cc", "-std=c11", "-Wno-missing-field-initializers", *FLAGS, str(SOURCE), "-o", str(output)]
    subprocess.run([*command, *flags_of_the_package()], check=True)
    spec = importlib.util.spec_from_file_location("python_helpers_module", output)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_header_is_where_libinfo_says():
    folder = libinfo.find_python_helper_include_path()
    assert (Path(folder) / "tvm_ffi_python_helpers.h").is_file()
    assert folder in libinfo.include_paths()


def test_the_header_is_cpp_too(tmp_path):
    source = tmp_path / "only.cc"
    source.write_text("#include <tvm_ffi_python_helpers.h>\nvoid* use = reinterpret_cast<void*>(TVMFFIPyReleaseObject);\n")
    command = ["c++", "-std=c++17", "-Wpedantic", *FLAGS, str(source), "-o", str(tmp_path / "only.so")]
    subprocess.run([*command, *flags_of_the_package()], check=True)


def test_an_object_is_let_go_on_a_foreign_thread(extension):
    released = []

    class Noted:
        def __del__(self):
            released.append(True)

    kept, gone = Noted(), [Noted()]
    count = sys.getrefcount(kept)
    for _ in range(100):
        extension.hold_and_drop(kept)
    assert sys.getrefcount(kept) == count
    extension.hold_and_drop(gone)
    gone.clear()
    assert released == [True]


def test_a_function_owns_the_object_it_returns(extension):
    value = object()
    count = sys.getrefcount(value)
    extension.register("pytest.python_helpers", value)

    assert tvm_ffi.get_global_func("pytest.python_helpers")() is value
    assert sys.getrefcount(value) == count + 1

    tvm_ffi.remove_global_func("pytest.python_helpers")
    assert sys.getrefcount(value) == count


def test_the_handle_of_a_wrapper(extension):
    assert extension.call(tvm_ffi.convert(lambda x: x + 1), 41) == 42
    with pytest.raises(TypeError, match="expected a tvm_ffi.Object, got 'int'"):
        extension.call(3, 1)
    with pytest.raises(ValueError, match="holds no object"):
        extension.call(tvm_ffi.Object(), 1)
