#!/usr/bin/env python3
"""Lists the items of the conformance checklists that no test quotes.

A test quotes an item by beginning its name with it: `TEST(CAbi, C037_...)` and `TEST(CppApi, B42_...)` in C++, a function
`c_abi_037_...` or `cpp_api_b42_...` in C, `test_c_abi_037_...` or `test_cpp_api_b42_...` in Python. A name may begin with
several items, `B19_B20_...`, and then quotes all of them. Disabled tests quote nothing. The Python sheet is quoted by tests
of the package, `test_044_...` or `test_081_082_...` below tests/python. `--sheet` asks for one sheet, else the two of C and
C++ are checked.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Iterator, NamedTuple

ROOT = Path(__file__).resolve().parents[1]

CPP_TEST = re.compile(r"^\s*(?:TYPED_)?TEST(?:_F|_P)?\(\s*\w+,\s*(\w+)\s*\)", re.MULTILINE)
C_FUNCTION = re.compile(r"^(?:static )?(?:void|int) (c(?:_abi|pp_api)_\w+)\(", re.MULTILINE)
PYTHON_TEST = re.compile(r"^\s*def test_(c(?:_abi|pp_api)_\w+)\(", re.MULTILINE)
GTEST_NAME = re.compile(r"((?:C\d{3}_)+|(?:B\d+_)+)\w+")
PACKAGE_TEST = re.compile(r"^\s*def test_((?:\d{3}_)+)\w+\(", re.MULTILINE)
C_NAME = re.compile(r"c_abi_((?:\d{3}_)+)\w+|cpp_api_((?:b\d+_)+)\w+")


class Sheet(NamedTuple):
    name: str
    letter: str
    last: int

    def item(self, number: int) -> str:
        return f"{self.letter}{number:03}" if self.letter in "CP" else f"{self.letter}{number}"


SHEETS = [Sheet("C ABI", "C", 111), Sheet("C++ API", "B", 112)]
PYTHON_SHEET = Sheet("Python API", "P", 181)


def names(path: Path) -> Iterator[str]:
    """The items at the start of each test's name in one source file, as written there."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".py":
        found = (C_NAME.fullmatch(name) for name in PYTHON_TEST.findall(text))
    elif path.suffix == ".c":
        found = (C_NAME.fullmatch(name) for name in C_FUNCTION.findall(text))
    else:
        found = (GTEST_NAME.fullmatch(name) for name in CPP_TEST.findall(text))
    for match in found:
        if match:
            yield from filter(None, (group for group in match.groups() if group))


def quoted(folder: Path) -> set[str]:
    """Every item that some test below `folder` quotes, in the form of Sheet.item."""
    items = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".cc", ".c", ".cu", ".py"):
            continue
        for prefix in names(path):
            for part in prefix.strip("_").upper().split("_"):
                letter, digits = ("C", part) if part.isdigit() else (part[0], part[1:])
                items.add(next(sheet for sheet in SHEETS if sheet.letter == letter).item(int(digits)))
    return items


def quoted_in_package(folder: Path) -> set[str]:
    """Every item of the Python sheet that some test below `folder` quotes."""
    items = set()
    for path in sorted(folder.rglob("test_*.py")):
        for prefix in PACKAGE_TEST.findall(path.read_text(encoding="utf-8")):
            items.update(PYTHON_SHEET.item(int(part)) for part in prefix.strip("_").split("_"))
    return items


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "tests", help="where the tests are; default: %(default)s")
    parser.add_argument("--sheet", choices=["native", "python"], default="native", help="default: %(default)s")
    arguments = parser.parse_args()

    sheets = SHEETS
    if arguments.sheet == "python":
        sheets = [PYTHON_SHEET]
        items = quoted_in_package(arguments.folder / "python")
    else:
        items = quoted(arguments.folder)
    known = {sheet.item(number) for sheet in sheets for number in range(1, sheet.last + 1)}
    failed = False
    for sheet in sheets:
        missing = [item for item in map(sheet.item, range(1, sheet.last + 1)) if item not in items]
        print(f"{sheet.name}: {sheet.last - len(missing)} of {sheet.last} items are quoted by a test")
        for item in missing:
            print(f"  no test quotes {item}")
        failed = failed or bool(missing)
    for item in sorted(items - known):
        print(f"a test quotes {item}, which no sheet has")
    return 1 if failed or items - known else 0


if __name__ == "__main__":
    sys.exit(main())
