"""What the newest published release adds: programs built on its headers and on ours print the same, each with its library;
its package finds the same types in our libraries as in its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import published as published_releases
import pytest
from test_published_package import swapped

HERE = Path(__file__).resolve().parent
HEADERS = HERE.parents[1] / "abi" / "include"
LIBRARIES = ["libtvm_ffi.so", "libtvm_ffi_testing.so"]


@pytest.fixture(scope="module")
def package(build_dir: Path) -> Path:
    version = published_releases.VERSIONS[0]
    try:
        return published_releases.fetch(version, published_releases.folder_of(version, build_dir))
    except published_releases.Unavailable as reason:
        pytest.skip(str(reason))


def output(*command: str, **environment: str) -> list[str]:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.splitlines()


def build(program: str, include: Path, libraries: Path, folder: Path) -> Path:
    folder.mkdir()
    compiler = os.environ.get("CXX", "g++")
    launcher = filter(None, [shutil.which("ccache")])
    objects, binary = folder / "program.o", folder / "program"
    source = str(HERE / "programs" / program)
    published_releases.run(*launcher, compiler, "-std=c++17", f"-I{include}", "-c", source, "-o", str(objects))
    paths = [f"-L{libraries}", f"-Wl,-rpath,{libraries}"]
    published_releases.run(compiler, str(objects), *paths, "-ltvm_ffi", "-o", str(binary))
    return binary


@pytest.mark.parametrize(("program", "least"), [("big_int_values.cc", 10000), ("native_hooks.cc", 200)])
def test_programs_print_the_same(program: str, least: int, package: Path, build_dir: Path, tmp_path: Path) -> None:
    published = package / "tvm_ffi"
    theirs = output(str(build(program, published / "include", published / "lib", tmp_path / "theirs")))
    ours = output(str(build(program, HEADERS, build_dir / "lib", tmp_path / "ours")))

    assert len(theirs) >= least
    assert ours == theirs


def test_types_say_the_same_of_themselves(package: Path, build_dir: Path, tmp_path: Path) -> None:
    program = str(HERE / "reflected_types.py")
    theirs = output(sys.executable, program, PYTHONPATH=str(package))
    ours = output(sys.executable, program, PYTHONPATH=str(swapped(package, build_dir, tmp_path, LIBRARIES)))

    assert "testing.TestObjectDerived True" in theirs
    assert "testing.TestObjectBase False" in theirs
    assert ours == theirs
