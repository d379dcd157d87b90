"""Tensors from a worker's own pool: passed without a copy, checked, used again, and never another worker's."""

from __future__ import annotations

import gc
import os
import signal
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import alive, eventually, host_pid, plugin


def copied(before: dict[str, int]) -> int:
    after = tvmffi_host.stats()
    return sum(after[name] - before[name] for name in ("bytes_copied_in", "bytes_copied_out"))


def address(tensor: Any) -> int:
    return int(tvmffi_host.numpy(tensor).ctypes.data)


@pytest.fixture
def mod() -> Any:
    return tvmffi_host.load_module(plugin("values"))


def test_it_is_passed_without_a_copy(mod: Any) -> None:
    tensor = tvmffi_host.empty((64, 64), "float32", module=mod)
    before = tvmffi_host.stats()

    mod.fill(tensor, 1.5)
    assert mod.sum(tensor) == 1.5 * 64 * 64

    assert (tvmffi_host.numpy(tensor) == 1.5).all()
    assert copied(before) == 0
    assert tvmffi_host.stats()["zero_copy_tensors"] == before["zero_copy_tensors"] + 2
    assert tvmffi_host.is_shared(tensor)


def test_torch_and_numpy_views_are_passed_without_a_copy(mod: Any) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_dlpack(tvmffi_host.empty((8, 8), module=mod))
    before = tvmffi_host.stats()

    mod.fill(tensor[2:4], 3.0)

    assert tensor.sum().item() == 48.0
    assert copied(before) == 0


def test_the_memory_is_faulted_in_before_the_call(mod: Any) -> None:
    tvmffi_host.empty((16,), module=mod)
    lines = open("/proc/self/smaps").read().split("\n")
    pool = next(i for i, line in enumerate(lines) if "memfd:tvmffi-pool" in line)
    size, resident = (
        next(int(line.split()[1]) for line in lines[pool:] if line.startswith(name)) for name in ("Size:", "Rss:")
    )
    assert size == resident > 0


def test_many_share_one_mapping(mod: Any) -> None:
    tensors = [tvmffi_host.full((100,), float(i), module=mod) for i in range(100)]

    assert len({address(tensor) for tensor in tensors}) == 100
    assert all(address(tensor) % 64 == 0 for tensor in tensors)
    assert [mod.sum(tensor) for tensor in tensors] == [100.0 * i for i in range(100)]
    mappings = open(f"/proc/{host_pid(mod)}/maps").read()
    assert mappings.count("memfd:tvmffi-pool") == 1


def test_memory_is_used_again_and_cleared(mod: Any) -> None:
    tensor = tvmffi_host.full((1000,), 7.0, module=mod)
    first = address(tensor)
    del tensor
    gc.collect()

    tensor = tvmffi_host.empty((1000,), module=mod)

    assert address(tensor) == first
    assert not tvmffi_host.numpy(tensor).any()


def test_memory_rests_while_a_call_is_running(mod: Any) -> None:
    tensors = [tvmffi_host.empty((1000,), module=mod)]
    first = address(tensors[0])

    def in_a_call() -> bool:
        tensors.clear()
        gc.collect()
        return address(tvmffi_host.empty((1000,), module=mod)) != first

    assert mod.apply(in_a_call)

    after = tvmffi_host.empty((1000,), module=mod)
    assert address(after) == first


def test_a_result_that_aliases_keeps_the_memory(mod: Any) -> None:
    tensor = tvmffi_host.full((10, 4), 2.0, module=mod)
    view = mod.view(tensor, 1, 3)
    first = address(tensor)
    del tensor
    gc.collect()

    other = tvmffi_host.full((10, 4), 9.0, module=mod)

    assert address(other) != first
    assert (tvmffi_host.numpy(view) == 2.0).all()


def test_a_tensor_the_plugin_keeps_is_not_used_again(mod: Any) -> None:
    tensor = tvmffi_host.full((10,), 2.0, module=mod)
    mod.retain("kept", tensor)
    del tensor
    gc.collect()

    tvmffi_host.full((10,), 9.0, module=mod)

    assert mod.sum(mod.retained("kept")) == 20.0


def test_results_are_independent_of_it(mod: Any) -> None:
    tensor = tvmffi_host.full((10,), 2.0, module=mod)
    result = mod.make_env_like(tensor)
    mod.fill(result, 5.0)
    mod.fill(tensor, 1.0)
    assert (tvmffi_host.numpy(result) == 5.0).all()
    assert (tvmffi_host.numpy(tensor) == 1.0).all()


def test_it_survives_its_worker(mod: Any) -> None:
    tensor = tvmffi_host.full((10,), 2.0, module=mod)
    os.kill(host_pid(mod), signal.SIGKILL)
    assert eventually(lambda: not tvmffi_host.worker_info(mod)["alive"])
    before = tvmffi_host.stats()

    assert mod.sum(tensor) == 20.0
    mod.fill(tensor, 4.0)

    assert (tvmffi_host.numpy(tensor) == 4.0).all()
    assert copied(before) > 0


def test_another_worker_gets_a_copy(mod: Any) -> None:
    other = tvmffi_host.load_module(plugin("values"))
    tensor = tvmffi_host.full((1024,), 2.0, module=mod)
    before = tvmffi_host.stats()

    other.fill(tensor, 3.0)

    assert (tvmffi_host.numpy(tensor) == 3.0).all()
    assert copied(before) == 2 * 4096
    maps = open(f"/proc/{host_pid(other)}/maps").read()
    assert "tvmffi-pool" not in maps and "tvmffi-pool" in open(f"/proc/{host_pid(mod)}/maps").read()


def test_writing_past_its_end_is_found() -> None:
    faulty = tvmffi_host.load_module(plugin("faulty"))
    tensor = tvmffi_host.zeros((13,), module=faulty)
    with pytest.raises(tvmffi_host.PolicyViolation, match=r"argument 0 of 'write_past'"):
        faulty.write_past(tensor, 1)
    assert not tvmffi_host.numpy(tensor).any()


@pytest.mark.usefixtures("no_leaks")
def test_nothing_is_left_when_the_last_tensor_is_dropped() -> None:
    mod = tvmffi_host.load_module(plugin("values"))
    tensor = tvmffi_host.full((16,), 2.0, module=mod)
    pid = host_pid(mod)

    del mod
    gc.collect()

    assert eventually(lambda: not alive(pid))
    assert (tvmffi_host.numpy(tensor) == 2.0).all()


@pytest.mark.parametrize("module", [3, "values"])
def test_what_is_no_hosted_module_is_refused(module: Any) -> None:
    with pytest.raises(TypeError, match="hosted module"):
        tvmffi_host.empty((4,), module=module)


def test_a_local_module_is_refused(local: Any) -> None:
    with pytest.raises(TypeError, match="hosted module"):
        tvmffi_host.empty((4,), module=local)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (1 << 20, 8)])
def test_shapes(mod: Any, shape: tuple[int, ...]) -> None:
    tensor = tvmffi_host.empty(shape, module=mod)
    mod.fill(tensor, 1.0)
    assert tuple(tensor.shape) == shape
    assert mod.sum(tensor) == float(np.prod(shape))


def test_impossible_sizes_are_an_error(mod: Any) -> None:
    with pytest.raises((MemoryError, ValueError, RuntimeError), match="bytes|address"):
        tvmffi_host.empty((1 << 61,), module=mod)
    assert mod.sum(tvmffi_host.empty((4,), module=mod)) == 0.0
