"""A lock between processes."""

from __future__ import annotations

import fcntl
import os
import time
from typing import Any


class FileLock:
    """An advisory lock on a file, which is made when needed and left behind. Dies with its process."""

    def __init__(self, lock_file_path: str | os.PathLike[str]) -> None:
        self.lock_file_path = lock_file_path
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody holds it; False when somebody does, this instance included."""
        if self._fd is not None:
            return False
        fd = os.open(self.lock_file_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return True

    def blocking_acquire(self, timeout: float | None = None, poll_interval: float = 0.1) -> bool:
        """Wait for the lock and return True; TimeoutError after ``timeout`` seconds, RuntimeError if held here."""
        if self._fd is not None:
            raise RuntimeError(f"this instance already holds the lock on {self.lock_file_path}")
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.acquire():
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"cannot lock {self.lock_file_path} within {timeout} seconds")
            time.sleep(poll_interval)
        return True

    def release(self) -> None:
        """Give the lock back; nothing when it is not held."""
        if self._fd is not None:
            # Closing alone would leave the lock to a child forked meanwhile, which has the descriptor too.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> FileLock:
        self.blocking_acquire()
        return self

    def __exit__(self, *args: Any) -> None:
        self.release()
