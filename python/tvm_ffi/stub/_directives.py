"""Python files as lines, some of them in blocks that are written by this tool.

A directive is a line ``# tvm-ffi-stubgen(NAME)`` or ``# tvm-ffi-stubgen(NAME): VALUE``. ``begin`` and ``end`` enclose a
block; the others stand alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

_DIRECTIVE = re.compile(r"^(\s*)#\s*tvm-ffi-stubgen\(([\w-]+)\)(?:\s*:\s*(.*?))?\s*$")
_KINDS_WITH_NAME = ("global", "object", "export")
_KINDS = (*_KINDS_WITH_NAME, "import-section", "__all__")
_ONE_LINERS = ("ty-map", "import-object", "skip-file")


class StubError(ValueError):
    """A file that this tool cannot process; the text names the line."""


@dataclass
class Block:
    """The lines between ``begin`` and ``end``, without these."""

    kind: str
    name: str
    line_number: int
    indent: str
    lines: list[str] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """What a ``global`` block lists, without where it imports from."""
        return self.name.partition("@")[0]

    @property
    def import_from(self) -> str:
        """The module whose init_ffi_api a ``global`` block calls, empty for the usual one."""
        return self.name.partition("@")[2]


@dataclass(frozen=True)
class ImportObject:
    """``import-object: full name;type checking only;alias``."""

    full_name: str
    type_checking_only: bool
    alias: str | None


@dataclass
class SourceFile:
    """A parsed file: plain lines and blocks in their order."""

    path: Path
    newline: str
    parts: list[str | Block] = field(default_factory=list)
    type_map: dict[str, str] = field(default_factory=dict)
    import_objects: list[ImportObject] = field(default_factory=list)
    skipped: bool = False

    def blocks(self, *kinds: str) -> Iterator[Block]:
        """The blocks of these kinds."""
        return (part for part in self.parts if isinstance(part, Block) and part.kind in kinds)

    def text(self) -> str:
        """The file's contents with the blocks as they are now."""
        lines = []
        for part in self.parts:
            lines += part.lines if isinstance(part, Block) else [part]
        return self.newline.join(lines)


def _parse_begin(value: str, line_number: int, indent: str) -> Block:
    kind, slash, name = value.partition("/")
    if kind not in _KINDS or bool(slash and name) != (kind in _KINDS_WITH_NAME):
        raise StubError(f"line {line_number}: unknown block `{value}`")
    return Block(kind, name, line_number, indent)


def _parse_import_object(value: str, line_number: int) -> ImportObject:
    full_name, *rest = (part.strip() for part in value.split(";"))
    only, alias = (*rest, "", "")[:2]
    if not full_name or len(rest) > 2 or only.lower() not in ("", "true", "false"):
        raise StubError(f"line {line_number}: import-object needs `full.name;True or False;alias`, not `{value}`")
    return ImportObject(full_name, only.lower() == "true", alias or None)


def _read_one_liner(file: SourceFile, name: str, value: str, line_number: int) -> None:
    if name == "skip-file":
        file.skipped = True
    elif name == "import-object":
        file.import_objects.append(_parse_import_object(value, line_number))
    elif name == "ty-map":
        source, arrow, target = (part.strip() for part in value.partition("->"))
        if not (source and arrow and target):
            raise StubError(f"line {line_number}: ty-map needs `A -> B`, not `{value}`")
        file.type_map[source] = target
    else:
        raise StubError(f"line {line_number}: unknown directive `{name}`, expected begin, {', '.join(_ONE_LINERS)}")


def parse(path: Path, text: str) -> SourceFile:
    """Split a file into plain lines and blocks. StubError for directives that are wrong."""
    newline = "\r\n" if "\r\n" in text else "\n"
    file = SourceFile(path, newline)
    if any(match[2] == "skip-file" for match in map(_DIRECTIVE.match, text.split(newline)) if match):
        file.skipped = True
        return file
    block: Block | None = None
    for line_number, line in enumerate(text.split(newline), 1):
        match = _DIRECTIVE.match(line)
        name, value = (match[2], match[3] or "") if match else ("", "")
        if block is not None and name != "end":
            if name == "begin":
                raise StubError(f"line {line_number}: a block begins inside the one of line {block.line_number}")
            block.lines.append(line)
            continue
        if name == "end":
            if block is None:
                raise StubError(f"line {line_number}: no block ends here")
            file.parts.append(block)
            block = None
        file.parts.append(line)
        if match and name == "begin":
            block = _parse_begin(value, line_number, match[1])
        elif match and name != "end":
            _read_one_liner(file, name, value, line_number)
    if block is not None:
        raise StubError(f"line {block.line_number}: the block does not end")
    return file
