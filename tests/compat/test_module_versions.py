"""C++ modules, built with the headers of releases from the first to the newest, under our library; and ours under theirs.

From C++ it is called by the CppModule tests of the library's own test program, from Python by the functions here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import published as published_releases
import pytest
import tvm_ffi

NEWEST = published_releases.VERSIONS[0]
# Until 0.1.13.post1 `Optional` of an object took 16 bytes in 0.1.13, in every other release it takes 8: a module built
# with that release and the library disagree about what ModuleObj::GetFunction returns, whichever library it is.
CALLS_MODULE_OBJECTS = ["CppModule.ModulesLoadModules", "CppModule.AModuleObjectOfTheModule"]
# The only release whose headers take every object from the custom allocator.
USES_CUSTOM_ALLOCATOR = "0.1.13"
# A release of either kind: until 0.1.14 the hash and equality hooks of a type return the number itself, then a value.
KEY_VERSIONS = ["0.1.13", NEWEST]
KEY_MODULE = Path(__file__).resolve().parent / "modules" / "key_module.cc"


@pytest.fixture(scope="module", params=published_releases.MODULE_VERSIONS)
def version(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def modules(version: str, build_dir: Path) -> Path:
    try:
        return published_releases.prepare_modules(version, build_dir)
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def module_path(modules: Path) -> Path:
    return modules / "cpp_module.so"


def run_cpp_tests(build_dir: Path, left_out: list[str], **environment: str) -> None:
    program = build_dir / "bin" / "libffi_core_tests"
    pattern = "CppModule.*" + ("-" + ":".join(left_out) if left_out else "")
    done = subprocess.run(
        [program, f"--gtest_filter={pattern}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "[  PASSED  ] " in done.stdout and "[  PASSED  ] 0 tests" not in done.stdout


def test_c_abi_025_074_110_a_cpp_host_runs_a_module_of_any_release(version: str, module_path: Path, build_dir: Path) -> None:
    environment = {"TVMFFI_TEST_CPP_MODULE": str(module_path)}
    if version == USES_CUSTOM_ALLOCATOR:
        environment["TVMFFI_TEST_CPP_MODULE_ALLOCATES"] = "1"
    run_cpp_tests(build_dir, CALLS_MODULE_OBJECTS if version == "0.1.13" else [], **environment)


def test_c_abi_110_a_cpp_module_of_ours_runs_under_the_newest_library(build_dir: Path) -> None:
    folder = published_releases.folder_of(NEWEST, build_dir)
    try:
        package = published_releases.fetch(NEWEST, folder)
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))
    library = package / "tvm_ffi" / "lib"
    found = subprocess.run(
        ["ldd", build_dir / "bin" / "libffi_core_tests"],
        env={**os.environ, "LD_LIBRARY_PATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(library) in found.stdout
    run_cpp_tests(build_dir, [], LD_LIBRARY_PATH=str(library))


def test_hash_hooks_and_big_integers_of_the_newest_library_are_understood(build_dir: Path) -> None:
    folder = published_releases.folder_of(NEWEST, build_dir)
    try:
        package = published_releases.fetch(NEWEST, folder)
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))
    # Left out: what crashes there, and what tells errors that have other words there.
    ours = [
        "OtherValuesHaveNoContent",
        "PartsOfWordsAndNullsAreRefused",
        "AJsonGraphWithSomethingElseIsRefused",
        "TheMapHooksRefuseOtherValues",
    ]
    tests = "BigInt.*:CppApi.B109_*:StructuralKey.FindsAmongManyInDict:StructuralKey.AnyHashAndAnyEqualUseIt"
    left_out = ":".join(f"BigInt.{test}" for test in ours)
    done = subprocess.run(
        [build_dir / "bin" / "libffi_core_tests", f"--gtest_filter={tests}-{left_out}"],
        env={**os.environ, "LD_LIBRARY_PATH": str(package / "tvm_ffi" / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "[  PASSED  ] 19 tests" in done.stdout


@pytest.fixture(scope="module", params=KEY_VERSIONS)
def key_module(request, build_dir: Path) -> Any:
    folder = published_releases.folder_of(request.param, build_dir)
    try:
        package = published_releases.fetch(request.param, folder)
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))
    return tvm_ffi.load_module(str(published_releases.build_module(KEY_MODULE, package, folder)))


def test_a_module_of_either_kind_shares_maps_with_structural_keys(key_module: Any) -> None:
    make_key = tvm_ffi.get_global_func("ffi.StructuralKey")
    keys = [make_key(tvm_ffi.Array([i, i + 1])) for i in range(40)]
    made_there = key_module.make_map(len(keys))
    made_here = tvm_ffi.Map({key: i for i, key in enumerate(keys)})

    get_item = tvm_ffi.get_global_func("ffi.MapGetItem")
    assert [get_item(made_there, key) for key in keys] == list(range(40))
    assert [key_module.at(made_here, key) for key in keys] == list(range(40))
    assert key_module.count(made_here, make_key(tvm_ffi.Array([1, 1]))) == 0


def exchange_maps(module: Any) -> None:
    for count in (3, 40):
        made_there = module.make_map(count)
        assert [*made_there.items()] == [(f"key_number_{i}", i) for i in range(count)]
        made_here = tvm_ffi.Map({f"key_number_{i}": i for i in range(count)})
        assert module.sum_map(made_here, count) == count * (count - 1) // 2 + 1000 * count


def return_tensors(module: Any) -> None:
    tensor = module.make_tensor(6)
    array = np.from_dlpack(tensor)
    del tensor
    assert array.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert module.live_tensors() == 1
    del array
    assert module.live_tensors() == 0
    x = np.array([1, 2, 3], dtype="float32")
    assert module.scale(x, 2.0, None) == 12
    assert x.tolist() == [2, 4, 6]


def keep_callbacks(module: Any) -> None:
    seen = []
    module.keep(lambda value: seen.append(value) or len(seen))
    assert [module.call_kept(7), module.call_kept(8)] == [1, 2]
    assert seen == [7, 8]
    module.forget()
    assert module.call_back(lambda value: value * 2, 20) == 42


def throw_errors(module: Any) -> None:
    with pytest.raises(ValueError, match="^thrown: why"):
        module.throw_error("why")
    with pytest.raises(RuntimeError, match="a standard exception"):
        module.throw_std()
    with pytest.raises(TypeError, match="Expected `int` but got `ffi.SmallStr`"):
        module.check(1, "x")
    with pytest.raises(KeyError, match="gone"):
        module.call_back(lambda value: {}["gone"], 1)


def keep_objects(module: Any) -> None:
    box = module.make_box(module.make_array(3))
    assert list(module.unbox(box)) == ["element 0", "element 1", "element 2"]


@pytest.mark.parametrize("exchange", [exchange_maps, return_tensors, keep_callbacks, throw_errors, keep_objects])
def test_c_abi_110_a_python_host_runs_a_module_of_any_release(exchange: Any, module_path: Path) -> None:
    exchange(tvm_ffi.load_module(str(module_path)))


def test_a_module_of_any_release_calls_json(modules: Path) -> None:
    module = tvm_ffi.load_module(str(modules / "json_module.so"))
    value = module.parse('[1, "abc", null, {"k": 2.5}]')
    assert module.stringify(value, -1) == '[1,"abc",null,{"k":2.5}]'
    assert module.stringify(value, 2) == '[\n  1,\n  "abc",\n  null,\n  {\n    "k": 2.5\n  }\n]'
