"""What a hostile plug-in tries, stopped; and the same at work once the layers that stop it are left out."""

from __future__ import annotations

import ctypes
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import alive, eventually, host_pid, plugin
from threat_notes import note_layers

NAMESPACES = ["userns", "pidns", "mountns", "netns", "ipcns"]
Load = Callable[..., Any]


@pytest.fixture(scope="session")
def layers() -> list[str]:
    """What workers get on this machine."""
    return list(tvmffi_host.worker_info(tvmffi_host.load_module(plugin("values")))["layers"])


def need(layers: list[str], *names: str) -> None:
    note_layers(*names)
    for name in names:
        if name not in layers:
            pytest.skip(f"this machine lacks layer '{name}'")


def worked(attempts: Any) -> set[str]:
    return {str(name) for name, outcome in attempts.items() if str(outcome) == "worked"}


def drop_capabilities() -> None:
    if os.geteuid() == 0:
        for capability in range(64):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def processes_called(name: str) -> list[int]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(f"/proc/{entry}/comm").read_text().strip() == name and alive(int(entry)):
                found.append(int(entry))
        except OSError:
            pass
    return found


def host_pid_now(mod: Any) -> int:
    return int(tvmffi_host.worker_info(mod)["pid"])


class TestLayers:
    def test_the_level_is_reported(self, layers: list[str]) -> None:
        assert layers[:4] == ["process", "environment", "descriptors", "rlimits"]
        assert len(layers) == len(set(layers))

    def test_a_layer_left_out_is_not_reported(self, load: Load, layers: list[str]) -> None:
        need(layers, "seccomp", "landlock")
        mod = load("signals", without=["seccomp"])
        assert sorted(tvmffi_host.worker_info(mod)["layers"]) == sorted(set(layers) - {"seccomp"})

    def test_a_required_layer_that_is_there(self, load: Load, layers: list[str]) -> None:
        mod = load("signals", require=layers)
        assert tvmffi_host.worker_info(mod)["layers"] == layers

    def test_a_required_layer_that_is_missing(self, load: Load) -> None:
        with pytest.raises(tvmffi_host.Unavailable, match="'seccomp' is missing: the daemon was told to leave it out"):
            load("signals", without=["seccomp"], require=["landlock", "seccomp"])

    def test_a_required_layer_that_is_none(self, load: Load) -> None:
        with pytest.raises(tvmffi_host.Unavailable, match="'moat' is no layer of the sandbox"):
            load("signals", require=["moat"])

    def test_only_a_private_daemon_can_be_told(self) -> None:
        with pytest.raises(ValueError, match="'without' is for a private daemon"):
            tvmffi_host.Session(socket="/nowhere/sock", without=["seccomp"])

    @pytest.mark.parametrize("without", [[], ["userns"], ["pidns"], ["mountns"], NAMESPACES, ["landlock"], ["all"]], ids=str)
    def test_plug_ins_work_on_every_level(self, without: list[str]) -> None:
        with tvmffi_host.Session(without=without) as session:
            values = session.load_module(plugin("values"))
            faulty = session.load_module(plugin("faulty"))
            assert values.sum(np.ones(1000, "float32")) == 1000
            assert values.apply(lambda: 3) == 3
            with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
                faulty.abort("last words")
            assert caught.value.report.signal == signal.SIGABRT
            assert caught.value.report.log_tail[-1] == "last words"
            with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
                faulty.exit_now(3)
            assert (caught.value.report.cause, caught.value.report.exit_status) == ("exit", 3)
            assert alive(host_pid(faulty))

    def test_a_root_daemon_runs_no_worker_as_plain_root(self, load: Load, layers: list[str]) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs a daemon that is root")
        need(layers, "userns")
        values = tvmffi_host.load_module(plugin("values"))
        status = Path(f"/proc/{host_pid(values)}/status").read_text()
        assert "CapEff:\t0000000000000000" in status and "CapBnd:\t0000000000000000" in status
        assert os.readlink("/proc/self/ns/user") != os.readlink(f"/proc/{host_pid(values)}/ns/user")
        mod = load("signals", without=NAMESPACES)
        uids = Path(f"/proc/{tvmffi_host.worker_info(mod)['pid']}/status").read_text().split("Uid:")[1].split()[:4]
        assert uids == ["65534"] * 4

    def test_several_threads(self) -> None:
        """What an OpenMP runtime does when it starts, under the whole sandbox."""
        ops = tvmffi_host.load_module(plugin("llm_ops"), env={"OMP_NUM_THREADS": "4"})
        a, b = np.ones((64, 64), "float32"), np.ones((64, 64), "float32")
        c = np.zeros((64, 64), "float32")
        ops.matmul(a, b, c)
        assert (c == 64).all()


