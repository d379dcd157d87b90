"""Sharing GPU memory with a worker is not built yet: a CUDA tensor must be refused clearly and cost nothing else."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def test_a_cuda_tensor_is_refused_by_name_and_the_worker_goes_on(plugins):
    tvmffi_host = pytest.importorskip("tvmffi_host")
    module = tvmffi_host.load_module(str(plugins / "values.so"))

    with pytest.raises(TypeError, match="cuda"):
        module.sum(torch.ones(4, device="cuda"))

    assert module.sum(torch.ones(4)) == 4.0
