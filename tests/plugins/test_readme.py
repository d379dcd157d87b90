"""The tours in README.md are programs; they run as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text()


def block(language: str, which: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)[which]


@pytest.fixture
def folder(tmp_path, plugins):
    """A working folder in which the README's relative paths are right, wherever the build is."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "release").symlink_to(plugins.parent)
    return tmp_path


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_python_tour(folder):
    output = run([sys.executable, "-c", block("python")], folder)

    stats, raised, *page, report = output.splitlines()
    assert "zero_copy_tensors" in stats
    assert "dimension 0 of weight is 3, the last dimension of x is 64" in raised
    assert re.search(r"died of SIGSEGV", page[0])
    assert re.search(r"^signal .*Segfault.*crashes\.cc.* \d+$", report)


def test_a_plugin_from_a_string(folder, monkeypatch):
    monkeypatch.setenv("TVM_FFI_CACHE_DIR", str(folder / "cache"))
    run([sys.executable, "-c", block("python", 1) + "assert y.tolist() == [1, 2, 3, 4, 5]"], folder)


def test_the_cpp_tour(folder, plugins):
    (folder / "tour.cc").write_text(block("cpp"))
    library = plugins.parent / "lib"
    includes = [f"-I{ROOT / name}" for name in ("abi/include", "client/include")]
    run([os.environ.get("CXX", "g++"), "-std=c++17", *includes, "tour.cc", "-o", "tour", f"-L{library}", "-ltvmffi_host", "-ltvm_ffi", f"-Wl,-rpath,{library}"], folder)

    first, crash, *rest = run(["./tour"], folder).splitlines()

    assert first == "42"
    assert crash.startswith("WorkerCrashed: ")
    assert int(rest[-1]) > 0
