"""Control runs of test_hostile_clients: the same attempts on somebody who goes without the rule, where each must work."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import eventually, open_descriptors
from raw_client import NOBODY, RawClient, as_nobody, frame, in_child, intrude, ptrace_scope

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
#: who attacks: another user where there is one to be
SOMEBODY = NOBODY if os.geteuid() == 0 else None


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that others can search."""
    folder = Path(tempfile.mkdtemp(prefix="tvmffi-control-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def listening(path: Path, answer: Callable[[bytes], bytes]) -> Iterator[list[bytes]]:
    """Somebody who serves one connection at ``path`` without asking who it is; what was said to him."""
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(20)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen()

        def serve() -> None:
            with contextlib.suppress(TimeoutError), listener.accept()[0] as connection:
                heard.append(connection.recv(4096))
                connection.sendall(answer(heard[-1]))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield heard
        finally:
            thread.join()


def ask(path: Path, question: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(question)
        return connection.recv(4096)


@contextlib.contextmanager
def bystander(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process like any other, of the user who attacks."""
    if SOMEBODY is not None:
        options |= {"user": SOMEBODY, "group": SOMEBODY, "extra_groups": []}
    process = subprocess.Popen(["sleep", "60", *arguments], **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class TestAccess:
    @needs_root
    def test_c3_1_control_whoever_may_open_the_socket_is_served(self, public: Path) -> None:
        """Mode 0666 in a folder of mode 0755, and nobody looks at SO_PEERCRED."""
        with listening(public / "hostd.sock", lambda _: b"welcome"):
            assert as_nobody(lambda: ask(public / "hostd.sock", frame("hello"))) == "b'welcome'"

    def test_c3_2_control_a_client_that_asks_for_no_credentials_talks_to_the_squatter(self, public: Path) -> None:
        public.chmod(0o777)
        with listening(public / "hostd.sock", lambda _: frame("welcome")) as heard:
            RawClient(public / "hostd.sock").socket.close()  # it greets, and takes the answer for its daemon's
        assert heard == [frame("hello")]

    def test_c3_2_control_a_link_that_is_followed_costs_the_victim_its_bytes(self, tmp_path: Path) -> None:
        victim, lock = tmp_path / "victim", tmp_path / "hostd.sock.lock"
        victim.write_text("kept")
        lock.symlink_to(victim)
        os.close(os.open(lock, os.O_CREAT | os.O_RDWR | os.O_TRUNC))
        assert victim.read_text() == ""

    def test_c3_3_control_shared_memory_with_a_name_is_read_by_others(self) -> None:
        path = Path("/dev/shm") / f"tvmffi-control-{os.getpid()}"
        try:
            path.write_bytes(b"a caller's tensor")
            path.chmod(0o644)

            def pry() -> list[bytes]:
                return [found.read_bytes() for found in Path("/dev/shm").glob("tvmffi-control-*") if found == path]

            assert in_child(pry, SOMEBODY) == repr([b"a caller's tensor"])
        finally:
            path.unlink()

    def test_c3_6_control_who_opens_paths_for_others_reads_what_they_may_not(self, public: Path) -> None:
        """The deputy is root, where this is root; else root of a user namespace, whom the mode does not stop either."""
        secret = public / "secret"
        secret.write_text("t0p-s3cret")
        secret.chmod(0)
        assert in_child(secret.read_text, SOMEBODY) == "PermissionError"
        enter = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
        if subprocess.run([*enter, "true"], capture_output=True).returncode != 0:
            pytest.skip("no user namespace to be root of")

        def read(path: bytes) -> bytes:
            return subprocess.run([*enter, "cat", path], capture_output=True, check=True).stdout

        with listening(public / "deputy.sock", read):
            assert in_child(lambda: ask(public / "deputy.sock", bytes(secret)), SOMEBODY) == "b't0p-s3cret'"

    def test_c3_8_control_what_is_inherited_or_in_the_arguments_is_there_to_read(self) -> None:
        with bystander("3600", env={**os.environ, "TOKEN": "t0p-s3cret"}) as process:

            def pry() -> bytes:
                return Path(f"/proc/{process.pid}/environ").read_bytes()

            assert eventually(lambda: "TOKEN=t0p-s3cret" in in_child(pry, SOMEBODY))
            assert "3600" in in_child(lambda: Path(f"/proc/{process.pid}/cmdline").read_bytes(), SOMEBODY)

    def test_c3_9_control_a_process_that_can_be_dumped_can_be_traced(self) -> None:
        if (scope := ptrace_scope()) > 0:
            pytest.skip(f"kernel.yama.ptrace_scope is {scope}: nobody can trace, no control run can work")
        with bystander() as process:
            everything = "['ptrace', 'mem', 'environ', 'fd']"
            assert eventually(lambda: in_child(lambda: intrude(process.pid), SOMEBODY) == everything)


class TestTexts:
    def test_c3_5_control_who_accepts_everybody_is_soon_out_of_descriptors(self, public: Path) -> None:
        """And then serves nobody: the next connection waits in the queue of somebody who cannot take it."""

        def accept_everybody() -> int:
            resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            accepted = []
            while True:
                try:
                    accepted.append(listener.accept()[0])
                except OSError as error:
                    return error.errno

        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as flood:
            listener.bind(str(public / "hostd.sock"))
            listener.listen(200)
            for _ in range(150):
                flood.enter_context(socket.socket(socket.AF_UNIX)).connect(str(public / "hostd.sock"))
            assert in_child(accept_everybody) == repr(errno.EMFILE)

    def test_c2_4_control_a_buffer_without_a_bound_takes_every_descriptor(self) -> None:
        left, right = socket.socketpair()
        before = open_descriptors()
        taken: list[int] = []
        with left, right, open("/dev/null") as null:
            for byte in frame("hello")[:4]:
                socket.send_fds(left, [bytes([byte])], [null.fileno()] * 200)
                taken += socket.recv_fds(right, 1, 253)[1]
            assert len(taken) == 800 and open_descriptors() >= before + 800
        for fd in taken:
            os.close(fd)

    def test_c2_13_control_half_a_frame_holds_a_reader_without_a_deadline(self) -> None:
        left, right = socket.socketpair()
        whole = frame("hello")
        read: list[bytes] = []
        with right, left:
            reader = threading.Thread(target=lambda: read.append(right.recv(len(whole), socket.MSG_WAITALL)))
            reader.start()
            left.sendall(whole[:-1])
            reader.join(0.5)
            assert reader.is_alive() and not read
            left.sendall(whole[-1:])
            reader.join(20)
        assert read == [whole]

    def test_c2_14_control_a_text_is_obeyed_where_it_is_a_format_a_command_or_a_path(self, tmp_path: Path) -> None:
        buffer = ctypes.create_string_buffer(200)
        ctypes.CDLL(None).snprintf(buffer, ctypes.c_size_t(len(buffer)), b"%x{}%%$(id)", ctypes.c_int(0xBEEF))
        assert buffer.value == b"beef{}%$(id)"
        assert "{0.__class__}".format("a peer's text") == "<class 'str'>"
        said = subprocess.run("echo $(echo owned)", shell=True, capture_output=True, text=True, check=True)
        assert said.stdout == "owned\n"
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "../stray").write_text("outside")
        assert (tmp_path / "stray").read_text() == "outside"
