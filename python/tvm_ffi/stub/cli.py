"""The program ``tvm-ffi-stubgen``."""

from __future__ import annotations

import argparse
import ctypes
import difflib
import importlib
import sys
from pathlib import Path
from typing import Iterator, Sequence

from ._directives import SourceFile, StubError, parse
from ._generate import generate
from ._new_package import Package, missing_files

_SUFFIXES = (".py", ".pyi")


def _semicolons(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tvm-ffi-stubgen",
        description="Write type stubs for registered functions and types into the blocks of Python files that "
        "`# tvm-ffi-stubgen(begin): ...` and `# tvm-ffi-stubgen(end)` enclose. Everything else in the files stays.",
    )
    parser.add_argument("paths", metavar="PATH", nargs="*", type=Path, help="files, or folders of .py and .pyi files")
    parser.add_argument("--dlls", default=[], type=_semicolons, help="libraries to load first: a.so;b.so")
    parser.add_argument("--imports", default=[], type=_semicolons, help="modules to import first: a;b.c")
    parser.add_argument("--init-pypkg", default="", metavar="P", help="create missing files of this Python package")
    parser.add_argument("--init-lib", default="", metavar="T", help="CMake target of the package's library")
    parser.add_argument("--init-prefix", default="", metavar="X", help="prefix of the package's registered names")
    parser.add_argument("--indent", default=4, type=int, help="width of an indentation; default: %(default)s")
    parser.add_argument("--target", default="python", choices=["python"], help="language; default: %(default)s")
    parser.add_argument("--verbose", action="store_true", help="print what changes")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    return parser


def _load(arguments: argparse.Namespace) -> list[ctypes.CDLL]:
    for name in arguments.imports:
        importlib.import_module(name)
    return [ctypes.CDLL(str(Path(path).resolve()) if Path(path).exists() else path) for path in arguments.dlls]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        elif path.is_file():
            yield path
        else:
            raise StubError(f"there is no {path}")


class _Run:
    """One run: the files as they were, as they become, and what went wrong."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._old: dict[Path, str] = {}
        self._files: list[SourceFile] = []
        self.failed = False

    def fail(self, what: object) -> None:
        print(f"error: {what}", file=sys.stderr)
        self.failed = True

    def add(self, path: Path, text: str, new: bool = False) -> None:
        try:
            file = parse(path, text)
        except StubError as error:
            self.fail(f"{path}: {error}")
            return
        if not file.skipped:
            self._old[path] = "" if new else text
            self._files.append(file)

    def write(self) -> None:
        type_map = {key: name for file in self._files for key, name in file.type_map.items()}
        for file in self._files:
            try:
                generate(file, type_map, " " * self._arguments.indent)
            except StubError as error:
                self.fail(f"{file.path}: {error}")
                continue
            self._finish(file.path, file.text())

    def _finish(self, path: Path, text: str) -> None:
        old = self._old[path]
        if self._arguments.verbose:
            changes = difflib.unified_diff(old.splitlines(), text.splitlines(), str(path), str(path), lineterm="")
            print("\n".join(changes) or f"{path}: unchanged")
        if text != old and not self._arguments.dry_run:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())


def _run(arguments: argparse.Namespace) -> int:
    libraries = _load(arguments)
    run = _Run(arguments)
    if arguments.init_pypkg:
        package = Package(arguments.init_pypkg, arguments.init_lib, arguments.init_prefix)
        for path, text in missing_files(package, arguments.paths[0]).items():
            run.add(path, text, new=True)
    for path in _files(arguments.paths):
        run.add(path, path.read_bytes().decode())
    run.write()
    del libraries
    return 1 if run.failed else 0


def __main__() -> int:  # noqa: N807 - the console script's name
    """Process the files named on the command line; the exit status is 1 when one could not be, 2 for wrong usage."""
    parser = _parser()
    arguments = parser.parse_args()
    if not arguments.paths:
        parser.print_help()
        return 1
    given = [bool(value) for value in (arguments.init_pypkg, arguments.init_lib, arguments.init_prefix)]
    if any(given) and not all(given):
        parser.error("--init-pypkg, --init-lib and --init-prefix go together")
    if any(given) and not arguments.paths[0].is_dir():
        parser.error(f"--init-pypkg needs a folder, {arguments.paths[0]} is none")
    try:
        return _run(arguments)
    except (StubError, OSError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(__main__())
