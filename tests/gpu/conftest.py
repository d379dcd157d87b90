"""What needs a GPU. Everything here carries the mark `gpu` and is skipped, with the reason, where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PLUGINS = Path(os.environ.get("TVMFFI_PLUGIN_DIR", Path(__file__).parents[2] / "build" / "release" / "plugins"))


def _why_not() -> str:
    try:
        import torch
    except ImportError as error:
        return f"torch does not import: {error}"
    if not torch.cuda.is_available():
        return "torch sees no CUDA device"
    if not (PLUGINS / "llm_ops_cuda.so").exists():
        return f"{PLUGINS / 'llm_ops_cuda.so'} was not built: no nvcc"
    return ""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a CUDA device")


def pytest_collection_modifyitems(items: list) -> None:
    reason = _why_not()
    here = Path(__file__).parent
    for item in items:
        if here not in Path(item.fspath).parents:
            continue
        item.add_marker(pytest.mark.gpu)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def plugins() -> Path:
    return PLUGINS
