"""Published releases of the convention, fetched and put to use: their package aside, our plug-ins built on their headers.

    python tests/compat/published.py BUILD_DIR      # every release into BUILD_DIR/compat/<version>
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

VERSIONS = ["0.1.15.post2", "0.1.9"]
PLUGIN_PROJECT = Path(__file__).resolve().parent / "plugins"


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


def prepare(version: str, build_dir: Path) -> Published:
    """Raises Unavailable when the release cannot be fetched, RuntimeError when our sources do not compile against it."""
    folder = build_dir / "compat" / version
    folder.mkdir(parents=True, exist_ok=True)
    package = fetch(version, folder)
    return Published(version, package, build(package, folder))


def main() -> int:
    for version in VERSIONS:
        try:
            published = prepare(version, Path(sys.argv[1]))
        except Unavailable as reason:
            print(f"{version}: left out, {reason}")
        else:
            print(f"{version}: {published.plugins}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
