"""A transformer block computed by C++ kernels three ways, then three kernels that fail.

The same plug-in, llm_ops.so, is loaded into this process with tvm_ffi and into a worker process with tvmffi_host. Every
operator is timed beside PyTorch's and compared with it. tools/demo.sh builds what this needs and runs it.
"""

from __future__ import annotations

import argparse
import math
import signal
import statistics
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple

import torch
import torch.nn.functional as F
import tvm_ffi
import tvmffi_host

TOKENS, DIM, HEADS, KV_HEADS, HEAD_DIM, HIDDEN, VOCABULARY = 256, 512, 8, 2, 64, 1376, 4096
EPS, THETA = 1e-5, 10000.0


class Weights(NamedTuple):
    """Projections are [in, out]."""

    attention_norm: Any
    query: Any
    key: Any
    value: Any
    output: Any
    mlp_norm: Any
    gate: Any
    up: Any
    down: Any
    head: Any

    @classmethod
    def random(cls) -> "Weights":
        def matrix(rows: int, cols: int) -> torch.Tensor:
            return torch.randn(rows, cols) / math.sqrt(rows)

        kv_dim = KV_HEADS * HEAD_DIM
        return cls(
            attention_norm=1 + 0.1 * torch.randn(DIM),
            query=matrix(DIM, DIM),
            key=matrix(DIM, kv_dim),
            value=matrix(DIM, kv_dim),
            output=matrix(DIM, DIM),
            mlp_norm=1 + 0.1 * torch.randn(DIM),
            gate=matrix(DIM, HIDDEN),
            up=matrix(DIM, HIDDEN),
            down=matrix(HIDDEN, DIM),
            head=matrix(DIM, VOCABULARY),
        )


class TorchOps:
    """The reference: every operator returns a new tensor."""

    def tensor(self, *shape: int) -> torch.Tensor:
        return torch.empty(shape)

    def constant(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def rmsnorm(self, x, weight, out):
        return F.rms_norm(x, (x.shape[-1],), weight, EPS)

    def matmul(self, a, b, out):
        return torch.mm(a, b)

    def rope(self, x, positions, out):
        half = x.shape[-1] // 2
        frequencies = THETA ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = positions[:, None, None] * frequencies
        cosines, sines = angles.cos().float(), angles.sin().float()
        first, second = x[..., :half], x[..., half:]
        return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)

    def attention(self, q, k, v, out):
        q, k, v = (t.transpose(0, 1)[None] for t in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)[0].transpose(0, 1)

    def swiglu(self, gate, up, out):
        return F.silu(gate) * up

    def softmax(self, x, out):
        return torch.softmax(x, dim=-1)


class ModuleOps:
    """The plug-in's operators, wherever it is loaded. An output is passed in and is what each method returns."""

    def __init__(self, module: Any):
        self.module = module

    def tensor(self, *shape: int) -> Any:
        return torch.empty(shape)

    def constant(self, tensor: torch.Tensor) -> Any:
        return tensor

    def rmsnorm(self, x, weight, out):
        self.module.rmsnorm(x, weight, out, EPS)
        return out

    def matmul(self, a, b, out):
        self.module.matmul(a, b, out)
        return out

    def rope(self, x, positions, out):
        self.module.rope(x, positions, out, THETA)
        return out

    def attention(self, q, k, v, out):
        self.module.attention(q, k, v, out, None)
        return out

    def swiglu(self, gate, up, out):
        self.module.swiglu(gate, up, out)
        return out

    def softmax(self, x, out):
        self.module.softmax(x, out)
        return out


class ZeroCopyOps(ModuleOps):
    """Tensors lie in memory that the worker maps too; weights in memory that it cannot write."""

    def tensor(self, *shape: int) -> Any:
        return tvmffi_host.empty(shape, "float32")

    def constant(self, tensor: torch.Tensor) -> Any:
        return tvmffi_host.as_input(tensor)


def as_torch(tensor: Any) -> torch.Tensor:
    """The same memory as a torch tensor."""
    return tensor if isinstance(tensor, torch.Tensor) else torch.from_dlpack(tensor)


class Step(NamedTuple):
    """One operator of the block with its arguments, ready to be run again."""

    name: str
    run: Callable[[], Any]


