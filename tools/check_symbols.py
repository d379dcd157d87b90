#!/usr/bin/env python3
"""Compares the dynamic symbols that a built library defines with the list it promises.

A promised name that is missing breaks modules that are out in the world; a name that nobody promised would become a
promise the day somebody links to it. Both fail.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def promised(path: Path) -> set[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def defined(library: Path, nm: str) -> set[str]:
    output = subprocess.run(
        [nm, "-D", "--defined-only", "--format=posix", str(library)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {line.split()[0] for line in output.splitlines() if line}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("symbols", type=Path)
    parser.add_argument("--nm", default="nm")
    arguments = parser.parse_args()

    wanted = promised(arguments.symbols)
    found = defined(arguments.library, arguments.nm)
    for name in sorted(wanted - found):
        print(f"{arguments.library} does not define {name}, which {arguments.symbols} promises")
    for name in sorted(found - wanted):
        print(f"{arguments.library} defines {name}, which {arguments.symbols} does not list")
    return 0 if wanted == found else 1


if __name__ == "__main__":
    sys.exit(main())
