"""Compile C, C++, CUDA and HIP from Python, as modules of functions."""

from . import nvrtc
from .dtype import to_cpp_dtype
from .extension import build, build_inline, load, load_inline

__all__ = ["build", "build_inline", "load", "load_inline", "nvrtc", "to_cpp_dtype"]