class Block:
    """Attention and MLP with residuals, then the probabilities of the next token. Buffers are made once."""

    def __init__(self, ops: Any, weights: Weights, x: torch.Tensor):
        self.ops = ops
        self.weights = Weights(*(ops.constant(weight) for weight in weights))
        self.positions = ops.constant(torch.arange(TOKENS))
        self.x = self.filled(x)
        self.results: Dict[str, torch.Tensor] = {}
        self.steps: List[Step] = []

    def filled(self, values: torch.Tensor) -> Any:
        """A tensor of this way's kind; outputs of another shape of view need one too."""
        tensor = self.ops.tensor(*values.shape)
        as_torch(tensor).copy_(values)
        return tensor

    def step(self, name: str, op: Callable[..., Any], inputs: List[Any], shape: List[int]) -> Any:
        out = self.ops.tensor(*shape)
        self.steps.append(Step(name, lambda: op(*inputs, out)))
        result = self.steps[-1].run()
        self.results[f"{len(self.steps)} {name}"] = as_torch(result)
        return result

    def heads(self, tensor: Any, heads: int) -> Any:
        """[tokens, heads * d] as [tokens, heads, d] in a tensor of its own."""
        return self.filled(as_torch(tensor).reshape(TOKENS, heads, HEAD_DIM))

    def run(self) -> torch.Tensor:
        ops, w = self.ops, self.weights
        kv_dim = KV_HEADS * HEAD_DIM
        normed = self.step("rmsnorm", ops.rmsnorm, [self.x, w.attention_norm], [TOKENS, DIM])
        q = self.step("matmul", ops.matmul, [normed, w.query], [TOKENS, DIM])
        k = self.step("matmul", ops.matmul, [normed, w.key], [TOKENS, kv_dim])
        v = self.step("matmul", ops.matmul, [normed, w.value], [TOKENS, kv_dim])
        q = self.step("rope", ops.rope, [self.heads(q, HEADS), self.positions], [TOKENS, HEADS, HEAD_DIM])
        k = self.step("rope", ops.rope, [self.heads(k, KV_HEADS), self.positions], [TOKENS, KV_HEADS, HEAD_DIM])
        attended = self.step("attention", ops.attention, [q, k, self.heads(v, KV_HEADS)], [TOKENS, HEADS, HEAD_DIM])
        attended = self.filled(as_torch(attended).reshape(TOKENS, DIM))
        projected = self.step("matmul", ops.matmul, [attended, w.output], [TOKENS, DIM])
        x = self.filled(as_torch(self.x) + as_torch(projected))
        normed = self.step("rmsnorm", ops.rmsnorm, [x, w.mlp_norm], [TOKENS, DIM])
        gate = self.step("matmul", ops.matmul, [normed, w.gate], [TOKENS, HIDDEN])
        up = self.step("matmul", ops.matmul, [normed, w.up], [TOKENS, HIDDEN])
        gated = self.step("swiglu", ops.swiglu, [gate, up], [TOKENS, HIDDEN])
        down = self.step("matmul", ops.matmul, [gated, w.down], [TOKENS, DIM])
        x = self.filled(as_torch(x) + as_torch(down))
        logits = self.step("matmul", ops.matmul, [x, w.head], [TOKENS, VOCABULARY])
        return as_torch(self.step("softmax", ops.softmax, [logits], [TOKENS, VOCABULARY]))


def median_seconds(run: Callable[[], Any], budget: float) -> float:
    """Median time of a run, from as many as fit into the budget, five at least."""
    run()
    samples: List[float] = []
    end = time.perf_counter() + budget
    while len(samples) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        samples.append(time.perf_counter() - start)
    return statistics.median(samples)


def bytes_copied() -> int:
    stats = tvmffi_host.stats()
    return stats["bytes_copied_in"] + stats["bytes_copied_out"]


class Measurement(NamedTuple):
    """Sums over the steps of one name: seconds, and bytes copied by one run of each."""

    seconds: Dict[str, float]
    copied: Dict[str, int]


def measure(block: Block, budget: float) -> Measurement:
    seconds: Dict[str, float] = {}
    copied: Dict[str, int] = {}
    for step in block.steps:
        before = bytes_copied()
        step.run()
        copied[step.name] = copied.get(step.name, 0) + bytes_copied() - before
        seconds[step.name] = seconds.get(step.name, 0.0) + median_seconds(step.run, budget)
    return Measurement(seconds, copied)


