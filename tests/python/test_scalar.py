"""Numbers, None, text and bytes through a call."""

from __future__ import annotations

import math
import pickle
from decimal import Decimal
from enum import Enum, IntEnum
from fractions import Fraction

import numpy as np
import pytest
import tvm_ffi
from tvm_ffi import core


class Color(IntEnum):
    RED = 7


class Name(str, Enum):
    LONG = "a name of many letters"


def test_001_none_and_bools_keep_their_type(echo):
    assert echo(None) is None
    assert echo(True) is True
    assert echo(False) is False


@pytest.mark.parametrize("value", [0, 1, -1, 2**31, 2**63 - 1, -(2**63)])
def test_002_int64_range(echo, value):
    assert echo(value) == value
    assert type(echo(value)) is int


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**200, np.uint64(2**64 - 1)])
def test_003_ints_beyond_64_bits_overflow(echo, value):
    with pytest.raises(OverflowError):
        echo(value)


def test_004_floats_keep_sign_and_nan(echo):
    assert echo(1.5) == 1.5
    assert echo(math.inf) == math.inf
    assert math.isnan(echo(math.nan))
    assert math.copysign(1, echo(-0.0)) == -1


def test_005_int_enum_is_int(echo):
    assert echo(Color.RED) == 7
    assert type(echo(Color.RED)) is int


def test_006_fraction_is_float(echo):
    assert echo(Fraction(1, 2)) == 0.5


@pytest.mark.parametrize("value", [Decimal("1.5"), 1 + 2j])
def test_007_decimal_and_complex_are_opaque(echo, value):
    assert echo(value) is value


def test_008_numpy_scalars(echo):
    assert type(echo(np.int64(5))) is int and echo(np.int64(5)) == 5
    assert type(echo(np.float32(1.5))) is float and echo(np.float32(1.5)) == 1.5


def test_009_numpy_bool_is_opaque(echo):
    value = np.bool_(True)
    assert echo(value) is value


def test_010_short_text_is_str(echo):
    assert type(echo("1234567")) is str
    assert echo("1234567") == "1234567"
    assert echo("") == ""


def test_011_long_text_remembers_its_object(echo):
    text = echo("12345678")
    assert type(text) is core.String
    assert text == "12345678"
    assert text._tvm_ffi_cached_object is not None


def test_012_text_from_ffi_is_not_copied_again(echo, mod):
    text = echo("a text that is long")
    again = echo(text)
    assert again._tvm_ffi_cached_object.same_as(text._tvm_ffi_cached_object)
    del again
    assert mod.use_count(text) == 1


def test_013_the_limit_counts_bytes(echo):
    assert type(echo("日本")) is str and echo("日本") == "日本"
    assert type(echo("日本語")) is core.String and echo("日本語") == "日本語"


def test_014_nul_and_any_bytes_survive(echo):
    assert echo("a\0b") == "a\0b"
    assert echo("a\0b" * 5) == "a\0b" * 5
    assert echo(b"\0\xff") == b"\0\xff"
    assert echo(b"\0\xff" * 8) == b"\0\xff" * 8


def test_015_lone_surrogates_are_refused(echo):
    with pytest.raises(UnicodeEncodeError):
        echo("\ud800")
    with pytest.raises(UnicodeEncodeError):
        echo("long enough for the heap \ud800")


def test_016_bytearray_is_bytes(echo):
    assert type(echo(bytearray(b"abc"))) is bytes
    assert echo(bytearray(b"abc")) == b"abc"


def test_017_memoryview_is_opaque(echo):
    view = memoryview(b"abc")
    assert echo(view) is view


def test_018_long_bytes_remember_their_object(echo):
    value = echo(b"12345678")
    assert type(value) is core.Bytes
    assert value == b"12345678" and hash(value) == hash(b"12345678")
    assert echo(value)._tvm_ffi_cached_object.same_as(value._tvm_ffi_cached_object)


def test_019_converted_text_hashes_like_str():
    assert hash(tvm_ffi.convert("abc")) == hash("abc")
    assert {"abc": 1}[tvm_ffi.convert("abc")] == 1
    assert tvm_ffi.convert("abc")._tvm_ffi_cached_object is None


def test_020_text_and_bytes_pickle_as_plain(echo):
    assert type(pickle.loads(pickle.dumps(tvm_ffi.convert("abc")))) is str
    assert type(pickle.loads(pickle.dumps(echo("12345678")))) is str
    assert pickle.loads(pickle.dumps(echo("12345678"))) == "12345678"
    assert type(pickle.loads(pickle.dumps(echo(b"12345678")))) is bytes


def test_021_str_enum_passes_its_value(echo):
    assert echo(Name.LONG) == "a name of many letters"


def test_an_int_subclass_with_a_failing_index_raises_its_error(echo):
    class Broken:
        def __tvm_ffi_int__(self):
            return "not a number"

    with pytest.raises((TypeError, ValueError)):
        echo(Broken())
