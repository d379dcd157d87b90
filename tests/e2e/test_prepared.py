"""Workers that are started before anybody needs them: they are locked like any other, and nobody's but one session's, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tvmffi_host

from conftest import BUILD, alive, children_of, eventually, host_pid, plugin, shared_daemon
from test_hostctl import asked, hostctl


@pytest.fixture
def session() -> Iterator[Any]:
    with tvmffi_host.Session(prepared=1) as opened:
        opened.load_module(plugin("values"))  # a private daemon prepares none before the first
        yield opened


def was_prepared(mod: Any) -> bool:
    start = tvmffi_host.worker_info(mod)["start"]
    return bool(start["filter"] < 0)


def load_prepared(session: Any, name: str, **options: Any) -> Any:
    """A prepared worker may still be about to be started when its module comes."""
    for _ in range(50):
        assert eventually(lambda: session.info()["prepared"] > 0)
        time.sleep(0.01)
        mod = session.load_module(plugin(name), **options)
        if was_prepared(mod):
            return mod
    raise AssertionError("no load in fifty met a prepared worker")


def outcomes(attempts: Any) -> dict[str, str]:
    return {str(technique): str(outcome) for technique, outcome in attempts.items()}


class TestLock:
    def test_c1_2_every_layer_is_complete_before_the_module_is_looked_at(self, session: Any) -> None:
        start = tvmffi_host.worker_info(load_prepared(session, "adversarial_constructor"))["start"]
        order = ["process", "root", "filter", "assigned", "files", "limits", "landlock", "seccomp", "ready", "loading"]
        times = [start[step] for step in order]
        assert times == sorted(times) and start["filter"] < 0 < start["assigned"] < start["loaded"] <= start["answered"]

    def test_it_has_the_layers_of_any_other(self, session: Any) -> None:
        with tvmffi_host.Session(prepared=0) as other:
            cold = other.load_module(plugin("values"))
            assert not was_prepared(cold)
            layers = tvmffi_host.worker_info(cold)["layers"]
        assert tvmffi_host.worker_info(load_prepared(session, "values"))["layers"] == layers

    @pytest.mark.parametrize("reuse", ["module", "never"])
    def test_c1_2_c1_7_c1_8_c1_10_c1_11_attacks_end_as_in_any_other(
        self, session: Any, tmp_path: Path, reuse: str
    ) -> None:
        """Technique by technique, down to the errno."""
        secret = tmp_path / "key.pem"
        secret.write_text("secret")
        attacks = {
            "constructor": lambda mod: outcomes(mod.seen()) | {"descriptors": str(mod.descriptors() <= 4)},
            "read_files": lambda mod: outcomes(mod.read_file(str(secret))) | outcomes(mod.read_process(os.getpid())),
            "network": lambda mod: outcomes(mod.reach(1, "tvmffi-none", str(tmp_path / "none"))),
            "signals": lambda mod: outcomes(mod.send(os.getpid(), signal.SIGTERM)) | outcomes(mod.probe()),
            "kernel": lambda mod: outcomes(mod.knock(os.getpid())),
            "fill_disk": lambda mod: outcomes(mod.create(["/", "/var/tmp", str(tmp_path)], "tvmffi-c16")),
        }
        with tvmffi_host.Session(prepared=0) as other:
            for name, attack in attacks.items():
                cold = other.load_module(plugin(f"adversarial_{name}"), env={}, reuse=reuse)
                warm = load_prepared(session, f"adversarial_{name}", env={}, reuse=reuse)
                found = attack(warm)
                assert found == attack(cold), name
                assert "worked" not in found.values() or name == "fill_disk", name

    def test_c1_2_control(self) -> None:
        """Without layers a prepared worker is no safer than any other: what stops the attacks above are the layers."""
        with tvmffi_host.Session(prepared=1, without=["all"]) as bare:
            bare.load_module(plugin("values"))
            mod = load_prepared(bare, "adversarial_constructor")
            assert "worked" in outcomes(mod.seen()).values()

    def test_c1_5_limits_come_when_it_is_assigned(self, session: Any) -> None:
        if "cgroup-memory" not in tvmffi_host.worker_info(load_prepared(session, "values"))["layers"]:
            pytest.skip("this machine lacks layer 'cgroup-memory'")
        mod = load_prepared(session, "adversarial_bombs", policy={"memory": "64 MiB", "processes": 20})
        assert 5 <= mod.fork(100) < 20
        with pytest.raises(tvmffi_host.WorkerCrashed) as caught:
            mod.memory(200, False)
        assert caught.value.report.cause == "oom"

    def test_b18_a_grant_to_read_comes_when_it_is_assigned(self, session: Any, tmp_path: Path) -> None:
        (tmp_path / "data.txt").write_text("data")
        mod = load_prepared(session, "adversarial_read_files", policy={"read": [str(tmp_path)]})
        assert outcomes(mod.read_file(str(tmp_path / "data.txt")))["open"] == "worked"
        assert "worked" not in outcomes(mod.read_file("/etc/passwd")).values()

    @pytest.mark.parametrize(
        "options",
        [{"policy": {"tmpfs": "2 MiB"}}, {"policy": {"network": True}}, {"policy": {"library_path": ["/usr/lib"]}}],
        ids=str,
    )
    def test_b18_what_cannot_come_later_gets_a_worker_of_its_own(self, session: Any, options: dict[str, Any]) -> None:
        assert eventually(lambda: session.info()["prepared"] > 0)
        used = session.info()["prepared_used"]
        assert not was_prepared(session.load_module(plugin("values"), **options))
        assert session.info()["prepared_used"] == used

    def test_c1_7_the_environment_is_what_its_client_gave_it(self, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert load_prepared(session, "adversarial_constructor", env={}).variables() == 0
        mod = load_prepared(session, "adversarial_cheats", env={"TOKEN": "t0p-s3cret"})
        assert outcomes(mod.recall("TOKEN"))["the environment"] == "worked"
        assert "the environment" not in {
            name for name, outcome in outcomes(mod.recall("OMP_NUM_THREADS")).items() if outcome == "worked"
        }


class TestPool:
    def test_none_is_used_twice(self, session: Any) -> None:
        mods = [session.load_module(plugin("values")) for _ in range(12)]
        assert len({host_pid(mod) for mod in mods}) == 12
        assert len({int(tvmffi_host.worker_info(mod)["pid"]) for mod in mods}) == 12
        for i, mod in enumerate(mods):
            mod.retain("mine", [i])
        assert [list(mod.retained("mine")) for mod in mods] == [[i] for i in range(12)]

    def test_c1_13_sessions_share_none(self, tmp_path: Path) -> None:
        with shared_daemon(tmp_path, "--prepared", "2") as (_, path):
            sessions = [tvmffi_host.Session(socket=path) for _ in range(3)]
            name = f"TVMFFI_D14_{os.getpid()}"
            mods = [load_prepared(session, "adversarial_cheats") for session in sessions]
            assert len({int(tvmffi_host.worker_info(mod)["pid"]) for mod in mods}) == 3
            mods[0].persist(name)
            for mod in mods[1:]:
                assert "worked" not in outcomes(mod.recall(name)).values()
            for each in sessions:
                each.close()

    def test_a_shared_daemon_prepares_before_anybody_asks(self, tmp_path: Path) -> None:
        with shared_daemon(tmp_path, "--prepared", "3") as (daemon, path), tvmffi_host.Session(socket=path) as session:
            assert eventually(lambda: session.info()["prepared"] == 3)
            assert session.info()["workers"] == session.info()["workers_created"] == 0
            waiting = children_of(daemon.pid)
            assert len(waiting) == 3
        assert eventually(lambda: not any(alive(pid) for pid in waiting))

    def test_they_end_with_a_daemon_that_is_killed(self, tmp_path: Path) -> None:
        with shared_daemon(tmp_path, "--prepared", "2") as (daemon, path), tvmffi_host.Session(socket=path) as session:
            assert eventually(lambda: session.info()["prepared"] == 2)
            waiting = [pid for child in children_of(daemon.pid) for pid in (child, *children_of(child))]
            assert len(waiting) >= 2
            daemon.kill()
            assert eventually(lambda: not any(alive(pid) for pid in waiting))

    def test_one_that_is_killed_is_replaced_and_no_load_fails(self, tmp_path: Path) -> None:
        with shared_daemon(tmp_path, "--prepared", "1") as (daemon, path), tvmffi_host.Session(socket=path) as session:
            assert eventually(lambda: session.info()["prepared"] == 1)
            (waiting,) = children_of(daemon.pid)
            os.kill(waiting, signal.SIGKILL)
            assert eventually(lambda: not alive(waiting))
            assert session.load_module(plugin("values")).sum8(*range(8)) == 28
            assert eventually(lambda: session.info()["prepared"] == 1)

    def test_zero_turns_it_off(self) -> None:
        with tvmffi_host.Session(prepared=0) as session:
            for _ in range(3):
                assert not was_prepared(session.load_module(plugin("values")))
            assert session.info()["prepared"] == session.info()["prepared_used"] == 0

    @pytest.mark.parametrize("count", [-1, 17, "2", 1.5])
    def test_a_number_that_is_none_is_refused(self, count: Any) -> None:
        with pytest.raises(ValueError, match="'prepared' must be a number of workers from 0 to 16"):
            tvmffi_host.Session(prepared=count)

    def test_only_a_private_daemon_can_be_told(self) -> None:
        with pytest.raises(ValueError, match="'prepared' is for a private daemon"):
            tvmffi_host.Session(socket="/nowhere/sock", prepared=1)

    def test_b22_hostctl_shows_them(self, tmp_path: Path) -> None:
        with shared_daemon(tmp_path, "--prepared", "2") as (_, path), tvmffi_host.Session(socket=path) as session:
            assert eventually(lambda: session.info()["prepared"] == 2)
            workers = asked("ps", "--socket", str(path))
            assert [(worker["state"], worker["session"], worker["label"]) for worker in workers] == [("prepared", 0, "")] * 2
            assert "ready for a module" in hostctl("ps", "--socket", str(path))
            metrics = hostctl("stats", "--socket", str(path))
            assert "tvmffi_prepared_workers{" in metrics and "tvmffi_prepared_workers_used_total{" in metrics

    def test_b12_libraries_beside_the_module_are_found(self, session: Any, tmp_path: Path) -> None:
        """Which files it may read was not known when it was prepared."""
        library, module = tmp_path / "libanswer.so", tmp_path / "user.so"
        for path, source, more in (
            (library, "int answer(void) { return 42; }", []),
            (module, "int answer(void); int call(void) { return answer(); }",
             [f"-L{tmp_path}", "-lanswer", "-Wl,-rpath,$ORIGIN"]),
        ):
            text = path.with_suffix(".c")
            text.write_text(source)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", str(path), str(text), *more], check=True)
        for _ in range(5):
            assert eventually(lambda: session.info()["prepared"] > 0)
            session.load_module(str(module))

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
    def test_one_that_has_not_seen_a_mount_is_not_used(self, tmp_path: Path) -> None:
        """Its tree shows what was mounted when it was prepared."""
        code = (
            "import ctypes, os, shutil, sys, time\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "assert libc.unshare(0x20000) == 0 and libc.mount(b'none', b'/', None, 1 << 14 | 1 << 18, None) == 0\n"
            "import tvmffi_host\n"
            "module, folder = sys.argv[1:]\n"
            "with tvmffi_host.Session(prepared=1) as session:\n"
            "    session.load_module(module)\n"
            "    while session.info()['prepared'] < 1: time.sleep(0.01)\n"
            "    assert libc.mount(b'tmpfs', folder.encode(), b'tmpfs', 0, None) == 0\n"
            "    open(folder + '/data.txt', 'w').write('data')\n"
            "    mod = session.load_module(module, policy={'read': [folder]})\n"
            "    print(mod.read_file(folder + '/data.txt')['open'], tvmffi_host.worker_info(mod)['start']['filter'] > 0)\n"
        )
        command = [sys.executable, "-c", code, plugin("adversarial_read_files"), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.stdout.split() == ["worked", "True"], done.stderr

    def test_a_daemon_that_cannot_prepare_any_serves_all_the_same(self, tmp_path: Path) -> None:
        """It tries again later and later."""
        log = tmp_path / "log"
        program = tmp_path / "tvmffi-worker"
        # Ends at once unless it was started for somebody, whose environment it has then.
        program.write_text(f'#!/bin/sh\n[ -n "$WANTED" ] && exec {BUILD}/bin/tvmffi-worker\nexit 3\n')
        program.chmod(0o755)
        flags = ("--worker", str(program), "--without", "all")
        with open(log, "w") as errors, shared_daemon(tmp_path, *flags, stderr=errors) as (_, path):
            with tvmffi_host.Session(socket=path) as session:
                for _ in range(3):
                    mod = session.load_module(plugin("values"), env={"WANTED": "1"})
                    assert mod.sum8(*range(8)) == 28 and not was_prepared(mod)
                assert eventually(lambda: "the next try is in 2 s" in log.read_text())
                assert log.read_text().count("cannot prepare a worker") == 2
                assert session.info()["prepared"] == 0
