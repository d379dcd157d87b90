"""What other threads get to do while a function runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def longest_silence_during(call: Callable[[], object]) -> float:
    """Seconds in which another thread got no turn. How long it waits around the call is the machine's business."""
    ticks: list[float] = []
    ticking, stop = threading.Event(), threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.monotonic())
            ticking.set()
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    ticking.wait()
    call()
    ticks.append(time.monotonic())
    stop.set()
    thread.join()
    ticks.sort()
    return max(later - earlier for earlier, later in zip(ticks, ticks[1:]))
