"""Compile CUDA text to device code with NVRTC, which is looked for when it is first used."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import importlib.util
from pathlib import Path
from typing import Iterator, Sequence

from . import _toolchain

__all__ = ["nvrtc_compile"]

_SUCCESS = 0


def _folders() -> Iterator[Path]:
    """The folders of NVIDIA's Python packages and of the toolkit."""
    spec = importlib.util.find_spec("nvidia")
    for root in spec.submodule_search_locations or [] if spec is not None else []:
        yield from sorted(Path(root).glob("*/lib"), reverse=True)
    try:
        yield _toolchain.cuda_home() / "lib64"
    except RuntimeError:
        return


def _candidates() -> Iterator[str]:
    for folder in _folders():
        yield from (str(path) for path in sorted(folder.glob("libnvrtc.so*"), reverse=True))
    named = ctypes.util.find_library("nvrtc")
    yield from filter(None, [named, "libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12"])


@functools.lru_cache(maxsize=None)
def _library() -> ctypes.CDLL:
    for name in _candidates():
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise RuntimeError(
        "nvrtc_compile needs NVRTC, but no libnvrtc.so is in NVIDIA's Python packages, the CUDA toolkit or the "
        "library path: install the package `nvidia-cuda-nvrtc` or set CUDA_HOME"
    )


def _call(function: str, *args: object) -> None:
    library = _library()
    status = getattr(library, function)(*args)
    if status != _SUCCESS:
        library.nvrtcGetErrorString.restype = ctypes.c_char_p
        raise RuntimeError(f"{function} failed: {library.nvrtcGetErrorString(status).decode()} ({status})")


def _read(program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    _call(f"nvrtcGet{what}", program, buffer)
    return buffer.raw


def _compile(program: ctypes.c_void_p, name: str, options: Sequence[str]) -> bytes:
    array = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    try:
        _call("nvrtcCompileProgram", program, len(options), array)
    except RuntimeError as error:
        log = _read(program, "ProgramLog").rstrip(b"\0\n").decode(errors="replace")
        raise RuntimeError(f"cannot compile {name!r} with {' '.join(options)}: {error}\n{log}") from None
    return _read(program, "CUBIN")


def _default_arch() -> str:
    return f"sm_{_toolchain.cuda_arch_list()[0].replace('.', '')}"


def nvrtc_compile(
    source: str, *, name: str = "kernel.cu", arch: str | None = None, extra_opts: Sequence[str] | None = None
) -> bytes:
    """Compile CUDA text and return the device code, for ``embed_cubin`` or ``CubinModule``.

    Parameters
    ----------
    name
        The text's name in messages.
    arch
        Such as ``"sm_90a"``; by default the first of TVM_FFI_CUDA_ARCH_LIST, else the first GPU's.
    extra_opts
        Further options of NVRTC.

    RuntimeError without NVRTC, without an architecture, or, with the compiler's log, when the text does not compile.
    """
    _library()
    options = [f"--gpu-architecture={arch or _default_arch()}", *(extra_opts or ())]
    program = ctypes.c_void_p()
    _call("nvrtcCreateProgram", ctypes.byref(program), source.encode(), name.encode(), 0, None, None)
    try:
        return _compile(program, name, options)
    finally:
        _call("nvrtcDestroyProgram", ctypes.byref(program))
