"""Which compilers build a module, and with which flags."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

BACKENDS = ("cuda", "hip")

_CUDA_ARCH_VARIABLE = "TVM_FFI_CUDA_ARCH_LIST"
_ROCM_ARCH_VARIABLE = "TVM_FFI_ROCM_ARCH_LIST"
# For drivers whose nvidia-smi does not know compute_cap.
_COMPUTE_OF_GPU = {"A100": "8.0", "A10": "8.6"}


def cxx() -> str:
    """The C++ compiler's command: CXX or ``c++``."""
    return os.environ.get("CXX") or "c++"


def cc() -> str:
    """The C compiler's command: CC or ``cc``."""
    return os.environ.get("CC") or "cc"


@functools.lru_cache(maxsize=None)
def version_of(command: str) -> str:
    """What a compiler says of itself. RuntimeError when it does not run."""
    try:
        done = subprocess.run(
            [*shlex.split(command), "--version"], capture_output=True, text=True, errors="replace", check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"cannot run the compiler `{command}`: {error}") from error
    return done.stdout


def find_ninja() -> str:
    """The ninja program: of the package ``ninja``, else on PATH. RuntimeError when there is none."""
    spec = importlib.util.find_spec("ninja")
    if spec is not None:
        import ninja

        program = shutil.which("ninja", path=getattr(ninja, "BIN_DIR", None))
        if program is not None:
            return program
    program = shutil.which("ninja")
    if program is None:
        raise RuntimeError("compiling needs ninja, which is not on PATH: install the package `ninja`")
    return program


# --- GPU back ends


def _torch_version() -> Any:
    """The module torch.version without importing torch, None where torch is not installed."""
    if "torch" in sys.modules:
        return sys.modules["torch"].version
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("version.py")
    version_spec = importlib.util.spec_from_file_location("_torch_version_file", path)
    if version_spec is None or version_spec.loader is None or not path.is_file():
        return None
    module = importlib.util.module_from_spec(version_spec)
    version_spec.loader.exec_module(module)
    return module


def _backend_of_torch() -> str | None:
    version = _torch_version()
    if getattr(version, "hip", None):
        return "hip"
    return "cuda" if getattr(version, "cuda", None) else None


def choose_backend(requested: str | None) -> str:
    """The GPU back end: the caller's, the environment's, the one torch was built for, else what is installed."""
    if requested is not None:
        return requested
    from_environment = os.environ.get("TVM_FFI_GPU_BACKEND")
    if from_environment in BACKENDS:
        return from_environment
    from_torch = _backend_of_torch()
    if from_torch is not None:
        return from_torch
    return "hip" if shutil.which("hipcc") and not shutil.which("nvcc") else "cuda"


def check_backend(backend: str | None) -> None:
    """ValueError unless it is a back end or None."""
    if backend is not None and backend not in BACKENDS:
        raise ValueError(f"backend is {backend!r}, expected one of {', '.join(map(repr, BACKENDS))} or None")


def _root_above(program: str, marker: str) -> Path | None:
    found = shutil.which(program)
    if found is None:
        return None
    root = Path(found).resolve().parent.parent
    # A script of this name elsewhere on PATH is no part of a toolkit.
    return root if (root / marker).exists() else None


def _first_root(variables: tuple[str, ...], program: str, marker: str, usual: str) -> Path:
    for variable in variables:
        value = os.environ.get(variable)
        if value:
            return Path(value)
    root = _root_above(program, marker) or Path(usual)
    if not root.is_dir():
        raise RuntimeError(f"cannot find the toolkit of {program}: it is not on PATH and there is no {usual}; "
                           f"set {variables[0]}")
    return root


def cuda_home() -> Path:
    """The root of the CUDA toolkit. RuntimeError when there is none."""
    return _first_root(("CUDA_HOME", "CUDA_PATH"), "nvcc", "include/cuda_runtime.h", "/usr/local/cuda")


def rocm_home() -> Path:
    """The root of ROCm. RuntimeError when there is none."""
    return _first_root(("ROCM_HOME", "ROCM_PATH"), "hipcc", "include/hip/hip_runtime.h", "/opt/rocm")


def _output_of(*command: str) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


@functools.lru_cache(maxsize=None)
def _compute_of_first_gpu() -> str | None:
    for line in _output_of("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")[:1]:
        if re.fullmatch(r"\d+\.\d+", line):
            return line
    for line in _output_of("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")[:1]:
        for name, compute in _COMPUTE_OF_GPU.items():
            if re.search(rf"\b{name}\b", line):
                return compute
    return None


def cuda_arch_list() -> list[str]:
    """The architectures to compile for, such as ``9.0a``: those of TVM_FFI_CUDA_ARCH_LIST, else the first GPU's."""
    listed = os.environ.get(_CUDA_ARCH_VARIABLE, "").split()
    for arch in listed:
        if not re.fullmatch(r"\d+\.\d+[a-z]*", arch):
            raise ValueError(f"{_CUDA_ARCH_VARIABLE} has {arch!r}, expected entries such as 8.0 or 9.0a")
    if listed:
        return listed
    compute = _compute_of_first_gpu()
    if compute is None:
        raise RuntimeError(
            "cannot tell the CUDA architecture to compile for: nvidia-smi shows no GPU; "
            f"set {_CUDA_ARCH_VARIABLE}, for example to 9.0"
        )
    return [compute]


def cuda_arch_flags() -> list[str]:
    """One ``-gencode`` for each architecture."""
    numbers = [arch.replace(".", "") for arch in cuda_arch_list()]
    return [f"-gencode=arch=compute_{number},code=sm_{number}" for number in numbers]


@functools.lru_cache(maxsize=None)
def _installed_rocm_archs() -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for line in _output_of("rocm_agent_enumerator") if line != "gfx000"))


def rocm_arch_flags() -> list[str]:
    """One ``--offload-arch`` for each architecture: those of TVM_FFI_ROCM_ARCH_LIST, else the installed GPUs'."""
    archs = os.environ.get(_ROCM_ARCH_VARIABLE, "").split() or list(_installed_rocm_archs())
    if not archs:
        raise RuntimeError(
            "cannot tell the ROCm architecture to compile for: rocm_agent_enumerator shows no GPU; "
            f"set {_ROCM_ARCH_VARIABLE}, for example to gfx942"
        )
    return [f"--offload-arch={arch}" for arch in archs]