class TestConstructor:
    def test_c1_2_finds_and_reaches_nothing(self, load: Load, layers: list[str]) -> None:
        need(layers, "landlock", "seccomp")
        mod = load("constructor", env={})
        assert mod.variables() == 0
        assert worked(mod.seen()) == set()

    def test_c1_2_control(self, load: Load) -> None:
        mod = load("constructor", without=["all"], env={"SECRET": "x"})
        assert mod.variables() == 1  # what it was given: that layer is always there
        assert worked(mod.seen()) >= {"read a file", "create a file", "make a socket"}
        assert mod.seen()["run a program"] == "EACCES"


class TestDoubleFork:
    def escape(self, mod: Any, name: str) -> list[int]:
        assert mod.escape(name, 3) == 3
        assert eventually(lambda: len(processes_called(name)) == 3)
        return processes_called(name)

    def test_c1_4_ends_with_the_worker(self, load: Load, layers: list[str]) -> None:
        need(layers, "pidns")
        mod = load("double_fork")
        escaped = self.escape(mod, "tvmffi-c14-a")

        os.kill(host_pid_now(mod), signal.SIGKILL)

        assert eventually(lambda: not any(alive(pid) for pid in escaped))

    def test_c1_4_ends_with_the_daemon(self, load: Load, layers: list[str]) -> None:
        need(layers, "pidns")
        mod = load("double_fork")
        escaped = self.escape(mod, "tvmffi-c14-b")

        os.kill(tvmffi_host.worker_info(mod)["daemon_pid"], signal.SIGKILL)

        assert eventually(lambda: not any(alive(pid) for pid in escaped))

    def test_c1_4_control(self, load: Load) -> None:
        """Without the namespace nobody ends them when the daemon, which adopts orphans, is killed."""
        mod = load("double_fork", without=["pidns"])
        escaped = self.escape(mod, "tvmffi-c14-c")
        try:
            worker, daemon = host_pid_now(mod), tvmffi_host.worker_info(mod)["daemon_pid"]
            os.kill(daemon, signal.SIGKILL)
            assert eventually(lambda: not alive(worker))
            assert all(alive(pid) for pid in escaped)
        finally:
            for pid in escaped:
                os.kill(pid, signal.SIGKILL)


