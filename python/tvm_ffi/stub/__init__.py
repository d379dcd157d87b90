"""``tvm-ffi-stubgen``: type stubs for registered functions and types, written into marked blocks of Python files."""
