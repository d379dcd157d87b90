"""Importing tensors."""

from __future__ import annotations

from typing import Any

from . import core


def from_dlpack(ext_tensor: Any, *, require_alignment: int = 0, require_contiguous: bool = False) -> core.Tensor:
    """Return a Tensor over another framework's memory, without a copy.

    Parameters
    ----------
    ext_tensor
        An object with ``__dlpack__``, or a DLPack capsule, which is used up.
    require_alignment
        Bytes the data must be aligned to; 0 for any. RuntimeError when it is not.
    require_contiguous
        Refuse strided data with RuntimeError.
    """
    return core._from_dlpack(ext_tensor, require_alignment, require_contiguous)