class TestFillDisk:
    FOLDERS = ["/tmp", "/var/tmp", "/dev/shm", "/", "/usr/lib"]

    def test_c1_6_files_are_its_own_and_few(self, load: Load, layers: list[str], tmp_path: Path) -> None:
        need(layers, "mountns", "landlock")
        mod = load("fill_disk")
        made = worked(mod.create([*self.FOLDERS, str(tmp_path)], "tvmffi-c16"))
        assert all("/tmp/tvmffi-c16" in name or name == "tmpfile in /tmp" for name in made)
        assert not any("/var/tmp" in name or str(tmp_path) in name for name in made)
        assert not os.path.exists("/tmp/tvmffi-c16") and not list(tmp_path.iterdir())
        assert 32 << 20 < mod.fill_file("/tmp/full", 1 << 30) <= 64 << 20

    def test_c1_6_landlock_alone_leaves_no_place_to_write(self, load: Load, layers: list[str], tmp_path: Path) -> None:
        need(layers, "landlock")
        mod = load("fill_disk", without=NAMESPACES)
        assert worked(mod.create([*self.FOLDERS, str(tmp_path)], "tvmffi-c16")) == set()

    def test_c1_6_d15_the_callers_files(self, load: Load, layers: list[str], tmp_path: Path) -> None:
        need(layers, "landlock")
        for without in ([], ["mountns"]):
            path = tmp_path / "results.csv"
            path.write_text("kept")
            assert worked(load("fill_disk", without=without).change(str(path))) == set()
            assert path.read_text() == "kept"

    def test_c1_6_shared_memory(self, load: Load) -> None:
        mod = load("fill_disk", limits={"file_size_bytes": 8 << 20})
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            mod.fill_memory(1 << 30)
        assert caught.value.report.signal == signal.SIGXFSZ

    def test_c1_6_d15_control(self, load: Load, tmp_path: Path) -> None:
        mod = load("fill_disk", without=["all"])
        made = worked(mod.create([str(tmp_path)], "c16"))
        assert len(made) >= 3 and (tmp_path / "c16").exists()
        assert mod.fill_file(str(tmp_path / "full"), 80 << 20) >= 80 << 20
        assert mod.fill_memory(80 << 20) >= 80 << 20
        path = tmp_path / "results.csv"
        path.write_text("kept")
        assert worked(mod.change(str(path))) >= {"write", "truncate", "chmod", "rename"}


class TestReadFiles:
    @pytest.mark.parametrize("without", [[], ["landlock"], ["mountns"], NAMESPACES], ids=str)
    def test_c1_7_d14_a_secret(self, load: Load, layers: list[str], tmp_path: Path, without: list[str]) -> None:
        """Two layers stop it, each alone."""
        need(layers, "landlock", "mountns")
        secret = tmp_path / "key.pem"
        secret.write_text("secret")
        mod = load("read_files", without=without)
        for path in (str(secret), "/etc/passwd", "/etc/shadow"):
            assert worked(mod.read_file(path)) == set()

    def test_c1_7_another_process(self, load: Load, layers: list[str]) -> None:
        need(layers, "pidns", "landlock")
        for without in ([], ["landlock"], NAMESPACES):
            mod = load("read_files", without=without)
            for pid in (os.getpid(), tvmffi_host.worker_info(mod)["daemon_pid"]):
                assert worked(mod.read_process(pid)) == set()

    def test_c1_7_the_files_beside_the_module(self, layers: list[str], tmp_path: Path) -> None:
        need(layers, "landlock", "mountns")
        for name in ("adversarial_read_files", "values"):
            shutil.copy(plugin(name), tmp_path)
        (tmp_path / "beside.txt").write_text("not a library")
        with tvmffi_host.Session() as session:
            mod = session.load_module(tmp_path / "adversarial_read_files.so")
            assert worked(mod.read_file(str(tmp_path / "beside.txt"))) == set()
            assert "open" in worked(mod.read_file(str(tmp_path / "values.so")))

    def test_c1_7_control(self, load: Load, tmp_path: Path) -> None:
        secret = tmp_path / "key.pem"
        secret.write_text("secret")
        mod = load("read_files", without=["all"])
        assert worked(mod.read_file(str(secret))) >= {"open", "path descriptor", "in a child"}
        # As a worker of a root daemon has no capabilities, another process of its user must have none either.
        victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, preexec_fn=drop_capabilities)
        try:
            assert eventually(lambda: "open /environ" in worked(mod.read_process(victim.pid)))
        finally:
            victim.kill()
            victim.wait()


