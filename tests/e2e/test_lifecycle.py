"""Processes, descriptors, mappings and memory: before equals after, whoever dies."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import alive, children_of, eventually, host_mappings, host_pid, listens, open_descriptors, plugin, rss_anon


IMPORTS = """import os, signal, sys, threading, time
import tvmffi_host

def host_pid(mod):
    mod.pid()
    return tvmffi_host.worker_info(mod)["pid"]

"""
LOAD = "mod = tvmffi_host.load_module(sys.argv[1])\ninfo = tvmffi_host.worker_info(mod)\n"


def command(program: str, args: tuple[str, ...]) -> list[str]:
    head = LOAD if program.startswith(LOAD) else ""
    return [sys.executable, "-c", IMPORTS + head + textwrap.dedent(program[len(head) :]), *args]


def run(program: str, *args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(program, args), capture_output=True, text=True, timeout=60, **options)


def start(program: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command(program, args), stdout=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("no_leaks")
def test_dropping_a_module_ends_its_worker() -> None:
    mod = tvmffi_host.load_module(plugin("values"))
    pid = host_pid(mod)
    function = mod.sum8

    del mod
    gc.collect()
    assert alive(pid)
    assert function(*range(8)) == 28
    del function
    gc.collect()

    assert eventually(lambda: not alive(pid))


@pytest.mark.usefixtures("no_leaks")
def test_results_outlive_the_worker() -> None:
    mod = tvmffi_host.load_module(plugin("values"))
    result = mod.make_own([1000], 3.0)
    pid = host_pid(mod)

    del mod
    gc.collect()
    assert eventually(lambda: not alive(pid))

    assert (tvmffi_host.numpy(result) == 3.0).all()


@pytest.mark.usefixtures("no_leaks")
def test_a_session_ends_with_everything_in_it() -> None:
    with tvmffi_host.Session() as session:
        mods = [session.load_module(plugin("values")) for _ in range(3)]
        pids = [host_pid(mod) for mod in mods]
        daemon = session.info()["daemon_pid"]
        assert session.info()["workers"] == 3

    assert eventually(lambda: not any(alive(pid) for pid in [*pids, daemon]))
    with pytest.raises(tvmffi_host.Unavailable):
        host_pid(mods[0])
    with pytest.raises(ValueError, match="closed"):
        session.load_module(plugin("values"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_death_of_the_client_leaves_nothing(how: signal.Signals) -> None:
    client = start(LOAD + "print(host_pid(mod), info['daemon_pid'], flush=True); time.sleep(60)", plugin("values"))
    assert client.stdout is not None
    worker, daemon = map(int, client.stdout.readline().split())
    assert alive(worker) and alive(daemon)

    client.send_signal(how)
    client.wait()

    assert eventually(lambda: not alive(worker) and not alive(daemon))


def test_the_death_of_the_client_inside_a_call_leaves_nothing() -> None:
    client = start(LOAD + "print(host_pid(mod), info['daemon_pid'], flush=True); mod.sleep(60.0)", plugin("values"))
    assert client.stdout is not None
    worker, daemon = map(int, client.stdout.readline().split())
    time.sleep(0.2)

    client.kill()
    client.wait()

    assert eventually(lambda: not alive(worker) and not alive(daemon))


def test_the_death_of_the_daemon() -> None:
    result = run(
        LOAD
        + """
        worker, daemon = host_pid(mod), info["daemon_pid"]
        def kill():
            time.sleep(0.3)
            os.kill(daemon, signal.SIGKILL)
        threading.Thread(target=kill).start()
        try:
            mod.sleep(30.0)
        except tvmffi_host.HostError as error:
            print(type(error).__name__, error.report.cause)
        print(mod.sum8(1, 1, 1, 1, 1, 1, 1, 1), host_pid(mod) != worker)
        print(tvmffi_host.worker_info(mod)["daemon_pid"] != daemon)
        print(worker)
        """,
        plugin("values"),
    )
    lines = result.stdout.split("\n")
    assert lines[:3] == ["WorkerCrashed daemon", "8 True", "True"], result.stderr
    assert eventually(lambda: not alive(int(lines[3])))


def test_wait_does_not_see_the_daemon() -> None:
    result = run(
        LOAD
        + """
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            print("no children")
        mod.sum8(1, 1, 1, 1, 1, 1, 1, 1)
        child = os.fork()
        if child == 0:
            os._exit(7)
        print(os.wait() == (child, 7 << 8))
        """,
        plugin("values"),
    )
    assert result.stdout.split("\n")[:2] == ["no children", "True"], result.stderr


def test_an_ignored_sigchld_loses_no_report() -> None:
    result = run(
        """
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        mod = tvmffi_host.load_module(sys.argv[1])
        try:
            mod.exit_now(5)
        except tvmffi_host.WorkerCrashed as error:
            print(error.report.cause, error.report.exit_status)
        """,
        plugin("faulty"),
    )
    assert result.stdout == "exit 5\n", result.stderr


def test_the_daemon_outlives_the_thread_that_started_it() -> None:
    result = run(
        """
        loaded = []
        thread = threading.Thread(target=lambda: loaded.append(tvmffi_host.load_module(sys.argv[1])))
        thread.start()
        thread.join()
        time.sleep(0.3)
        pid = host_pid(loaded[0])
        time.sleep(0.3)
        print(host_pid(loaded[0]) == pid)
        """,
        plugin("values"),
    )
    assert result.stdout == "True\n", result.stderr


def test_a_forked_child() -> None:
    result = run(
        LOAD
        + """
        pid = host_pid(mod)
        tensor = tvmffi_host.full((4,), 2.0)
        child = os.fork()
        if child == 0:
            try:
                host_pid(mod)
            except tvmffi_host.Unavailable as error:
                print("child:", "forked" in str(error), flush=True)
            del mod
            own = tvmffi_host.load_module(sys.argv[1])
            print("child:", host_pid(own) != pid, own.sum(tvmffi_host.full((2,), 1.5)), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        print("parent:", host_pid(mod) == pid, mod.sum(tensor))
        """,
        plugin("values"),
    )
    assert result.stdout.split("\n")[:3] == ["child: True", "child: True 3.0", "parent: True 8.0"], result.stderr


def test_ctrl_c_cancels_a_call() -> None:
    result = run(
        LOAD
        + """
        pid = host_pid(mod)
        def interrupt():
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        begin = time.monotonic()
        try:
            mod.sleep(20.0)
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - begin < 5)
        print(host_pid(mod) != pid)
        """,
        plugin("values"),
    )
    assert result.stdout == "interrupted True\nTrue\n", result.stderr


def test_ctrl_c_in_a_terminal_reaches_neither_daemon_nor_worker() -> None:
    """A terminal signals the whole foreground process group; only the caller is in it."""
    client = subprocess.Popen(
        command(
            LOAD
            + """
            pid = host_pid(mod)
            print(pid, info["daemon_pid"], flush=True)
            try:
                time.sleep(30)
            except KeyboardInterrupt:
                print(host_pid(mod) == pid, flush=True)
                sys.stdin.read()
            """,
            (plugin("values"),),
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert client.stdout is not None
    pids = list(map(int, client.stdout.readline().split()))
    time.sleep(0.2)

    os.killpg(client.pid, signal.SIGINT)

    assert client.stdout.readline() == "True\n"
    assert all(alive(pid) and os.getsid(pid) != client.pid and os.getpgid(pid) != client.pid for pid in pids)
    client.communicate()
    assert client.returncode == 0
    assert eventually(lambda: not any(alive(pid) for pid in pids))


def test_a_workers_standard_streams() -> None:
    """Nothing of the caller's: neither its terminal nor its input."""
    mod = tvmffi_host.load_module(plugin("values"))
    folder = Path(f"/proc/{host_pid(mod)}/fd")

    assert os.readlink(folder / "0") == "/dev/null"
    assert os.readlink(folder / "1").startswith("pipe:")
    assert os.readlink(folder / "1") == os.readlink(folder / "2")


