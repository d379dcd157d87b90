"""Locks between processes; wrappers that give positional functions names."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys

import pytest
from tvm_ffi.testing import run_with_gpu_lock
from tvm_ffi.utils import FileLock
from tvm_ffi.utils.kwargs_wrapper import make_kwargs_wrapper, make_kwargs_wrapper_from_signature
from tvm_ffi.utils.unpack_dataclass import unpack_dataclass_to_tuple


def test_174_one_holder_at_a_time(tmp_path):
    path = str(tmp_path / "lock")
    first, second = FileLock(path), FileLock(path)
    assert first.acquire() is True and first.acquire() is False
    assert second.acquire() is False
    with pytest.raises(TimeoutError):
        second.blocking_acquire(timeout=0.3, poll_interval=0.05)
    with pytest.raises(RuntimeError, match="already"):
        first.blocking_acquire()
    first.release()
    first.release()
    with second:
        assert first.acquire() is False
    assert first.blocking_acquire() is True
    first.release()


def test_174_a_lock_dies_with_its_process(tmp_path):
    path = str(tmp_path / "lock")
    script = f"import os; from tvm_ffi.utils import FileLock; assert FileLock({path!r}).acquire(); os._exit(0)"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert FileLock(path).acquire() is True


def test_the_gpu_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("TVM_FFI_TEST_LOCK_DIR", str(tmp_path / "locks"))
    held = FileLock(str(tmp_path / "locks" / "gpu.lock"))
    assert run_with_gpu_lock(lambda a, b: (a + b, held.acquire()), 1, b=2) == (3, False)
    assert held.acquire()
    held.release()


def positions(*args):
    return args


def test_175_names_become_positions():
    marker = object()
    wrapper = make_kwargs_wrapper(
        positions, ["a", "b", "c"], (None, marker), kwonly_names=["k", "m"], kwonly_defaults={"m": [1]}
    )
    assert wrapper(1, k=2) == (1, None, marker, 2, [1])
    assert wrapper(c=3, a=1, k=2, m=4) == (1, None, 3, 2, 4)
    assert wrapper(1, k=2)[2] is marker
    for arguments in ((), (1, 2, 3, 4)):
        with pytest.raises(TypeError):
            wrapper(*arguments, k=1)
    with pytest.raises(TypeError):
        wrapper(1)


@pytest.mark.parametrize("names", [["a", "a"], ["if"], ["1a"], ["__i_a"], ["a b"]])
def test_175_wrong_names(names):
    with pytest.raises(ValueError):
        make_kwargs_wrapper(positions, names)
    with pytest.raises(ValueError):
        make_kwargs_wrapper(positions, [], kwonly_names=names)


def test_175_wrong_arguments():
    with pytest.raises(ValueError, match="overlap"):
        make_kwargs_wrapper(positions, ["a"], kwonly_names=["a"])
    with pytest.raises(ValueError):
        make_kwargs_wrapper(positions, ["a"], (1, 2))
    with pytest.raises(ValueError, match="unknown"):
        make_kwargs_wrapper(positions, ["a"], kwonly_defaults={"b": 1})
    with pytest.raises(TypeError, match="tuple"):
        make_kwargs_wrapper(positions, ["a"], [1])
    with pytest.raises(TypeError, match="str"):
        make_kwargs_wrapper(positions, [1])


def test_175_from_a_signature():
    def prototype(a: int, /, b: int = 2, *, c: int = 3, skipped: int = 0) -> int:
        """What it does."""

    wrapper = make_kwargs_wrapper_from_signature(
        positions, inspect.signature(prototype), prototype, exclude_arg_names=["skipped"]
    )
    assert wrapper(a=1, c=5) == (1, 2, 5)
    assert wrapper.__name__ == "prototype" and wrapper.__doc__ == "What it does."
    with pytest.raises(ValueError, match="any number"):
        make_kwargs_wrapper_from_signature(positions, inspect.signature(positions))


def test_175_dataclasses_become_tuples():
    @dataclasses.dataclass
    class Point:
        x: int
        rest: list

    value = Point(1, [Point(2, []), {"k": Point(3, [])}])
    expected = (1, [(2, []), {"k": (3, [])}])
    assert unpack_dataclass_to_tuple(value) == expected
    unchanged = [1, (2, 3)]
    assert unpack_dataclass_to_tuple(unchanged) is unchanged
    assert make_kwargs_wrapper(positions, ["p", "q"], map_dataclass_to_tuple=["p"])(value, value) == (expected, value)
