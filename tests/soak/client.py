"""One client of the soak: a seeded, endless mix of calls to a shared daemon, each answer checked.

    client.py SOCKET PLUGIN_FOLDER SEED

Ends when its stdin does, and prints one JSON object: how often each kind of work was done, and what went wrong. A daemon may be
killed at any time: whatever fails then is forgiven, once, and everything is opened anew.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import random
import resource
import select
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tvmffi_host

MAX_REPORTED = 20


class Wrong(Exception):
    """An answer that is not the right one, or none where there should be one."""


def check(got: Any, expected: Any, what: str) -> None:
    if got != expected:
        raise Wrong(f"{what}: {got!r} instead of {expected!r}"[:500])


def check_all(tensor: Any, expected: float, what: str) -> None:
    values = tvmffi_host.numpy(tensor)
    if not (values == expected).all():
        wrong = int((values != expected).sum())
        raise Wrong(f"{what}: {wrong} of {values.size} elements are not {expected}")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def ends_soon(pid: int) -> bool:
    """Who sees a connection close is quicker than the end of the process that held it."""
    end = time.monotonic() + 2
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def held() -> dict[str, int]:
    """What this process has open."""
    gc.collect()
    maps = Path("/proc/self/maps").read_text().splitlines()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "mappings": sum("memfd:" in line for line in maps),
        "threads": len(os.listdir("/proc/self/task")),
    }


def open_files() -> list[str]:
    links = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            links.append(os.readlink(f"/proc/self/fd/{number}"))
    return links


class Client:
    def __init__(self, socket: str, plugins: str, seed: int) -> None:
        self.socket, self.plugins = socket, plugins
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.slowest: dict[str, float] = {}
        self.wrong: list[str] = []
        self.baseline: dict[str, int] | None = None
        self.kept: list[tuple[Any, float]] = []
        self.session: Any = None
        self.daemon = 0

    # The kinds of work, and how often each is done.

    def values_of_every_kind(self) -> None:
        value = self.nested(3)
        check(plain(self.values.echo(value)), value, "echo")

    def numbers(self) -> None:
        for _ in range(50):
            numbers = [self.random.randrange(-(10**12), 10**12) for _ in range(8)]
            check(self.values.sum8(*numbers), sum(numbers), "sum8")

    def copied_tensors(self) -> None:
        size = self.random.choice([1, 7, 1000, 100_000])
        a = np.full(size, float(self.random.randrange(1000)), "float32")
        b = np.full(size, float(self.random.randrange(1000)), "float32")
        out = np.zeros(size, "float32")
        self.values.add(a, b, out)
        if not (out == a + b).all():
            raise Wrong(f"add of {size} elements: {out[:4]}... instead of {(a + b)[:4]}...")

    def shared_tensors(self) -> None:
        size = self.random.choice([1, 1000, 1 << 20])
        a = tvmffi_host.full((size,), float(self.random.randrange(1000)))
        b = tvmffi_host.as_input(np.full(size, 5.0, "float32"))
        out = tvmffi_host.empty((size,), "float32")
        expected = float(tvmffi_host.numpy(a)[0]) + 5.0
        self.values.add(a, b, out)
        check_all(out, expected, f"add of {size} shared elements")

    def results(self) -> None:
        """Kept for a while: no later work may change them."""
        value = float(self.random.randrange(1000))
        self.kept.append((self.values.make_own([self.random.choice([1, 1000, 300_000])], value), value))
        if len(self.kept) > 8:
            tensor, expected = self.kept.pop(self.random.randrange(len(self.kept)))
            check_all(tensor, expected, "a result that was kept")

    def callbacks(self) -> None:
        number = self.random.randrange(1000)
        check(self.values.apply(lambda: self.values.echo_int(number)), number, "a callback that calls")

    def errors(self) -> None:
        try:
            self.values.raise_value_error("soak")
        except ValueError:
            return
        raise Wrong("raise_value_error raised nothing")

    def threads(self) -> None:
        outcomes: list[Any] = []

        def one(number: int) -> None:
            try:
                outcomes.append(self.values.echo_int(number) - number)
            except Exception as error:  # noqa: BLE001  (handed to the main thread)
                outcomes.append(error)

        threads = [threading.Thread(target=one, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
        check(outcomes, [0] * 4, "four threads")

    def crashes(self) -> None:
        name, args = self.random.choice(
            [("segfault", ()), ("abort", ("soak",)), ("exit", (3,)), ("exit_now", (4,)), ("sigfpe", ()), ("stack_overflow", ())]
        )
        self.fails(tvmffi_host.WorkerCrashed, name, args)

    def hangs(self) -> None:
        self.fails(tvmffi_host.DeadlineExceeded, self.random.choice(["hang", "spin"]), ())

    def lies(self) -> None:
        how = self.random.choice(["null_data", "wild_data", "huge_dim", "overflow", "negative_ndim"])
        self.fails(Exception, "bad_tensor", (how,))

    def fresh_workers(self) -> None:
        module = self.session.load_module(f"{self.plugins}/values.so", reuse="never", deadline=60.0)
        for number in range(2):
            check(module.echo_int(number), number, "a worker for one call")

    def few_descriptors(self) -> None:
        """No more than a handful are left: what needs one fails with an error, and the next session is as good as ever.

        In a session of its own, since descriptors that cannot be received end theirs.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with tvmffi_host.Session(socket=self.socket) as session:
            values = session.load_module(f"{self.plugins}/values.so", deadline=60.0)
            resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + self.random.randrange(6), hard))
            try:
                with contextlib.suppress(tvmffi_host.HostError, OSError, MemoryError, RuntimeError):
                    for _ in range(4):
                        tensor = tvmffi_host.empty((1000,), "float32")
                        values.fill(tensor, 2.0)
                        check_all(tensor, 2.0, "fill with few descriptors")
                    session.load_module(f"{self.plugins}/values.so").echo_int(1)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def much_memory(self) -> None:
        tensor = tvmffi_host.full((self.random.choice([16, 64]) << 18,), 1.0)
        self.values.fill(tensor, 3.0)
        check_all(tensor, 3.0, "fill of a large tensor")
        text = "x" * (self.random.randrange(1, 8) << 20)
        check(len(str(self.values.echo_str(text))), len(text), "a large text")

    def starts_over(self) -> None:
        self.close()
        self.open()

    WORK: tuple[tuple[int, Callable[[Client], None]], ...] = (
        (20, values_of_every_kind),
        (20, numbers),
        (15, copied_tensors),
        (15, shared_tensors),
        (10, results),
        (10, callbacks),
        (5, errors),
        (5, threads),
        (12, crashes),
        (4, hangs),
        (3, lies),
        (2, fresh_workers),
        (2, few_descriptors),
        (1, much_memory),
        (2, starts_over),
    )

    # Around them.

    def open(self) -> None:
        self.session = tvmffi_host.Session(socket=self.socket)
        self.values = self.session.load_module(f"{self.plugins}/values.so", deadline=60.0, breaker_deaths=10**6)
        self.faulty = self.session.load_module(f"{self.plugins}/faulty.so", deadline=0.3, load_deadline=60.0, breaker_deaths=10**6)
        self.daemon = int(self.session.info()["daemon_pid"])

    def close(self) -> None:
        """Everything goes, and nothing may be left."""
        while self.kept:
            check_all(*self.kept.pop(), "a result that was kept until the end")
        self.values = self.faulty = None
        if self.session is not None:
            self.session.close()
        self.session = None
        self.compare_with_baseline()

    def compare_with_baseline(self) -> None:
        if self.baseline is None:
            return
        end = time.monotonic() + 10
        while True:
            now = held()
            if all(now[name] <= count for name, count in self.baseline.items()):
                return
            if time.monotonic() > end:
                raise Wrong(f"left open after everything was closed: {now}, at first {self.baseline}: {open_files()}")
            time.sleep(0.05)

    def fails(self, kind: type[Exception], name: str, args: tuple[Any, ...]) -> None:
        try:
            result = getattr(self.faulty, name)(*args)
        except kind:
            return
        except tvmffi_host.DeadlineExceeded:
            # 0.3 s were not enough to die in: a busy machine.
            self.done["too slow to die"] += 1
            return
        raise Wrong(f"{name}{args} returned {result!r}")

    def nested(self, depth: int) -> Any:
        kind = self.random.randrange(7 if depth > 0 else 5)
        if kind == 0:
            return self.random.randrange(-(2**63), 2**63)
        if kind == 1:
            return self.random.random()
        if kind == 2:
            return "".join(self.random.choice("abc\u00e9\U0001f600") for _ in range(self.random.randrange(200)))
        if kind == 3:
            return self.random.choice([None, True, False])
        if kind == 4:
            return self.random.randbytes(self.random.randrange(100))
        if kind == 5:
            return [self.nested(depth - 1) for _ in range(self.random.randrange(6))]
        return {f"key {i}": self.nested(depth - 1) for i in range(self.random.randrange(6))}

    def until_it_works(self, act: Callable[[], None]) -> None:
        """A daemon that was killed is started again within a moment."""
        end = time.monotonic() + 60
        while True:
            try:
                return act()
            except (tvmffi_host.HostError, RuntimeError) as error:
                if time.monotonic() > end:
                    raise Wrong(f"no daemon for a minute: {error}") from error
            with contextlib.suppress(Wrong):
                self.close()
            time.sleep(0.05)

    def one(self) -> None:
        weights = [weight for weight, _ in self.WORK]
        work = self.random.choices([work for _, work in self.WORK], weights)[0]
        name = work.__name__
        trouble = self.try_to(work)
        if trouble is None:
            self.done[name] += 1
            return
        if trouble:
            self.report(f"{name}: {trouble}")
        else:
            self.done["lost its daemon"] += 1
        # Results that were kept are whole whatever became of their worker and its daemon.
        left = self.try_to(Client.close)
        if left:
            self.report(f"close after {name}: {left}")
        self.until_it_works(self.open)

    def try_to(self, act: Callable[[Client], None]) -> str | None:
        """None when it worked, else what was wrong; nothing was if the daemon was killed. Holds on to no exception."""
        begin = time.monotonic()
        try:
            act(self)
        except (tvmffi_host.HostError, Wrong, RuntimeError) as error:
            forgiven = not isinstance(error, Wrong) and ends_soon(self.daemon)
            return "" if forgiven else f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}"
        finally:
            name = act.__name__
            self.slowest[name] = max(self.slowest.get(name, 0.0), time.monotonic() - begin)
        return None

    def report(self, text: str) -> None:
        self.done["wrong"] += 1
        if len(self.wrong) < MAX_REPORTED:
            self.wrong.append(text[:2000])

    def warm_up(self) -> None:
        self.open()
        for _, work in self.WORK[:8]:
            work(self)

    def run(self) -> None:
        # What the first use of each kind opens for good is no leak.
        self.until_it_works(self.warm_up)
        self.close()
        self.baseline = held()
        self.until_it_works(self.open)
        while not select.select([sys.stdin], [], [], 0)[0]:
            self.one()
        self.close()


def plain(value: Any) -> Any:
    """Containers of the ABI as Python's own."""
    if hasattr(value, "items"):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
        return str(value) if isinstance(value, str) else bytes(value) if isinstance(value, bytes) else value
    return [plain(item) for item in value]


def main() -> int:
    socket, plugins, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    client = Client(socket, plugins, seed)
    try:
        client.run()
    except Exception as error:  # noqa: BLE001  (the harness wants it as a line)
        client.report(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
    print(json.dumps({"seed": seed, "done": client.done, "slowest": client.slowest, "wrong": client.wrong}), flush=True)
    return 1 if client.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
