"""Compiles the peers: the same few functions through each way of calling C from Python."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sysconfig
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "peers"
ABI_HEADERS = Path(__file__).resolve().parents[3] / "abi" / "include"
FLAGS = ["-O3", "-DNDEBUG", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-strict-aliasing"]


def _is_older(output: Path, *inputs: Path) -> bool:
    return not output.exists() or any(output.stat().st_mtime < path.stat().st_mtime for path in inputs)


def _compile(output: Path, source: Path, *arguments: str) -> Path:
    if _is_older(output, source, Path(__file__)):
        compiler = os.environ.get("CXX", "c++") if source.suffix == ".cc" else os.environ.get("CC", "cc")
        output.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([compiler, *FLAGS, str(source), *arguments, "-o", str(output)], check=True)
    return output


def _python_header() -> str:
    return f"-I{sysconfig.get_path('include')}"


def _extension(folder: Path, name: str) -> Path:
    return folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"


def build_ffi(folder: Path) -> Path:
    return _compile(folder / "ffi_module.so", SOURCES / "ffi_module.c", f"-I{ABI_HEADERS}")


def build_fastcall(folder: Path) -> Path:
    output = _extension(folder, "fastcall_module")
    return _compile(output, SOURCES / "fastcall_module.c", _python_header(), f"-I{ABI_HEADERS}")


def build_ctypes(folder: Path) -> Path:
    return _compile(folder / "plain_library.so", SOURCES / "plain_library.c", "-fvisibility=default")


def build_pybind11(folder: Path) -> Path:
    import pybind11

    includes = [_python_header(), f"-I{pybind11.get_include()}"]
    return _compile(_extension(folder, "pybind11_module"), SOURCES / "pybind11_module.cc", "-std=c++17", *includes)


def build_nanobind(folder: Path) -> Path:
    import nanobind

    root = Path(nanobind.include_dir()).parent
    includes = [_python_header(), f"-I{root / 'include'}", f"-I{root / 'ext/robin_map/include'}"]
    library = [str(root / "src" / "nb_combined.cpp"), "-std=c++17"]
    return _compile(_extension(folder, "nanobind_module"), SOURCES / "nanobind_module.cc", *library, *includes)


BUILDERS = {
    "ffi": build_ffi,
    "fastcall": build_fastcall,
    "ctypes": build_ctypes,
    "nanobind": build_nanobind,
    "pybind11": build_pybind11,
}


def is_available(peer: str) -> bool:
    return peer not in ("nanobind", "pybind11") or importlib.util.find_spec(peer) is not None


def build(peer: str, folder: Path) -> Path:
    return BUILDERS[peer](folder)