class TestNetwork:
    @pytest.fixture
    def listeners(self, tmp_path: Path) -> Iterator[tuple[int, str, str]]:
        name, path = f"tvmffi-c18-{os.getpid()}", str(tmp_path / "sock")
        with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as named:
            for each, address in ((tcp, ("127.0.0.1", 0)), (abstract, "\0" + name), (named, path)):
                each.bind(address)
                each.listen()
            yield tcp.getsockname()[1], name, path

    def test_c1_8_reaches_nobody(self, load: Load, layers: list[str], listeners: tuple[int, str, str]) -> None:
        need(layers, "seccomp")
        assert worked(load("network").reach(*listeners)) == set()

    def test_c1_8_without_the_filter(self, load: Load, layers: list[str], listeners: tuple[int, str, str]) -> None:
        """Sockets can be made then, but lead nowhere."""
        need(layers, "netns", "mountns", "landlock-net", "landlock-scope")
        assert worked(load("network", without=["seccomp"]).reach(*listeners)) <= {"netlink", "listen"}

    def test_c1_8_landlock_alone(self, load: Load, layers: list[str], listeners: tuple[int, str, str]) -> None:
        need(layers, "landlock-net", "landlock-scope")
        reached = worked(load("network", without=[*NAMESPACES, "seccomp"]).reach(*listeners))
        assert not reached & {"connect by TCP", "listen", "connect to an abstract socket"}

    def test_c1_8_control(self, load: Load, listeners: tuple[int, str, str]) -> None:
        reached = worked(load("network", without=["all"]).reach(*listeners))
        assert reached >= {"connect by TCP", "send by UDP", "listen", "connect to an abstract socket"}
        assert "connect to a socket in a folder" in reached


