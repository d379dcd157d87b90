"""Every operator against PyTorch in float64, and what each says about arguments it cannot take."""

import math

import pytest
import torch

TOLERANCE = {torch.float32: 3e-5, torch.bfloat16: 2e-2}
# tokens, features, heads, kv heads, head dimension, hidden: a round one, a single token, and sizes that fit no tile.
SHAPES = [(256, 512, 8, 2, 64, 1376), (1, 48, 3, 1, 16, 33), (7, 130, 5, 5, 26, 65), (97, 64, 4, 2, 2, 300)]


@pytest.fixture(scope="module")
def ops(load):
    return load("llm_ops")


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def random(request):
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator).to(request.param)


def assert_close(out, expected):
    error = (out.double() - expected).abs() / (1 + expected.abs())
    assert error.max().item() < TOLERANCE[out.dtype]


def reference_attention(q, k, v, scale):
    q, k, v = (t.double().transpose(0, 1) for t in (q, k, v))
    group = q.shape[0] // k.shape[0]
    scores = q @ k.repeat_interleave(group, 0).transpose(1, 2) * scale
    visible = torch.ones(scores.shape[1:], dtype=torch.bool).tril(k.shape[1] - q.shape[1])
    weights = scores.masked_fill(~visible, -math.inf).softmax(-1)
    return (weights @ v.repeat_interleave(group, 0)).transpose(0, 1)


