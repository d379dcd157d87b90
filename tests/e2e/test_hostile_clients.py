"""The daemon under clients that stall, flood, lie and pry, and texts that would like to be more."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import HOSTD, alive, descriptors_of, eventually, host_pid, plugin, shared_daemon
from raw_client import NOBODY, RawClient, as_nobody, frame, in_child, intrude


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    with shared_daemon(tmp_path) as running:
        yield running


@pytest.fixture
def open_daemon(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """One whose descriptors its user can count."""
    with shared_daemon(tmp_path, "--debuggable") as running:
        yield running


def our_shared_memory() -> set[str]:
    """Names, of files that may be ours: others come and go on any machine."""
    ours = set()
    for entry in os.scandir("/dev/shm"):
        with contextlib.suppress(FileNotFoundError):
            if "tvmffi" in entry.name and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                ours.add(entry.name)
    return ours


def serves(path: Path) -> bool:
    """A client of good will gets its work done."""
    with tvmffi_host.Session(socket=path) as session:
        return bool(session.load_module(plugin("values")).sum8(*range(8)) == 28)


class TestClients:
    def test_c3_1_only_its_user_can_reach_it(self, daemon: Any) -> None:
        process, path = daemon
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        listening = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if "hostd" in line]
        assert not [name for name in listening if name.startswith("@")]

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
    def test_c3_1_another_user_is_refused_even_where_the_files_let_him_in(self) -> None:
        folder = Path("/tmp") / f"tvmffi-c31-{os.getpid()}"
        folder.mkdir(mode=0o755)
        try:
            with shared_daemon(folder) as (_, path):

                def knock() -> bytes:
                    with socket.socket(socket.AF_UNIX) as connection:
                        connection.settimeout(10)
                        connection.connect(str(path))
                        return connection.recv(1)

                assert as_nobody(knock) == "PermissionError"
                path.parent.chmod(0o755)
                path.chmod(0o666)
                assert as_nobody(knock) in ("b''", "ConnectionResetError")
                path.chmod(0o600)
                path.parent.chmod(0o700)
                assert serves(path)
        finally:
            shutil.rmtree(folder)

    def test_c3_2_a_folder_that_others_can_write_is_not_trusted(self, tmp_path: Path) -> None:
        """Whoever can put a socket there could play the daemon."""
        folder = tmp_path / "open"
        folder.mkdir()
        folder.chmod(0o777)
        with socket.socket(socket.AF_UNIX) as squatter:
            squatter.bind(str(folder / "hostd.sock"))
            squatter.listen()
            with pytest.raises(tvmffi_host.Unavailable, match="open"):
                tvmffi_host.Session(socket=folder / "hostd.sock")
        refused = subprocess.run([HOSTD, "--socket", str(folder / "other.sock")], capture_output=True, timeout=20)
        assert refused.returncode != 0 and b"open" in refused.stderr

    def test_c3_2_a_link_in_place_of_the_lock_is_not_followed(self, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        folder.mkdir(mode=0o700)
        victim = tmp_path / "victim"
        victim.write_text("kept")
        (folder / "hostd.sock.lock").symlink_to(victim)
        refused = subprocess.run([HOSTD, "--socket", str(folder / "hostd.sock")], capture_output=True, timeout=20)
        assert refused.returncode != 0
        assert victim.read_text() == "kept"

    def test_c3_3_shared_memory_has_no_name(self, daemon: Any) -> None:
        before = our_shared_memory()
        with tvmffi_host.Session(socket=daemon[1]) as session:
            mod = session.load_module(plugin("values"))
            mod.fill(tvmffi_host.zeros((100_000,)), 1.0)
            mod.sum(np.zeros(100_000, "float32"))
            mapped = Path(f"/proc/{host_pid(mod)}/maps").read_text()
            assert our_shared_memory() <= before
        assert all("/memfd:" in line for line in mapped.splitlines() if "tvmffi-" in line and " rw-s " in line)

    @pytest.mark.parametrize("count", [1, 3, 250])
    def test_c3_5_c2_4_descriptors_that_nobody_announced(self, open_daemon: Any, count: int) -> None:
        process, path = open_daemon
        first = RawClient(path)  # once this one is greeted it has all that it ever has
        held = descriptors_of(process.pid)
        client = RawClient(path)
        with open("/dev/null") as null:
            client.send(frame("get_stats"), [null.fileno()] * count)
        assert client.is_closed()
        assert eventually(lambda: descriptors_of(process.pid) <= held)
        first.socket.close()
        assert serves(path)

    def test_c3_5_a_flood_of_descriptors(self, open_daemon: Any) -> None:
        process, path = open_daemon
        first = RawClient(path)  # once this one is greeted it has all that it ever has
        held = descriptors_of(process.pid)
        clients = [RawClient(path) for _ in range(20)]
        flooded = []
        with open("/dev/null") as null:
            for client in clients:
                # The kernel bounds what one user has under way; whoever gets nothing through is left alone.
                with contextlib.suppress(OSError):
                    for _ in range(50):
                        client.send(frame("hello")[:1], [null.fileno()] * 200)
                        flooded.append(client)
        assert flooded and all(client.is_closed() for client in set(flooded))
        for client in clients:
            client.socket.close()
        assert eventually(lambda: descriptors_of(process.pid) <= held)
        first.socket.close()
        assert serves(path)

    def test_c3_5_c2_13_slow_clients_are_cut_off(self, daemon: Any) -> None:
        """One that never says Hello, one that stops inside a frame, one that sends a byte now and then."""
        process, path = daemon
        silent, halting, dripping = RawClient(path, greet=False), RawClient(path), RawClient(path)
        halting.send(frame("get_stats")[:-1])
        stopped = threading.Event()

        def drip() -> None:
            for byte in frame("get_stats")[:-1]:
                with contextlib.suppress(OSError):
                    dripping.send(bytes([byte]))
                if stopped.wait(0.5):
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        begin = time.monotonic()
        assert serves(path)
        assert all(client.is_closed() for client in (silent, halting, dripping))
        stopped.set()
        thread.join()
        assert 5 < time.monotonic() - begin < 20
        assert serves(path)

    def test_c3_5_a_patient_client_is_kept(self, daemon: Any) -> None:
        """Idle between frames is no offence."""
        client = RawClient(daemon[1])
        time.sleep(11)
        client.send(frame("get_stats"))
        assert client.socket.recv(4096)

    def test_c3_5_more_connections_than_it_serves(self, open_daemon: Any) -> None:
        process, path = open_daemon
        flood = []
        for _ in range(300):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                connection.connect(str(path))
            flood.append(connection)
        for connection in flood:
            connection.close()
        assert eventually(lambda: descriptors_of(process.pid) < 60)
        assert serves(path)

    def test_c3_5_without_descriptors_it_refuses_and_recovers(self, open_daemon: Any) -> None:
        """The one kept in reserve tells those who wait, instead of leaving them and the loop spinning."""
        process, path = open_daemon
        first = RawClient(path)
        numbers = set(map(int, os.listdir(f"/proc/{process.pid}/fd")))
        used = next(number for number in range(1 << 20) if number not in numbers)
        soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (used, hard))
        refused = [RawClient(path, greet=False) for _ in range(3)]
        assert all(client.is_closed() for client in refused)
        busy = processor_seconds(process.pid)
        time.sleep(1)
        assert processor_seconds(process.pid) - busy < 0.5
        first.send(frame("get_stats"))
        assert first.socket.recv(4096)

        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))

        assert eventually(lambda: serves(path))

    def test_c3_5_a_flood_of_requests_leaves_time_for_others(self, daemon: Any) -> None:
        process, path = daemon
        stopped = threading.Event()

        def flood() -> None:
            client = RawClient(path)
            client.socket.setblocking(False)
            data = frame("get_stats") * 100
            sent = 0
            with contextlib.suppress(ConnectionError):  # it may be cut off when it does not read as fast
                while not stopped.is_set():
                    with contextlib.suppress(BlockingIOError):
                        sent = (sent + client.socket.send(data[sent:])) % len(data)
                    with contextlib.suppress(BlockingIOError):
                        assert client.socket.recv(1 << 20)

        threads = [threading.Thread(target=flood) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            assert serves(path)
        finally:
            stopped.set()
            for thread in threads:
                thread.join()

    @pytest.mark.parametrize(
        "attack", ["zeros", "magic", "length", "garbage", "daemon_message", "before_hello", "hello_twice"]
    )
    def test_c2_13_c3_10_nonsense_ends_its_own_connection(self, daemon: Any, attack: str) -> None:
        path = daemon[1]
        client = RawClient(path, greet=attack != "before_hello")
        client.send(
            {
                "zeros": bytes(4096),
                "magic": b"XXXX" + frame("get_stats")[4:],
                "length": frame("get_stats")[:8] + b"\xff\xff\xff\x7f",
                "garbage": frame("get_stats")[:12] + os.urandom(len(frame("get_stats")) - 12),
                "daemon_message": frame("welcome"),
                "before_hello": frame("get_stats"),
                "hello_twice": frame("hello"),
            }[attack]
        )
        assert client.is_closed()
        assert serves(path)

    def test_c3_6_paths_are_opened_with_the_rights_of_a_worker(self, daemon: Any, tmp_path: Path) -> None:
        """A path in a request is no way to have the daemon read a file."""
        if os.geteuid() == 0:
            pytest.skip("as root there is nothing that the daemon may read and its client may not")
        secret = tmp_path / "secret.so"
        secret.write_bytes(Path(plugin("values")).read_bytes())
        secret.chmod(0)
        with tvmffi_host.Session(socket=daemon[1]) as session:
            with pytest.raises(tvmffi_host.LoadFailed, match="Permission denied"):
                session.load_module(str(secret))

    def test_c3_8_nothing_leaks_through_arguments_or_cores(self, daemon: Any) -> None:
        process, path = daemon
        with tvmffi_host.Session(socket=path) as session:
            mod = session.load_module(plugin("values"), env={"TOKEN": "t0p-s3cret"})
            worker = host_pid(mod)
            for pid in (process.pid, worker):
                assert b"t0p-s3cret" not in Path(f"/proc/{pid}/cmdline").read_bytes()
                limits = Path(f"/proc/{pid}/limits").read_text()
                assert re.search(r"Max core file size +0 +0", limits)

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to read what the daemon hides from its user")
    def test_c3_8_an_environment_stays_where_it_was_given(self, tmp_path: Path) -> None:
        """What a client gives its worker the daemon does not have, nor a worker what the daemon has; others read neither."""
        environment = {**os.environ, "HARNESS": "d43mon-s3cret"}
        # A prepared worker would have it nowhere but in its memory.
        running = shared_daemon(tmp_path, "--prepared", "0", env=environment)
        with running as (process, path), tvmffi_host.Session(socket=path) as session:
            mod = session.load_module(plugin("values"), env={"TOKEN": "t0p-s3cret"})
            worker = host_pid(mod)
            of_daemon, of_worker = (Path(f"/proc/{pid}/environ").read_bytes() for pid in (process.pid, worker))
            assert b"d43mon-s3cret" in of_daemon and b"t0p-s3cret" not in of_daemon
            assert b"t0p-s3cret" in of_worker and b"d43mon-s3cret" not in of_worker
            for pid in (process.pid, worker):
                refused = as_nobody(lambda: Path(f"/proc/{pid}/environ").read_bytes())
                assert refused in ("PermissionError", "FileNotFoundError") and alive(pid)  # the latter under hidepid

    def test_c3_9_its_user_cannot_trace_it(self) -> None:
        """Root can trace anybody: there a copy of the daemon runs, and is attacked, as nobody."""
        options = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
        folder = Path("/tmp") / f"tvmffi-c39-{os.getpid()}"
        folder.mkdir(mode=0o755)
        program = Path(shutil.copy(HOSTD, folder)) if options else Path(HOSTD)
        try:
            with shared_daemon(folder, program=str(program), **options) as (process, _):
                assert in_child(lambda: intrude(process.pid), options.get("user")) == "[]"
        finally:
            shutil.rmtree(folder)

    def test_c3_4_ids_are_of_one_connection(self, daemon: Any) -> None:
        """What one session calls worker 1 is another session's worker 1."""
        path = daemon[1]
        with tvmffi_host.Session(socket=path) as one:
            mod = one.load_module(plugin("values"))
            pid = host_pid(mod)
            other = RawClient(path)
            other.send(frame("kill_worker"))
            assert other.socket.recv(4096)
            assert alive(pid) and mod.sum8(*range(8)) == 28


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TestTexts:
    NASTY = "%n%s%x{}{0}{:>9999999}$(id)`id`../../../etc/passwd"

    def test_c2_14_no_text_is_a_format_or_a_path(self, tmp_path: Path) -> None:
        """Names and messages of a plug-in come out as they went in, also where they are logged."""
        name = self.NASTY.replace("/", "_") + ".so"
        (tmp_path / name).write_bytes(Path(plugin("faulty")).read_bytes())
        running = shared_daemon(tmp_path, "--log-level", "trace")
        with running as (daemon, path), tvmffi_host.Session(socket=path) as session:
            mod = session.load_module(str(tmp_path / name))
            with pytest.raises(ValueError) as raised:
                mod.throw_value_error(self.NASTY)
            assert self.NASTY in str(raised.value)
            with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
                mod.abort(self.NASTY)
            assert caught.value.report.log_tail[-1] == self.NASTY
            assert caught.value.report.module == name and name in str(caught.value)
            with pytest.raises(AttributeError, match="has no function"):
                mod[self.NASTY]
            assert daemon.poll() is None

    def test_c2_11_nothing_that_a_peer_sends_is_unpickled(self) -> None:
        """No control: the gate is on the sources, there is nothing to switch off."""
        root = Path(__file__).resolve().parents[2]
        sources = [*(root / "python" / "tvmffi_host").glob("*.py"), *(root / "tools").rglob("*.py")]
        assert len(sources) > 5
        modules = r"^\s*(import|from)\s+(pickle|marshal|shelve|dill|cloudpickle)\b"
        forbidden = re.compile(modules + r"|(?<![\w.])(eval|exec)\(", re.M)
        assert [str(path) for path in sources if forbidden.search(path.read_text())] == []