class TestSignals:
    @pytest.fixture
    def victim(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        yield process
        process.kill()
        process.wait()

    @pytest.mark.parametrize("without", [[], ["landlock-scope"], NAMESPACES], ids=str)
    def test_c1_10_hits_nobody(
        self, load: Load, layers: list[str], victim: subprocess.Popen[bytes], without: list[str]
    ) -> None:
        """Two layers stop it, each alone."""
        need(layers, "pidns", "landlock-scope")
        mod = load("signals", without=without)
        daemon = tvmffi_host.worker_info(mod)["daemon_pid"]
        for pid in (victim.pid, os.getpid(), daemon):
            assert worked(mod.send(pid, signal.SIGTERM)) == set()
        assert worked(mod.probe()) == set()
        assert victim.poll() is None and alive(daemon)

    def test_c1_10_control(self, load: Load, victim: subprocess.Popen[bytes]) -> None:
        without = ["pidns", "landlock-scope"] if os.geteuid() != 0 else ["all"]
        mod = load("signals", without=without)
        assert worked(mod.send(victim.pid, 0)) == {"kill", "tgkill", "sigqueue", "pidfd_send_signal"}
        mod.send(victim.pid, signal.SIGTERM)
        assert victim.wait(10) == -signal.SIGTERM


class TestKernel:
    def test_c1_11_finds_the_doors_locked(self, load: Load, layers: list[str]) -> None:
        need(layers, "seccomp")
        assert worked(load("kernel").knock(os.getpid())) == set()

    def test_c1_11_control(self, load: Load) -> None:
        reached = worked(load("kernel", without=["seccomp"]).knock(os.getpid()))
        assert reached >= {"add_key", "process_vm_writev", "personality", "clone3", "execveat"}


def load_watched(load: Load, policy: dict[str, Any]) -> Any:
    """Into a worker whose daemon makes no groups."""
    mod = load("bombs", without=["cgroup-memory", "cgroup-pids"], policy=policy)
    need(list(tvmffi_host.worker_info(mod)["layers"]), "usage")
    return mod


class TestBombs:
    """Small limits, so that the control runs stay harmless."""

    def test_c1_5_processes(self, load: Load, layers: list[str]) -> None:
        need(layers, "cgroup-pids")
        mod = load("bombs", policy={"processes": 20})
        assert 5 <= mod.fork(100) < 20

    def test_c1_5_threads(self, load: Load, layers: list[str]) -> None:
        need(layers, "cgroup-pids")
        mod = load("bombs", policy={"processes": 20})
        assert 5 <= mod.threads(100) < 20

    @pytest.mark.parametrize("shared", [False, True])
    def test_c1_5_memory(self, load: Load, layers: list[str], shared: bool) -> None:
        need(layers, "cgroup-memory")
        mod = load("bombs", policy={"memory": "64 MiB"})
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            mod.memory(200, shared)
        assert (caught.value.report.cause, caught.value.report.signal) == ("oom", signal.SIGKILL)

    def test_c1_5_memory_of_children(self, load: Load, layers: list[str]) -> None:
        need(layers, "cgroup-memory")
        mod = load("bombs", policy={"memory": "64 MiB"})
        try:
            assert mod.memory_of_children(8, 24) <= 2
        except tvmffi_host.WorkerCrashed as error:  # the kernel chooses whom it kills
            assert error.report.cause == "oom"

    def test_c1_5_control(self, load: Load) -> None:
        mod = load("bombs")
        assert mod.fork(40) == 40 and mod.threads(40) == 40
        assert mod.memory(200, False) == 200 and mod.memory(100, True) == 100
        assert mod.memory_of_children(8, 24) == 8

    def test_c1_5_processes_of_a_policy_that_says_nothing(self, load: Load, layers: list[str]) -> None:
        need(layers, "usage")
        mod = load("bombs")
        assert mod.fork(500) == 500
        with pytest.raises(tvmffi_host.PolicyViolation, match="took more processes than its policy allows"):
            mod.fork(700)
            mod.sleep(20)

    def test_c1_5_control_processes_that_nobody_counts(self, load: Load, layers: list[str]) -> None:
        need(layers, "usage")
        mod = load("bombs", without=["usage"])
        assert mod.fork(1200) == 1200
        mod.sleep(1.5)  # more than a pause between two looks

    @pytest.mark.parametrize("work", ["fork", "threads"])
    def test_c1_5_processes_without_groups(self, load: Load, work: str) -> None:
        """The daemon looks: it cannot refuse the next one, it ends them all."""
        mod = load_watched(load, {"processes": 20})
        assert mod[work](10) == 10
        with pytest.raises(tvmffi_host.PolicyViolation, match="took more processes than its policy allows") as caught:
            mod[work](100)
            mod.sleep(20)
        assert (caught.value.report.cause, caught.value.report.limits_hit) == ("violation", ("processes",))

    @pytest.mark.parametrize("shared", [False, True])
    def test_c1_5_memory_without_groups(self, load: Load, shared: bool) -> None:
        mod = load_watched(load, {"memory": "64 MiB"})
        assert mod.memory(20, shared) == 20
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            mod.memory(200, shared)
            mod.sleep(20)
        assert (caught.value.report.cause, caught.value.report.limits_hit) == ("oom", ("memory",))

    def test_c1_5_memory_of_children_without_groups(self, load: Load) -> None:
        mod = load_watched(load, {"memory": "64 MiB"})
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            mod.memory_of_children(8, 24)
            mod.sleep(20)
        assert caught.value.report.cause == "oom"

    def test_b18_memory_that_a_worker_was_lent_is_not_its_own(self, load: Load) -> None:
        mod = load_watched(load, {"memory": "64 MiB"})
        tensor = tvmffi_host.full((100 << 20,), 1, "uint8")
        assert mod.look_at(tensor, 1.5) == 100 << 20

    def test_c1_5_nothing_stays_of_the_groups(self, load: Load, layers: list[str]) -> None:
        need(layers, "cgroup-memory", "cgroup-pids")

        def groups(daemon: int) -> list[str]:
            return [path for path, _, _ in os.walk("/sys/fs/cgroup") if f"/tvmffi-{daemon}-" in path]

        mod = load("bombs", policy={"memory": "64 MiB", "processes": 20, "cpus": 1})
        daemon = tvmffi_host.worker_info(mod)["daemon_pid"]
        assert len(groups(daemon)) >= 1
        with pytest.raises(tvmffi_host.WorkerCrashed):
            mod.memory(200, False)
        with pytest.raises(tvmffi_host.WorkerCrashed):
            mod.memory(200, False)
        del mod
        gc.collect()
        assert eventually(lambda: groups(daemon) == [])


def module_with_a_library(folder: Path, *flags: str) -> tuple[Path, Path]:
    """A module in one folder that needs a library in another, and that library."""
    module, library = folder / "mod" / "user.so", folder / "lib" / "libanswer.so"
    for path, source, more in (
        (library, "int answer(void) { return 42; }", []),
        (module, "int answer(void); int call(void) { return answer(); }", [f"-L{library.parent}", "-lanswer", *flags]),
    ):
        path.parent.mkdir()
        text = path.with_suffix(".c")
        text.write_text(source)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(path), str(text), *more], check=True)
    return module, library