def test_exit_with_calls_in_daemon_threads() -> None:
    result = run(
        LOAD
        + """
        for _ in range(3):
            threading.Thread(target=lambda: mod.sleep(30.0), daemon=True).start()
        time.sleep(0.3)
        print("leaving", flush=True)
        """,
        plugin("values"),
    )
    assert (result.returncode, result.stdout) == (0, "leaving\n"), result.stderr


def test_output_is_kept_unless_it_is_forwarded() -> None:
    program = """
        mod = tvmffi_host.load_module(sys.argv[1], log=sys.argv[2], deadline=2.0)
        mod.print_out("to stdout", 1)
        mod.print_err("to stderr", 1)
        try:
            mod.sleep(60.0)
        except tvmffi_host.DeadlineExceeded as error:
            # What the report has, the daemon has read, and forwarded if it was to.
            print(len([line for line in error.report.log_tail if "to stdout" in line or "to stderr" in line]))
        """
    kept = run(program, plugin("values"), "keep")
    forwarded = run(program, plugin("values"), "forward")

    assert (kept.stdout, kept.stderr) == ("2\n", "")
    assert forwarded.stdout == "2\n"
    assert "to stdout" in forwarded.stderr and "to stderr" in forwarded.stderr


def test_daemon_binary_missing() -> None:
    result = run(
        """
        try:
            tvmffi_host.load_module(sys.argv[1])
        except tvmffi_host.Unavailable as error:
            print(error)
        try:
            tvmffi_host.load_module(sys.argv[1])
        except tvmffi_host.Unavailable:
            print("still here")
        """,
        plugin("values"),
        env={**os.environ, "TVMFFI_HOSTD": "/no/such/tvmffi-hostd"},
    )
    assert "/no/such/tvmffi-hostd" in result.stdout, result.stderr
    assert result.stdout.endswith("still here\n"), result.stderr