def reference_rope(x, positions, theta):
    half = x.shape[-1] // 2
    angles = positions[:, None, None] * theta ** (-torch.arange(half, dtype=torch.float64) / half)
    first, second = x.double()[..., :half], x.double()[..., half:]
    return torch.cat([first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()], -1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestAgainstTorch:
    def test_rmsnorm(self, ops, random, shape):
        x, weight = random(shape[0], shape[1]), random(shape[1])
        out = torch.empty_like(x)

        ops.rmsnorm(x, weight, out, 1e-5)

        expected = x.double() * torch.rsqrt(x.double().pow(2).mean(-1, keepdim=True) + 1e-5) * weight.double()
        assert_close(out, expected)

    def test_softmax(self, ops, random, shape):
        x = random(shape[0], shape[1]) * 10
        out = torch.empty_like(x)

        ops.softmax(x, out)

        assert_close(out, x.double().softmax(-1))

    def test_matmul(self, ops, random, shape):
        a, b = random(shape[0], shape[1]), random(shape[1], shape[5]) / math.sqrt(shape[1])
        out = torch.empty(shape[0], shape[5], dtype=a.dtype)

        ops.matmul(a, b, out)

        assert_close(out, a.double() @ b.double())

    def test_swiglu(self, ops, random, shape):
        gate, up = random(shape[0], shape[5]) * 5, random(shape[0], shape[5])
        out = torch.empty_like(gate)

        ops.swiglu(gate, up, out)

        assert_close(out, torch.nn.functional.silu(gate.double()) * up.double())

    def test_rope_far_into_the_context(self, ops, random, shape):
        tokens, _, heads, _, dim, _ = shape
        x, positions = random(tokens, heads, dim), torch.arange(tokens) + 100_000
        out = torch.empty_like(x)

        ops.rope(x, positions, out, 10000.0)

        assert_close(out, reference_rope(x, positions, 10000.0))

    @pytest.mark.parametrize("scale", [None, 0.3])
    @pytest.mark.parametrize("past", [0, 3])
    def test_attention(self, ops, random, shape, past, scale):
        tokens, _, heads, kv_heads, dim, _ = shape
        q, k, v = random(tokens, heads, dim), random(tokens + past, kv_heads, dim), random(tokens + past, kv_heads, dim)
        out = torch.empty_like(q)

        ops.attention(q, k, v, out, scale)

        assert_close(out, reference_attention(q, k, v, scale or 1 / math.sqrt(dim)))


def test_softmax_of_extreme_rows(ops):
    inf = math.inf
    x = torch.tensor([[-1e30, -1e30, 0.0], [-inf, 0.0, 0.0], [3e38, 3e38, -3e38], [math.nan, 0.0, 1.0]])
    out = torch.empty_like(x)

    ops.softmax(x, out)

    assert out[:3].tolist() == [[0, 0, 1], [0, 0.5, 0.5], [0.5, 0.5, 0]]
    assert out[3].isnan().all()


def test_bfloat16_rounds_to_nearest_even_and_keeps_nan(ops):
    # For a large gate swiglu is gate * up: 96.25 and 96.75 lie halfway between bfloat16 values, 100.78125 does not.
    gate = torch.tensor([77, 129, 100, math.nan], dtype=torch.bfloat16)
    up = torch.tensor([1.25, 0.75, 1.0078125, 1], dtype=torch.bfloat16)
    out = torch.empty_like(gate)

    ops.swiglu(gate, up, out)

    assert out[:3].tolist() == [96.0, 97.0, 101.0]
    assert out[3].isnan()


def test_in_place(ops):
    x = torch.randn(5, 33)
    expected = x.double().softmax(-1)

    ops.softmax(x, x)

    assert_close(x, expected)


def test_empty_tensors(ops):
    ops.softmax(torch.zeros(0, 3), torch.zeros(0, 3))
    ops.matmul(torch.zeros(0, 3), torch.zeros(3, 3), torch.zeros(0, 3))
    out = torch.ones(2, 3)

    ops.matmul(torch.zeros(2, 0), torch.zeros(0, 3), out)

    assert (out == 0).all()


def zeros(*shape, dtype=torch.float32):
    return torch.zeros(*shape, dtype=dtype)


BAD_CALLS = [
    ("rmsnorm", (zeros(2, 3), zeros(4), zeros(2, 3), 1e-5), ValueError, "dimension 0 of weight is 4, the last dimension of x is 3"),
    ("rmsnorm", (zeros(2, 3), zeros(3), zeros(3, 2), 1e-5), ValueError, "shape of out is [3, 2], of x [2, 3]"),
    ("matmul", (zeros(2, 3), zeros(4, 5), zeros(2, 5)), ValueError, "dimension 0 of b is 4, dimension 1 of a is 3"),
    ("matmul", (zeros(2, 3), zeros(3), zeros(2, 5)), ValueError, "b must have 2 dimensions, its shape is [3]"),
    ("swiglu", (zeros(2), zeros(2, dtype=torch.float64), zeros(2)), TypeError, "up is float64, gate is float32"),
    ("swiglu", (zeros(2, dtype=torch.float16),) * 3, TypeError, "gate must be float32 or bfloat16, it is float16"),
    ("softmax", (zeros(4, 4).t()[:, :2], zeros(4, 2)), ValueError, "x of shape [4, 2] must be contiguous"),
    ("rope", (zeros(2, 3, 4), zeros(2), zeros(2, 3, 4), 1e4), TypeError, "positions must be int64, it is float32"),
    ("rope", (zeros(2, 3, 5), torch.arange(2), zeros(2, 3, 5), 1e4), ValueError, "dimension 2 of x must be even, it is 5"),
    ("attention", (zeros(2, 3, 4), zeros(2, 2, 4), zeros(2, 2, 4), zeros(2, 3, 4), None), ValueError, "q has 3 heads, no multiple of the 2 of k"),
    ("attention", (zeros(2, 3, 4), zeros(1, 3, 4), zeros(1, 3, 4), zeros(2, 3, 4), None), ValueError, "k has 1 tokens, fewer than the 2 of q"),
    ("softmax", (zeros(2),), TypeError, "Expected 2 but got 1 arguments"),
    ("softmax", (zeros(2), 3), TypeError, "Expected `DLTensor*` but got `int`"),
]


@pytest.mark.parametrize("name, arguments, kind, text", BAD_CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_it_cannot_take_is_named(ops, name, arguments, kind, text):
    with pytest.raises(kind) as raised:
        getattr(ops, name)(*arguments)

    assert type(raised.value) is kind
    assert text in str(raised.value)
