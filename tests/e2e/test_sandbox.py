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
from collections.abc import Callable, Iterator
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


@pytest.fixture
def load(request: pytest.FixtureRequest) -> Iterator[Load]:
    """``load(name, without=...)``: an adversarial plug-in in a session of its own."""
    sessions = []

    def load_module(name: str, without: list[str] | None = None, **options: Any) -> Any:
        session = tvmffi_host.Session(without=without or [])
        sessions.append(session)
        return session.load_module(plugin(f"adversarial_{name}"), **options)

    yield load_module
    for session in sessions:
        session.close()


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
            load("bombs", without=["cgroup-memory"], policy={"memory": "64 MiB"})
