#!/usr/bin/env python3
"""Builds this package's wheel for each Python, one wheel of an example package for all of them, and runs the example in each;
and the host's wheel for the first.

    tests/packaging/wheel_matrix.py [--python PATH]... [--work FOLDER] [--published VERSION] [--source FILE]

Without --python: every python3.10 to python3.13 that pyenv or the PATH has. The example's wheel (tag py3, built with
scikit-build-core against the first Python's wheel) is installed beside each Python's own wheel of this package and, with
--published, beside the published package's. Wheels come from and virtual environments go to the work folder. One line per cell;
exit status 1 when one fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).resolve().parent / "my_ffi_extension"
VERSIONS = ("3.10", "3.11", "3.12", "3.13")
EXPECTED = "1 2 1 2\n2.0 3.0 4.0 5.0 6.0\nerror happens True\n"
OWN_CHECK = """
import numpy as np, tvm_ffi
assert tvm_ffi.get_global_func("testing.echo")([1, {"a": np.ones(3)}])[1]["a"].shape == (3,)
assert tvm_ffi.Array([1, 2]) == [1, 2] and tvm_ffi.convert(lambda x: x + 1)(1) == 2
folders = [tvm_ffi.libinfo.find_python_helper_include_path(), tvm_ffi.libinfo.find_cmake_path()]
assert all(tvm_ffi.__file__.rsplit("/", 1)[0] in folder for folder in folders), folders
print(tvm_ffi.__version__)
"""
HOST_CHECK = """
import subprocess, pathlib, sys, tvmffi_host
programs = pathlib.Path(tvmffi_host.__file__).parent / "bin"
assert tvmffi_host.load_module(sys.argv[1]).answer() == 42
subprocess.run([programs / "tvmffi-hostctl", "call", sys.argv[1], "answer"], check=True)
"""
HOST_MODULE = """
struct any { int type_index; int padding; long value; };
int __tvm_ffi_answer(void* self, const struct any* args, int count, struct any* result) {
  result->type_index = 1;
  result->value = 42;
  return 0;
}
"""


class Cell(NamedTuple):
    python: str
    what: str
    passed: bool
    detail: str


def run(*command: object, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_LIBRARY_PATH")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def release_of(interpreter: Path) -> list[int]:
    """``~/.pyenv/versions/3.11.10/bin/python3`` is 3.11.10."""
    return [int(number) for number in re.findall(r"\d+", interpreter.parents[1].name)]


def find_pythons() -> list[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = []
    for version in VERSIONS:
        installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python3"), key=release_of)
        on_path = shutil.which(f"python{version}")
        if installed or on_path:
            found.append(installed[-1] if installed else Path(str(on_path)))
    return found


def version_of(python: Path) -> str:
    return run(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()


def make_environment(python: Path, folder: Path, *packages: object) -> Path:
    """The interpreter of a fresh virtual environment with these packages."""
    shutil.rmtree(folder, ignore_errors=True)
    run(python, "-m", "venv", folder)
    inside = folder / "bin" / "python"
    run(inside, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages)
    return inside


def build_wheel(python: Path, project: Path, out: Path, *options: object) -> Path:
    shutil.rmtree(out, ignore_errors=True)
    run(python, "-m", "pip", "wheel", "-q", "--no-deps", "--disable-pip-version-check", *options, "-w", out, project)
    (wheel,) = out.glob("*.whl")
    return wheel


def build_example(python: Path, our_wheel: Path, work: Path, source: Path | None) -> Path:
    project = work / "example"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(EXAMPLE, project)
    if source is not None:
        shutil.copyfile(source, project / "src" / "extension.cc")
    inside = make_environment(python, work / "venv-example", "scikit-build-core>=0.10", "cmake>=3.25", "ninja", our_wheel)
    wheel = build_wheel(inside, project, work / "wheels" / "example", "--no-build-isolation")
    if not wheel.name.split("-")[2] == "py3":
        raise RuntimeError(f"the example's wheel is {wheel.name}, not one for every Python 3")
    return wheel


def run_example(inside: Path, work: Path) -> str:
    output = run(inside, "-X", "dev", "-m", "my_ffi_extension", cwd=work)
    if output != EXPECTED:
        raise RuntimeError(f"the example printed\n{output}expected\n{EXPECTED}")
    return "prints what it should"


def attempt(python: str, what: str, action: Callable[[], str]) -> Cell:
    try:
        cell = Cell(python, what, True, action())
    except (RuntimeError, OSError, ValueError) as error:
        cell = Cell(python, what, False, str(error))
    print(f"{cell.python:6} {cell.what:32} {'ok' if cell.passed else 'FAILED':7} {cell.detail}", flush=True)
    return cell


def check_python(python: Path, our_wheel: Path, example: Path, published: str | None, work: Path) -> list[Cell]:
    version = version_of(python)
    inside = make_environment(python, work / f"venv-{version}", "numpy", our_wheel, example)
    cells = [
        attempt(version, "our wheel", lambda: run(inside, "-X", "dev", "-c", OWN_CHECK, cwd=work).strip()),
        attempt(version, "example wheel on ours", lambda: run_example(inside, work)),
    ]
    if published is not None:
        wanted = f"apache-tvm-ffi=={published}"
        theirs = make_environment(python, work / f"venv-published-{version}", "numpy", wanted, example)
        cells.append(attempt(version, f"example wheel on {published}", lambda: run_example(theirs, work)))
    return cells


def check_host(python: Path, our_wheel: Path, work: Path) -> Cell:
    """The host's wheel beside ours: both halves run a module, and the programs come along."""

    def check() -> str:
        host_wheel = build_wheel(python, ROOT / "python" / "tvmffi_host", work / "wheels" / "host")
        source, module = work / "answer.c", work / "answer.so"
        source.write_text(HOST_MODULE)
        run("cc", "-shared", "-fPIC", "-o", module, source)
        inside = make_environment(python, work / "venv-host", "numpy", our_wheel, host_wheel)
        return "answers " + run(inside, "-c", HOST_CHECK, module, cwd=work).strip()

    return attempt(version_of(python), "host wheel", check)


def main() -> int:
    parser = argparse.ArgumentParser(description="This package's wheel and an example's on each Python.")
    parser.add_argument("--python", type=Path, action="append", help="interpreter; may be repeated")
    parser.add_argument("--work", type=Path, help="folder of wheels and environments, kept; a temporary one unless given")
    parser.add_argument("--published", metavar="VERSION", help="run the example on this published version as well")
    parser.add_argument("--source", type=Path, help="another extension.cc for the example")
    options = parser.parse_args()
    pythons = options.python or find_pythons()
    if not pythons:
        parser.error("no Python 3.10 to 3.13 was found; name one with --python")
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        wheels = {python: build_wheel(python, ROOT, work / "wheels" / version_of(python)) for python in pythons}
        example = build_example(pythons[0], wheels[pythons[0]], work, options.source)
        cells = [
            cell for python in pythons for cell in check_python(python, wheels[python], example, options.published, work)
        ]
        cells.append(check_host(pythons[0], wheels[pythons[0]], work))
    failed = sum(not cell.passed for cell in cells)
    print(f"{len(cells) - failed} of {len(cells)} passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