class TestPolicy:
    """Each field, with the limit it sets."""

    def test_b18_read(self, load: Load, layers: list[str], tmp_path: Path) -> None:
        need(layers, "landlock", "mountns")
        granted, other = tmp_path / "granted", tmp_path / "other"
        for folder in (granted, other):
            folder.mkdir()
            (folder / "data.txt").write_text("data")
        (tmp_path / "link").symlink_to(granted)
        mod = load("read_files", policy={"read": [str(tmp_path / "link")]})
        for path in (tmp_path / "link" / "data.txt", granted / "data.txt"):
            assert "open" in worked(mod.read_file(str(path)))
        assert worked(mod.read_file(str(other / "data.txt"))) == set()
        assert worked(load("fill_disk", policy={"read": [str(granted)]}).change(str(granted / "data.txt"))) == set()

    def test_b18_read_of_what_is_not_there(self, load: Load) -> None:
        with pytest.raises(tvmffi_host.Unavailable, match="read '/no/such/folder': No such file"):
            load("read_files", policy={"read": ["/no/such/folder"]})

    def test_b18_library_path(self, tmp_path: Path) -> None:
        module, library = module_with_a_library(tmp_path)
        with pytest.raises(tvmffi_host.LoadFailed, match="libanswer.so"):
            tvmffi_host.load_module(str(module))
        tvmffi_host.load_module(str(module), policy={"library_path": [str(library.parent)]})

    def test_b18_d19_libraries(self, tmp_path: Path) -> None:
        """What a module says it needs is all on the list, or nothing of it is loaded."""
        module, library = module_with_a_library(tmp_path, "-Wl,-rpath,$ORIGIN/../lib")
        tvmffi_host.load_module(str(module))
        tvmffi_host.load_module(str(module), policy={"libraries": ["libanswer.so", "libc.so.6"]})
        listed = r"user.so': it needs 'libanswer.so', its policy's 'libraries' are \[libc.so.6, libm.so.6\]"
        with pytest.raises(tvmffi_host.LoadFailed, match=listed):
            tvmffi_host.load_module(str(module), policy={"libraries": ["libc.so.6", "libm.so.6"]})
        with pytest.raises(tvmffi_host.LoadFailed, match=r"it needs 'libanswer.so', its policy's 'libraries' are \[\]"):
            tvmffi_host.load_module(str(module), policy={"libraries": []})
        tvmffi_host.load_module(str(library), policy={"libraries": []})  # it needs none

    def test_b18_d19_libraries_of_what_is_no_library(self, tmp_path: Path) -> None:
        (tmp_path / "module.bin").write_bytes(Path(plugin("values")).read_bytes())
        with pytest.raises(tvmffi_host.LoadFailed, match="'libraries', and this is no library"):
            tvmffi_host.load_module(str(tmp_path / "module.bin"), policy={"libraries": ["libc.so.6"]})

    def test_b18_d19_libraries_asked_for_in_other_ways(self, tmp_path: Path) -> None:
        """Filter and audit libraries are loaded like those that are needed."""
        source, module = tmp_path / "filter.c", tmp_path / "filter.so"
        source.write_text("int call(void) { return 0; }")
        for flag in ("-Wl,--auxiliary,libfilter.so", "-Wl,--audit,libfilter.so"):
            subprocess.run(["cc", "-shared", "-fPIC", "-o", str(module), str(source), flag], check=True)
            with pytest.raises(tvmffi_host.LoadFailed, match="it needs 'libfilter.so'"):
                tvmffi_host.load_module(str(module), policy={"libraries": ["libc.so.6"]})

    def test_b18_libraries_in_the_modules_own_run_path(self, tmp_path: Path) -> None:
        module, _ = module_with_a_library(tmp_path, "-Wl,-rpath,$ORIGIN/../lib")
        tvmffi_host.load_module(str(module))

    def test_b18_tmpfs(self, load: Load, layers: list[str]) -> None:
        need(layers, "mountns")
        assert 1 << 20 <= load("fill_disk", policy={"tmpfs": "2 MiB"}).fill_file("/tmp/x", 1 << 30) <= 2 << 20
        assert load("fill_disk", policy={"tmpfs": 0}).fill_file("/tmp/x", 1 << 30) == -1

    def test_b18_file_size(self, load: Load) -> None:
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            load("fill_disk", policy={"file_size": "1 MiB"}).fill_memory(1 << 30)
        assert caught.value.report.signal == signal.SIGXFSZ
        # It does not stand in the way of the worker's own start.
        load("fill_disk", policy={"file_size": 1}, reuse="never")

    def test_b18_cpus(self, layers: list[str]) -> None:
        need(layers, "cgroup-cpu")
        faulty = tvmffi_host.load_module(plugin("faulty"), deadline=1.0, policy={"cpus": 0.2})
        with pytest.raises(tvmffi_host.DeadlineExceeded) as caught:
            faulty.spin()
        assert caught.value.report.resource_usage.user_time < 0.5

    def test_b18_cpu_seconds(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), policy={"cpu_seconds": 1})
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            faulty.spin()
        assert caught.value.report.signal in (signal.SIGXCPU, signal.SIGKILL)

    def test_b18_wall_seconds(self) -> None:
        faulty = tvmffi_host.load_module(plugin("faulty"), policy={"wall_seconds": 1})
        begin = time.monotonic()
        with pytest.raises(tvmffi_host.HostError) as caught:
            faulty.hang()
        assert time.monotonic() - begin < 5
        assert caught.value.report.cause == "deadline"

    def test_b18_network(self, load: Load, tmp_path: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            mod = load("network", policy={"network": True})
            assert "connect by TCP" in worked(mod.reach(listener.getsockname()[1], "tvmffi-none", "/none"))

    def test_b18_environment(self, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TVMFFI_LISTED", "yes")
        monkeypatch.setenv("TVMFFI_OTHER", "no")
        mod = load("cheats", policy={"environment": ["TVMFFI_LISTED", "GIVEN=1", "TVMFFI_UNSET"]})
        has = [name for name in ("TVMFFI_LISTED", "TVMFFI_OTHER", "GIVEN", "TVMFFI_UNSET", "LANG", "PATH", "HOME")
               if "the environment" in worked(mod.recall(name))]
        assert has == ["TVMFFI_LISTED", "GIVEN"]
        assert load("constructor", policy={"environment": []}).variables() == 0
        # The option goes before the policy.
        assert load("constructor", policy={"environment": ["A=1", "B=2"]}, env={"C": "3"}).variables() == 1

    def test_b18_a_variable_that_acts_before_the_lock_is_refused(self, load: Load) -> None:
        with pytest.raises(tvmffi_host.Unavailable, match="'LD_PRELOAD' would act before the worker is locked"):
            load("cheats", policy={"environment": ["LD_PRELOAD=/tmp/x.so"]})

    def test_b18_a_file(self, load: Load, layers: list[str], tmp_path: Path) -> None:
        need(layers, "mountns")
        path = tmp_path / "policy.toml"
        path.write_text('# small\ntmpfs = "1 MiB"\n')
        assert load("fill_disk", policy=path).fill_file("/tmp/x", 1 << 30) <= 1 << 20

        path.write_text("# small\nmemroy = 1\n")
        with pytest.raises(ValueError, match=r"policy.toml:2: there is no key 'memroy' in a policy"):
            load("fill_disk", policy=path)

    def test_b18_a_mapping_with_a_mistake(self, load: Load) -> None:
        with pytest.raises(ValueError, match="policy: 'network' must be true or false"):
            load("network", policy={"network": "yes"})

    def test_b18_a_limit_that_nothing_enforces_is_refused(self, load: Load) -> None:
        with pytest.raises(tvmffi_host.Unavailable, match="'cgroup-memory' is missing"):
            load("bombs", without=["cgroup-memory", "usage"], policy={"memory": "64 MiB"})
