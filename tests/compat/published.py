"""Published releases of the convention, fetched and put to use: their package aside, our plug-ins built on their headers.

    python tests/compat/published.py BUILD_DIR      # every release into BUILD_DIR/compat/<version>

All our plug-ins are built for the releases of VERSIONS; for those of MODULE_VERSIONS, which cover the whole life of the
convention, only the modules of MODULE_SOURCES.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

VERSIONS = ["0.1.15.post2", "0.1.9"]
MODULE_VERSIONS = ["0.1.0", "0.1.7", "0.1.9", "0.1.13", "0.1.15.post2"]
TESTS = Path(__file__).resolve().parents[1]
PLUGIN_PROJECT = TESTS / "compat" / "plugins"
# The first is also what the C++ tests of the library call.
MODULE_SOURCES = [TESTS / "libffi_core" / "modules" / "cpp_module.cc", TESTS / "compat" / "modules" / "json_module.cc"]


class Unavailable(Exception):
    """The release cannot be had here: no index, or no wheel for this interpreter."""


class Published(NamedTuple):
    version: str
    package: Path  # put this on PYTHONPATH and `import tvm_ffi` is the published one
    plugins: Path  # our plug-ins, compiled with its headers


def run(*command: str) -> str:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
    return done.stdout


def fetch(version: str, folder: Path) -> Path:
    """Download and unpack the wheel of this interpreter, once."""
    package = folder / "package"
    if (package / "tvm_ffi").is_dir():
        return package
    requirement = f"apache-tvm-ffi=={version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", str(folder), requirement]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"pip download {requirement}: {done.stdout.strip().splitlines()[-1]}")
    (wheel,) = folder.glob("*.whl")
    partial = folder / "package.partial"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(partial)
    partial.rename(package)
    return package


def build(package: Path, folder: Path) -> Path:
    """Compile the plug-ins against the package; the build tool sees to it that nothing is done twice."""
    out = folder / "build"
    if not (out / "build.ninja").exists():
        options = [f"-DTVM_FFI_WHEEL={package}", "-DCMAKE_BUILD_TYPE=Release"]
        run("cmake", "-G", "Ninja", "-S", str(PLUGIN_PROJECT), "-B", str(out), *options)
    run("cmake", "--build", str(out))
    return out / "plugins"


def build_module(source: Path, package: Path, folder: Path) -> Path:
    """Compile one module, unless it is newer than its source."""
    module = folder / source.with_suffix(".so").name
    if module.exists() and module.stat().st_mtime > source.stat().st_mtime:
        return module
    compiler = [*filter(None, [shutil.which("ccache")]), os.environ.get("CXX", "g++")]
    objects = module.with_suffix(".o")
    include = f"-I{package / 'tvm_ffi' / 'include'}"
    run(*compiler, "-std=c++17", "-O1", "-g1", "-fPIC", include, "-c", str(source), "-o", str(objects))
    # Like its bigger siblings it finds the library by name only: the process has one loaded.
    run(compiler[-1], "-shared", str(objects), f"-L{package / 'tvm_ffi' / 'lib'}", "-ltvm_ffi", "-o", str(module))
    return module


def folder_of(version: str, build_dir: Path) -> Path:
    folder = build_dir / "compat" / version
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def prepare(version: str, build_dir: Path) -> Published:
    """Raises Unavailable when the release cannot be fetched, RuntimeError when our sources do not compile against it."""
    folder = folder_of(version, build_dir)
    package = fetch(version, folder)
    return Published(version, package, build(package, folder))


def prepare_modules(version: str, build_dir: Path) -> Path:
    """As prepare, for the modules of MODULE_SOURCES; returns their folder."""
    folder = folder_of(version, build_dir)
    package = fetch(version, folder)
    for source in MODULE_SOURCES:
        build_module(source, package, folder)
    return folder


def main() -> int:
    for version in VERSIONS:
        try:
            published = prepare(version, Path(sys.argv[1]))
        except Unavailable as reason:
            print(f"{version}: left out, {reason}")
        else:
            print(f"{version}: {published.plugins}")
    for version in MODULE_VERSIONS:
        try:
            print(f"{version}: {prepare_modules(version, Path(sys.argv[1]))}")
        except Unavailable as reason:
            print(f"{version}: left out, {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
