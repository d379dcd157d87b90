"""The plug-ins of this tree, loaded both ways by the same tests."""

import os
from pathlib import Path

import pytest
import tvm_ffi
import tvmffi_host

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def plugins() -> Path:
    return Path(os.environ.get("TVMFFI_BUILD_DIR", ROOT / "build" / "release")) / "plugins"


@pytest.fixture(scope="module", params=["in_process", "isolated"])
def load(request, plugins):
    loader = {"in_process": tvm_ffi.load_module, "isolated": tvmffi_host.load_module}[request.param]
    return lambda name: loader(str(plugins / f"{name}.so"))
