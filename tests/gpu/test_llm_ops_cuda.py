"""The CUDA twins of the demo's operators against torch on the same device."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
tvm_ffi = pytest.importorskip("tvm_ffi")
F = torch.nn.functional

DTYPES = [torch.float32, torch.bfloat16]
# Against a float64 reference: a few units in the last place of the type, on values of order one.
TOLERANCE = {torch.float32: 2e-5, torch.bfloat16: 2e-2}


@pytest.fixture(scope="module")
def ops(plugins):
    return tvm_ffi.load_module(str(plugins / "llm_ops_cuda.so"))


@pytest.fixture(params=DTYPES, ids=str)
def dtype(request):
    torch.manual_seed(0)
    return request.param


def random(*shape, dtype):
    return torch.randn(*shape, device="cuda").to(dtype)


def check(actual, reference, dtype):
    error = (actual.double() - reference).abs().max().item()
    scale = max(1.0, reference.abs().max().item())
    assert error <= TOLERANCE[dtype] * scale, f"max error {error} at scale {scale}"


@pytest.mark.parametrize("rows,dim", [(1, 1), (7, 129), (256, 4096)])
def test_rmsnorm_equals_torch(ops, dtype, rows, dim):
    x, weight = random(rows, dim, dtype=dtype), random(dim, dtype=dtype)
    out = torch.empty_like(x)

    ops.rmsnorm(x, weight, out, 1e-5)

    check(out, F.rms_norm(x.double(), (dim,), weight.double(), 1e-5), dtype)


@pytest.mark.parametrize("m,k,n", [(1, 1, 1), (5, 33, 65), (256, 512, 1376)])
def test_matmul_equals_torch(ops, dtype, m, k, n):
    a, b = random(m, k, dtype=dtype), random(k, n, dtype=dtype) / k**0.5
    out = torch.empty(m, n, device="cuda", dtype=dtype)

    ops.matmul(a, b, out)

    check(out, a.double() @ b.double(), dtype)


@pytest.mark.parametrize("tokens,keys,heads,kv_heads,dim", [(1, 1, 1, 1, 16), (17, 33, 8, 2, 64), (256, 256, 8, 2, 64)])
def test_attention_is_causal_and_equals_torch(ops, dtype, tokens, keys, heads, kv_heads, dim):
    q = random(tokens, heads, dim, dtype=dtype)
    k, v = random(keys, kv_heads, dim, dtype=dtype), random(keys, kv_heads, dim, dtype=dtype)
    out = torch.empty_like(q)

    ops.attention(q, k, v, out, None)

    rows = torch.arange(tokens, device="cuda")[:, None] + keys - tokens
    mask = torch.arange(keys, device="cuda")[None, :] <= rows
    args = (t.double().transpose(0, 1)[None] for t in (q, k, v))
    reference = F.scaled_dot_product_attention(*args, attn_mask=mask, enable_gqa=True)[0].transpose(0, 1)
    check(out, reference, dtype)


def test_rope_equals_torch(ops, dtype):
    tokens, heads, dim, theta = 65, 4, 64, 10000.0
    x = random(tokens, heads, dim, dtype=dtype)
    positions = torch.arange(tokens, device="cuda", dtype=torch.int64) * 3
    out = torch.empty_like(x)

    ops.rope(x, positions, out, theta)

    half = dim // 2
    frequencies = theta ** (-torch.arange(half, device="cuda", dtype=torch.float64) / half)
    angles = positions[:, None, None] * frequencies
    first, second = x.double()[..., :half], x.double()[..., half:]
    reference = torch.cat(
        [first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()], dim=-1
    )
    check(out, reference, dtype)


def test_swiglu_and_softmax_equal_torch(ops, dtype):
    gate, up = random(33, 1376, dtype=dtype), random(33, 1376, dtype=dtype)
    out = torch.empty_like(gate)

    ops.swiglu(gate, up, out)
    check(out, F.silu(gate.double()) * up.double(), dtype)

    ops.softmax(gate, out)
    check(out, torch.softmax(gate.double(), dim=-1), dtype)


def test_a_call_runs_on_the_stream_torch_is_using(ops):
    a, b = random(1024, 1024, dtype=torch.float32), random(1024, 1024, dtype=torch.float32)
    out = torch.empty_like(a)
    stream = torch.cuda.Stream()
    graph = torch.cuda.CUDAGraph()
    ops.matmul(a, b, out)
    torch.cuda.synchronize()
    out.zero_()

    # Only work on the capturing stream is recorded; a launch on another stream would invalidate the capture.
    with torch.cuda.graph(graph, stream=stream):
        ops.matmul(a, b, out)
    torch.cuda.synchronize()
    assert out.abs().max().item() == 0.0
    graph.replay()
    torch.cuda.synchronize()

    check(out, a.double() @ b.double(), torch.float32)


def test_tensors_on_two_kinds_of_device_are_refused(ops):
    x = random(4, 4, dtype=torch.float32)

    with pytest.raises(ValueError, match="device"):
        ops.softmax(x, torch.empty(4, 4))


def test_results_are_allocated_by_torch_on_the_device(plugins):
    values = tvm_ffi.load_module(str(plugins / "values.so"))
    x = random(3, 5, dtype=torch.float32)

    before = torch.cuda.memory_allocated()
    y = values.make_env_like(x)

    assert isinstance(y, torch.Tensor) and y.device == x.device and y.shape == x.shape
    assert torch.cuda.memory_allocated() > before
    del y
    assert torch.cuda.memory_allocated() == before


def test_echo_returns_the_same_memory_without_a_copy(plugins):
    values = tvm_ffi.load_module(str(plugins / "values.so"))
    x = random(1 << 20, dtype=torch.float32)

    assert values.echo(x).data_ptr() == x.data_ptr()


def test_the_stream_of_the_call_is_the_current_one(plugins):
    values = tvm_ffi.load_module(str(plugins / "values.so"))
    stream = torch.cuda.Stream()
    x = torch.ones(4, device="cuda")

    def seen(_tensor):
        return tvm_ffi.get_raw_stream(tvm_ffi.device("cuda", x.device.index or 0))

    with torch.cuda.stream(stream):
        assert values.apply(seen, x) == stream.cuda_stream
    assert tvm_ffi.get_raw_stream(tvm_ffi.device("cuda", 0)) == 0
