"""libtvmffi_host.so as a guest of whatever libtvm_ffi the process has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tvm_ffi
import tvmffi_host

from conftest import plugin

LIBRARY = Path(tvmffi_host.__file__).parent / "lib" / "libtvmffi_host.so"

# Those of the first release that it uses.
FIRST = set(
    """
    TVMFFIAnyViewToOwnedAny TVMFFIBytesFromByteArray TVMFFIDataTypeFromString TVMFFIEnvCheckSignals TVMFFIErrorCreate
    TVMFFIErrorMoveFromRaised TVMFFIErrorSetRaised TVMFFIErrorSetRaisedFromCStr TVMFFIFunctionCall TVMFFIFunctionCreate
    TVMFFIFunctionGetGlobal TVMFFIGetTypeInfo TVMFFIObjectDecRef TVMFFIObjectIncRef TVMFFIStringFromByteArray
    TVMFFITensorFromDLPackVersioned TVMFFITypeGetOrAllocIndex TVMFFITypeRegisterField TVMFFITypeRegisterMetadata
    """.split()
)


def symbols(*options: str) -> set[str]:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("needs nm, of binutils")
    lines = subprocess.run([nm, "-D", *options, str(LIBRARY)], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in lines.splitlines()}


def test_it_needs_only_functions_of_the_first_release() -> None:
    needed = {name for name in symbols("--undefined-only") if "TVMFFI" in name or "3tvm3ffi" in name}
    assert needed <= FIRST, needed - FIRST
    assert needed, "the library uses no libtvm_ffi at all"


def test_it_exports_only_its_functions() -> None:
    exported = symbols("--defined-only")
    assert {name for name in exported if not name.startswith(("__tvm_ffi_", "TVMFFIFunctionCall"))} == set()
    assert "__tvm_ffi_load_module" in exported


def test_it_stays_when_its_module_is_dropped() -> None:
    program = """
import gc, sys
import tvm_ffi

host = tvm_ffi.load_module(sys.argv[1], keep_module_alive=False)
mod = host.load_module(sys.argv[2], {})
del host
gc.collect()
print(mod.sum8(*range(8)))
function = mod.echo_int
del mod
gc.collect()
print(function(41))
del function
gc.collect()
again = tvm_ffi.load_module(sys.argv[1], keep_module_alive=False)
print(again.load_module(sys.argv[2], {}).sum8(*range(8)))
"""
    result = subprocess.run(
        [sys.executable, "-c", program, str(LIBRARY), plugin("values")], capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stdout) == (0, "28\n41\n28\n"), result.stderr


def test_its_functions_can_be_called_by_any_language() -> None:
    host = tvm_ffi.load_module(str(LIBRARY))
    mod = host.load_module(plugin("values"), {"deadline": 5.0})
    assert mod.sum8(*range(8)) == 28
    assert host.worker_info(mod)["pid"] > 0
    with pytest.raises(TypeError, match="at most 2 arguments"):
        host.load_module(plugin("values"), {}, 3)


def test_a_guard_page_is_not_to_be_had_in_a_modules_pool() -> None:
    host = tvm_ffi.load_module(str(LIBRARY))
    mod = host.load_module(plugin("values"), {})
    assert host.empty([4], "float32", mod, None).shape == (4,)
    with pytest.raises(TypeError, match="argument 3 of empty must be None for a tensor of a module's pool"):
        host.empty([4], "float32", mod, "left")
