"""Values as JSON text that keeps shared objects shared."""

from __future__ import annotations

from typing import Any

from .registry import get_global_func

__all__ = ["from_json_graph_str", "to_json_graph_str"]


def to_json_graph_str(obj: Any, metadata: dict[str, Any] | None = None) -> str:
    """Return ``obj`` and everything it refers to as JSON text; TypeError for what has no such form, as a Function."""
    return str(get_global_func("ffi.ToJSONGraphString")(obj, metadata))


def from_json_graph_str(json_str: str) -> Any:
    """Return the value that :func:`to_json_graph_str` wrote; ValueError for malformed text."""
    return get_global_func("ffi.FromJSONGraphString")(json_str)