def format_seconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} us"


def format_bytes(size: int) -> str:
    return f"{size / 2**20:.2f} MiB" if size else "0"


def print_table(rows: List[List[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))))
        if number in (0, len(rows) - 2):
            print("  ".join("-" * width for width in widths))


def run_block(plugins: Path, budget: float) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)  # the plug-in's kernels use one
    weights, x = Weights.random(), torch.randn(TOKENS, DIM)
    path = str(plugins / "llm_ops.so")
    isolated = tvmffi_host.load_module(path)
    ways = {
        "torch": TorchOps(),
        "in process": ModuleOps(tvm_ffi.load_module(path)),
        "isolated zero-copy": ZeroCopyOps(isolated),
        "isolated staged": ModuleOps(isolated),
    }
    blocks = {name: Block(ops, weights, x) for name, ops in ways.items()}
    for block in blocks.values():
        block.run()
    measured = {name: measure(block, budget) for name, block in blocks.items()}

    reference = blocks["torch"].results
    errors: Dict[str, float] = {}
    for block in blocks.values():
        for name, result in block.results.items():
            error = (result - reference[name]).abs().max().item()
            op = name.split()[1]
            errors[op] = max(errors.get(op, 0.0), error)

    print(f"\nOne transformer block, float32, {TOKENS} tokens x {DIM}, {HEADS} heads, one thread each")
    print("(time per block: median of each call, summed over the calls of that operator)\n")
    rows = [["op", *ways, "max error", "copied zero-copy", "copied staged"]]
    for op in [*errors, "total"]:
        names = list(errors) if op == "total" else [op]
        times = [format_seconds(sum(m.seconds[name] for name in names)) for m in measured.values()]
        error = max(errors[name] for name in names)
        copied = [format_bytes(sum(measured[way].copied[name] for name in names)) for way in list(ways)[2:]]
        rows.append([op, *times, f"{error:.1e}", *copied])
    print_table(rows)
    if not max(errors.values()) < 1e-3:
        raise SystemExit(f"the results disagree: maximum error {max(errors.values())}")


def print_report(error: Exception) -> None:
    report = tvmffi_host.report(error)
    if report is None:
        print("   no report: the plug-in raised this itself, its worker is fine")
        return
    ended = f"signal = {signal.Signals(report.signal).name}" if report.signal else f"exit_status = {report.exit_status}"
    fault = "" if report.fault_address is None else f", fault_address = {report.fault_address:#x}"
    print(f"   report: cause = {report.cause}, {ended}, function = {report.function}{fault}")
    print(f"           elapsed = {report.elapsed * 1e3:.1f} ms, worker_pid = {report.worker_pid}, log_tail = {report.log_tail!r}")


def run_failures(plugins: Path) -> None:
    print("\nThree kernels that fail, each in a worker of its own; this program goes on\n")
    faulty = tvmffi_host.load_module(str(plugins / "faulty.so"), deadline=0.5)
    calls = [
        ("segfault()", faulty.segfault, tvmffi_host.WorkerCrashed),
        ("hang()  # deadline 0.5 s", faulty.hang, tvmffi_host.DeadlineExceeded),
        ("throw_value_error('bad head count')", lambda: faulty.throw_value_error("bad head count"), ValueError),
    ]
    for text, call, expected in calls:
        worker = tvmffi_host.worker_info(faulty)["pid"]
        print(f">> faulty.{text}")
        start = time.perf_counter()
        try:
            call()
        except expected as error:
            elapsed = time.perf_counter() - start
            first_line = str(error).splitlines()[0]
            print(f"   {type(error).__name__} after {elapsed * 1e3:.1f} ms: {first_line}")
            print_report(error)
        else:
            raise SystemExit(f"faulty.{text} returned")
        faulty.pid()
        now = tvmffi_host.worker_info(faulty)["pid"]
        print(f"   the next call works, {'in the same worker' if now == worker else 'in a fresh worker'} (pid {now})\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plugins", type=Path, required=True, help="the folder with llm_ops.so and faulty.so")
    parser.add_argument("--budget", type=float, default=0.1, help="seconds of timing per call of an operator and way")
    arguments = parser.parse_args()
    start = time.perf_counter()
    run_block(arguments.plugins, arguments.budget)
    run_failures(arguments.plugins)
    print(f"done in {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
