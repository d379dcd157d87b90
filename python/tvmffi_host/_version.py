"""The version, as the build wrote it."""

try:
    from ._build_info import VERSION as __version__
except ImportError:
    __version__ = "0.0.0+source"