class TestSharedDaemon:
    def hostd(self) -> str:
        return str(Path(tvmffi_host.__file__).parent / "bin" / "tvmffi-hostd")

    def test_two_clients_of_one_daemon(self, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        folder.mkdir(mode=0o700)
        socket = folder / "hostd.sock"
        daemon = subprocess.Popen([self.hostd(), "--socket", str(socket)], stderr=subprocess.DEVNULL)
        try:
            assert eventually(lambda: listens(socket))
            with tvmffi_host.Session(socket=socket) as session:
                mod = session.load_module(plugin("values"))
                assert session.info()["daemon_pid"] == daemon.pid
                result = run(
                    LOAD + "print(info['daemon_pid'], mod.sum8(1, 1, 1, 1, 1, 1, 1, 1))",
                    plugin("values"),
                    env={**os.environ, "TVMFFI_HOSTD_SOCKET": str(socket)},
                )
                assert result.stdout == f"{daemon.pid} 8\n", result.stderr
                pid = host_pid(mod)
            assert eventually(lambda: not alive(pid))
            assert alive(daemon.pid)
        finally:
            daemon.terminate()
            daemon.wait()

    def test_socket_path_is_a_directory(self, tmp_path: Path) -> None:
        before = open_descriptors()
        for _ in range(10):
            with pytest.raises(tvmffi_host.Unavailable, match=str(tmp_path)):
                tvmffi_host.Session(socket=tmp_path)
        assert open_descriptors() <= before

    def test_nobody_listens(self, tmp_path: Path) -> None:
        folder = tmp_path / "run"
        folder.mkdir(mode=0o700)
        with pytest.raises(tvmffi_host.Unavailable, match="hostd.sock"):
            tvmffi_host.Session(socket=folder / "hostd.sock")

    @pytest.mark.skipif(os.getuid() != 0, reason="needs root to make another user's socket")
    def test_socket_of_another_user(self, tmp_path: Path) -> None:
        import socket as sockets

        folder = tmp_path / "run"
        folder.mkdir(mode=0o700)
        path = folder / "hostd.sock"
        with sockets.socket(sockets.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            os.chown(path, 12345, 12345)
            with pytest.raises(tvmffi_host.Unavailable, match=f"{path}.*12345|12345.*{path}"):
                tvmffi_host.Session(socket=path)


def crash(faulty: Any, kind: int) -> None:
    with pytest.raises(tvmffi_host.HostError):
        [faulty.segfault, lambda: faulty.abort("x"), lambda: faulty.exit_now(1), faulty.hang][kind]()


def crash_loop(count: int) -> None:
    # One worker, two deadlines: a start can take longer than the one of a hang.
    patient = tvmffi_host.load_module(plugin("faulty"))
    faulty = tvmffi_host.load_module(plugin("faulty"), worker=patient, deadline=0.05 if count > 100 else 0.2)
    host_pid(patient)
    gc.collect()
    descriptors, mappings, memory = open_descriptors(), len(host_mappings()), rss_anon()
    for i in range(count):
        crash(faulty, i % 4)
        assert host_pid(patient) > 0
    gc.collect()
    assert open_descriptors() <= descriptors
    assert len(host_mappings()) <= mappings
    assert rss_anon() - memory < 8 * 1024
    daemon = tvmffi_host.worker_info(patient)["daemon_pid"]
    pid = host_pid(patient)
    assert eventually(lambda: pid in children_of(daemon) or alive(pid))


def test_crashes_leave_nothing_behind() -> None:
    crash_loop(24)


@pytest.mark.slow
def test_a_thousand_crashes_leave_nothing_behind() -> None:
    crash_loop(1000)


class TestZeroCopy:
    def test_a_large_shared_tensor_is_never_copied(self) -> None:
        mod = tvmffi_host.load_module(plugin("values"))
        worker = host_pid(mod)
        tensor = tvmffi_host.empty((64, 1024, 1024), "float32")  # 256 MiB
        mod.sum(tvmffi_host.empty((16,)))
        before, caller_memory, worker_memory = tvmffi_host.stats(), rss_anon(), rss_anon(worker)

        mod.fill(tensor, 1.0)
        assert mod.sum(tensor) == 64 * 1024 * 1024

        after = tvmffi_host.stats()
        assert after["bytes_copied_in"] == before["bytes_copied_in"]
        assert after["bytes_copied_out"] == before["bytes_copied_out"]
        assert after["zero_copy_tensors"] == before["zero_copy_tensors"] + 2
        assert rss_anon() - caller_memory < 4 * 1024
        assert rss_anon(worker) - worker_memory < 4 * 1024

    @pytest.mark.parametrize("library", ["numpy", "torch"])
    def test_a_plain_tensor_reports_its_copies(self, isolated: Any, library: str) -> None:
        array = pytest.importorskip(library).zeros(1 << 20)
        array = array.astype("float32") if library == "numpy" else array
        before = tvmffi_host.stats()

        isolated.fill(array, 2.0)

        assert (array == 2.0).all()
        after = tvmffi_host.stats()
        assert after["bytes_copied_in"] - before["bytes_copied_in"] == 4 << 20
        assert after["bytes_copied_out"] - before["bytes_copied_out"] == 4 << 20
        assert after["staged_tensors"] == before["staged_tensors"] + 1

    def test_readonly_arguments_are_not_copied_back(self) -> None:
        mod = tvmffi_host.load_module(plugin("values"), readonly={"fill": [0]})
        array = np.zeros(16, "float32")

        mod.fill(array, 2.0)

        assert not array.any()

    def test_torch_and_numpy_use_shared_memory_in_place(self, isolated: Any) -> None:
        torch = pytest.importorskip("torch")
        shared = tvmffi_host.full((8,), 1.0)
        tensor = torch.from_dlpack(shared)
        before = tvmffi_host.stats()

        isolated.fill(tensor, 5.0)

        assert tvmffi_host.numpy(shared).tolist() == [5.0] * 8
        assert tvmffi_host.stats()["bytes_copied_in"] == before["bytes_copied_in"]

    def test_results_are_not_copied(self, isolated: Any) -> None:
        before = tvmffi_host.stats()

        result = isolated.make_env_like(tvmffi_host.empty((1000,)))

        assert result.shape == (1000,)
        assert tvmffi_host.stats()["bytes_copied_out"] == before["bytes_copied_out"]
