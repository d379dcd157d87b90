"""One test at a time on the GPU, over all processes of a user."""

from __future__ import annotations

import getpass
import os
import tempfile
from pathlib import Path
from typing import Any, Callable, TypeVar

from ..utils import FileLock

T = TypeVar("T")


def _lock_folder() -> Path:
    folder = os.environ.get("TVM_FFI_TEST_LOCK_DIR")
    if folder is not None:
        return Path(folder)
    return Path(tempfile.gettempdir()) / f"tvm-ffi-test-locks-{getpass.getuser()}"


def run_with_gpu_lock(function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call ``function`` while no other process is inside this function; the lock lies in TVM_FFI_TEST_LOCK_DIR."""
    folder = _lock_folder()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(folder / "gpu.lock"))
    lock.blocking_acquire()
    try:
        return function(*args, **kwargs)
    finally:
        lock.release()
