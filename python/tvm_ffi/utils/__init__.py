"""Helpers around modules and builds."""

from .lockfile import FileLock

__all__ = ["FileLock"]
