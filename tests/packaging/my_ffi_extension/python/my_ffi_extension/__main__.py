"""Uses everything the package has; prints what it finds."""

import traceback

import my_ffi_extension
import numpy as np

pair = my_ffi_extension.IntPair(1, 2)
print(pair.get_first(), my_ffi_extension.IntPair.static_get_second(pair), pair.a, pair.b)
x = np.array([1, 2, 3, 4, 5], dtype="float32")
y = np.empty_like(x)
my_ffi_extension.add_one(x, y)
print(*y.tolist())
try:
    my_ffi_extension.raise_error("error happens")
except RuntimeError as error:
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    print(error, any("RaiseError" in name for name in names))
