"""What only type checkers look at: importing the package must not pay for typing_extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform as dataclass_transform
else:

    def dataclass_transform(**_):
        """Mark a decorator that makes dataclasses; at run time, leave it alone."""
        return lambda decorator: decorator
