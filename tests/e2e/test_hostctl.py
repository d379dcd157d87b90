"""tvmffi-hostctl against daemons that run, and running plug-ins itself."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tvmffi_host

from conftest import BUILD, eventually, plugin, shared_daemon

FAILED, BAD_USAGE, PLUGIN_ERROR, HOST_ERROR, NO_DAEMON = 1, 2, 3, 4, 5


HOSTCTL = str(BUILD / "bin" / "tvmffi-hostctl")


def hostctl(*arguments: str, code: int = 0, **options: Any) -> str:
    command = [HOSTCTL, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 or "--json" in arguments else done.stderr


def asked(*arguments: str, **options: Any) -> Any:
    return json.loads(hostctl(*arguments, "--json", **options))


def running_workers(*arguments: str) -> list[dict[str, Any]]:
    """Without those that the daemon keeps ready."""
    return [worker for worker in asked("ps", *arguments) if worker["state"] == "running"]


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Caller:
    """A call in a thread of its own, which is to end with an error of the host."""

    def __init__(self, function: Any) -> None:
        self.outcomes: list[tvmffi_host.HostError] = []
        self.thread = threading.Thread(target=self.run, args=(function,), daemon=True)
        self.thread.start()

    def run(self, function: Any) -> None:
        with pytest.raises(tvmffi_host.HostError) as caught:
            function()
        self.outcomes.append(caught.value)

    def error(self) -> tvmffi_host.HostError:
        self.thread.join(20)
        (error,) = self.outcomes
        return error


def sleeps(pid: int) -> bool:
    """Every thread of the process."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rsplit(")", 1)[1].split()[0] == "S" for stat in stats)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A private daemon in a runtime folder where there is no other."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("TVMFFI_HOSTD_SOCKET", raising=False)
    opened = tvmffi_host.Session()
    yield opened
    opened.close()


class TestAsking:
    def test_b22_ps_shows_workers_and_what_they_do(self, session: Any) -> None:
        values, faulty = session.load_module(plugin("values")), session.load_module(plugin("faulty"), deadline=60)
        for _ in range(10):
            values.echo_int(1)
        caller = Caller(faulty.hang)

        def busy() -> list[Any]:
            return [worker for worker in running_workers() if worker["running"]]

        assert eventually(lambda: len(busy()) == 1)
        workers = {worker["label"]: worker for worker in running_workers()}
        assert set(workers) == {"values.so", "faulty.so"}
        assert workers["values.so"]["calls"] >= 10
        assert workers["values.so"]["pid"] == tvmffi_host.worker_info(values)["pid"]
        assert workers["values.so"]["rss_bytes"] > 1 << 20
        assert 0 < workers["values.so"]["p50"] <= workers["values.so"]["p99"]
        assert workers["faulty.so"]["running"][0]["function"] == "hang"
        table = hostctl("ps")
        assert "values.so" in table and "hang" in table

        hostctl("kill", str(workers["faulty.so"]["pid"]))
        report = caller.error().report
        assert (report.function, report.signal) == ("hang", signal.SIGKILL)
        assert [worker["label"] for worker in running_workers()] == ["values.so"]

    def test_b22_the_last_call_of_a_killed_worker_is_shown(self, session: Any) -> None:
        values = session.load_module(plugin("values"))
        values.echo_int(1)
        pid = tvmffi_host.worker_info(values)["pid"]
        (running,) = running_workers()
        last_call = running["last_call"]
        assert last_call["function"] == "echo_int" and last_call["outcome"] == "ok"

        os.kill(pid, signal.SIGKILL)
        assert eventually(lambda: len(asked("last")) == 1)

        (ended,) = asked("last")
        assert ended["last_call"]["call_id"] == last_call["call_id"]
        assert (ended["cause"], ended["signal"], ended["pid"]) == ("signal", 9, pid)
        page = hostctl("last", str(pid))
        assert "died of SIGKILL" in page and "echo_int" in page and "module lent" in page

    def test_b22_a_call_that_killed_its_worker_is_the_last(self, session: Any) -> None:
        faulty = session.load_module(plugin("faulty"))
        with pytest.raises(tvmffi_host.WorkerCrashed):
            faulty.segfault()
        (ended,) = asked("last")
        assert ended["last_call"]["function"] == "segfault"
        assert ended["last_call"]["outcome"] == "failed"

    def test_b22_a_call_whose_worker_is_gone_before_its_caller_runs_again_is_the_last(self, session: Any) -> None:
        """One processor for all, and everybody else comes before the caller."""
        processor = {min(os.sched_getaffinity(0))}
        daemon = session.info()["daemon_pid"]
        os.sched_setaffinity(daemon, processor)
        try:
            os.sched_setscheduler(daemon, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            pytest.skip("needs the right to set a real-time priority")
        for ended in range(1, 4):
            faulty = session.load_module(plugin("faulty"))
            faulty.pid()
            pid = tvmffi_host.worker_info(faulty)["pid"]
            assert eventually(lambda pid=pid: sleeps(pid))

            def call(faulty: Any = faulty) -> None:
                os.sched_setaffinity(0, processor)
                with pytest.raises(tvmffi_host.WorkerCrashed):
                    faulty.exit_now(3)

            caller = threading.Thread(target=call)
            caller.start()
            caller.join()
            assert eventually(lambda ended=ended: len(asked("last")) == ended)
            (last,) = [worker for worker in asked("last") if worker["pid"] == pid]
            assert last["last_call"]["function"] == "exit_now"

    def test_logs_of_a_dead_worker(self, session: Any) -> None:
        faulty = session.load_module(plugin("faulty"))
        pid = tvmffi_host.worker_info(faulty)["pid"]
        with pytest.raises(tvmffi_host.WorkerCrashed):
            faulty.abort("last \x1b[31m words")
        assert asked("logs", str(pid))[-1] == "last \\x1b[31m words"
        assert "last \\x1b[31m words" in hostctl("logs", str(pid))

    def test_stats_are_openmetrics(self, session: Any) -> None:
        values = session.load_module(plugin("values"))
        values.echo_int(1)
        (stats,) = asked("stats")
        assert stats["workers"] == 1 and stats["calls"] >= 1
        text = hostctl("stats")
        assert text.endswith("# EOF\n")
        assert f'tvmffi_call_seconds_count{{daemon="{stats["daemon_pid"]}",module="values.so"}}' in text

    def test_stats_of_several_daemons_are_one_document(self, session: Any) -> None:
        with tvmffi_host.Session() as other:
            for each in (session, other):
                each.load_module(plugin("values")).echo_int(1)
            pids = {str(each.info()["daemon_pid"]) for each in (session, other)}
            lines = hostctl("stats").splitlines()
        assert lines[-1] == "# EOF" and lines.count("# EOF") == 1
        families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
        assert families and len(set(families)) == len(families)
        for name in ("tvmffi_workers", "tvmffi_call_seconds_count"):
            samples = [line for line in lines if line.startswith(name + "{")]
            assert {line.split('daemon="')[1].split('"')[0] for line in samples} == pids
        # Each sample stands below the family that it belongs to.
        current = ""
        for line in lines[:-1]:
            current = line.split()[2] if line.startswith("#") else current
            assert line.startswith(("#", current))

    def test_top_looks_again(self, session: Any) -> None:
        values = session.load_module(plugin("values"))
        looks = hostctl("top", "--json", "--rounds", "2", "--interval", "0.1").splitlines()
        assert [json.loads(look)[0]["label"] for look in looks] == ["values.so"] * 2
        assert values.echo_int(1) == 1

    def test_top_sorts_by_the_work_since_the_last_look(self, session: Any) -> None:
        """Not by that of all times: one has worked before, another works now."""
        before, now = session.load_module(plugin("values")), session.load_module(plugin("faulty"), deadline=60)
        ran = [tvmffi_host.worker_info(mod)["pid"] for mod in (before, now)]
        array = np.ones(1 << 20, "float32")
        while processor_seconds(ran[0]) < 1:
            before.sum(array)
        caller = Caller(now.spin)
        try:
            assert eventually(lambda: processor_seconds(ran[1]) > 0.1)
            looks = hostctl("top", "--json", "--rounds", "2", "--interval", "0.3").splitlines()
        finally:
            hostctl("kill", str(ran[1]))
        assert caller.error().report.signal == signal.SIGKILL
        first, second = ({worker["pid"]: worker["cpu_seconds"] for worker in json.loads(look)} for look in looks)
        work = [second[pid] - first[pid] for pid in second]
        assert work == sorted(work, reverse=True)

    def test_a_worker_that_is_not_there(self, session: Any) -> None:
        session.load_module(plugin("values"))
        assert "no worker with pid 1 runs" in hostctl("logs", "1", code=FAILED)
        assert "no worker with pid 1 runs" in hostctl("kill", "1", code=FAILED)

    def test_no_daemon(self, tmp_path: Path) -> None:
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
        environment.pop("TVMFFI_HOSTD_SOCKET", None)
        assert "no daemon" in hostctl("ps", code=NO_DAEMON, env=environment)
        assert "no daemon" in hostctl("stats", "--socket", str(tmp_path / "none"), code=NO_DAEMON)

    def test_a_daemon_that_was_killed_leaves_nothing_to_stumble_over(self, session: Any, tmp_path: Path) -> None:
        values = session.load_module(plugin("values"))
        os.kill(tvmffi_host.worker_info(values)["daemon_pid"], signal.SIGKILL)
        assert eventually(lambda: not tvmffi_host.worker_info(values)["alive"])
        hostctl("ps", code=NO_DAEMON)
        assert list((tmp_path / "tvmffi-hostd").iterdir()) == []

    def test_a_shared_daemon(self, tmp_path: Path) -> None:
        with shared_daemon(tmp_path) as (daemon, path), tvmffi_host.Session(socket=path) as session:
            values = session.load_module(plugin("values"))
            (worker,) = running_workers("--socket", str(path))
            assert worker["label"] == "values.so" and worker["daemon_pid"] == daemon.pid
            assert worker["pid"] == tvmffi_host.worker_info(values)["pid"]
            assert 'tvmffi_call_seconds_count{daemon="' in hostctl("stats", "--socket", str(path))

    def test_a_daemon_that_does_not_answer_is_named_beside_those_that_do(self, session: Any, tmp_path: Path) -> None:
        values = session.load_module(plugin("values"))
        path = tmp_path / "tvmffi-hostd" / "private-1.sock"
        with socket.socket(socket.AF_UNIX) as silent, open(f"{path}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            silent.bind(str(path))
            silent.listen()
            done = subprocess.run([HOSTCTL, "ps", "--json"], capture_output=True, text=True, timeout=60, check=False)
            assert str(path) in hostctl("ps", "--socket", str(path), code=FAILED)
        assert done.returncode == FAILED
        pids = [worker["pid"] for worker in json.loads(done.stdout) if worker["state"] == "running"]
        assert pids == [tvmffi_host.worker_info(values)["pid"]]
        assert str(path) in done.stderr and "deadline" in done.stderr

    def test_a_socket_that_is_not_trusted_is_no_daemon_that_has_ended(self, tmp_path: Path) -> None:
        folder = tmp_path / "tvmffi-hostd"
        folder.mkdir()
        folder.chmod(0o777)
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
        environment.pop("TVMFFI_HOSTD_SOCKET", None)
        assert "others may write" in hostctl("ps", code=FAILED, env=environment)


class TestRunning:
    def test_load(self) -> None:
        loaded = asked("load", plugin("values"))
        assert "echo_int" in loaded["functions"] and "process" in loaded["layers"]
        assert "echo_int" in hostctl("load", plugin("values"))

    def test_a_load_that_fails(self, tmp_path: Path) -> None:
        assert "LoadFailed" in hostctl("load", "/no/such.so", code=HOST_ERROR)
        assert "LoadFailed" in hostctl("load", plugin("faulty_init_segfault"), code=HOST_ERROR)
        assert "'moat'" in hostctl("load", plugin("values"), "--require", "moat", code=HOST_ERROR)

    @pytest.mark.parametrize(
        ("argument", "result"),
        [("42", 42), ("-7", -7), ("1.5", 1.5), ("true", True), ("none", None), ("text", "text"), ("str:42", "42")],
    )
    def test_call_with_values(self, argument: str, result: Any) -> None:
        called = json.loads(hostctl("call", "--json", plugin("values"), "echo", "--", argument))
        assert called["result"] == result

    def test_call_with_a_file(self, tmp_path: Path) -> None:
        for dtype in ("float32", "float64", "int64", "uint8"):
            array = np.arange(6).reshape(2, 3).astype(dtype)
            np.save(tmp_path / "in.npy", array)
            called = asked("call", plugin("values"), "echo", f"@{tmp_path}/in.npy", "--out", f"result={tmp_path}/out.npy")
            assert called["result"]["dtype"] == dtype and called["result"]["shape"] == [2, 3]
            assert called["result"]["elements"] == [0, 1, 2, 3, 4, 5]
            back = np.load(tmp_path / "out.npy")
            assert back.dtype == array.dtype and (back == array).all()

    @pytest.mark.parametrize("dtype", ["int24", "int40", "uint56", "float40", "int64x2"])
    def test_types_without_elements_of_their_own_are_only_named(self, dtype: str) -> None:
        assert "only zeros" in hostctl("call", plugin("values"), "echo", f"ones:{dtype}[2]", code=BAD_USAGE)
        called = asked("call", plugin("values"), "echo", f"zeros:{dtype}[64]")
        assert called["result"] == {"type": "tensor", "dtype": dtype, "shape": [64], "elements": None}
        shown = hostctl("call", plugin("values"), "echo", f"zeros:{dtype}[64]")
        assert f"tensor {dtype}[64]: elements that are not shown" in shown

    def test_types_that_numpy_has_not_are_not_written_for_it(self, tmp_path: Path) -> None:
        out = f"result={tmp_path}/out.npy"
        assert "NumPy has no" in hostctl("call", plugin("values"), "echo", "zeros:int24[2]", "--out", out, code=FAILED)
        image = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
        image += b"{'descr': '<i3', 'fortran_order': False, 'shape': (2,), }".ljust(117) + b"\n" + bytes(6)
        (tmp_path / "odd.npy").write_bytes(image)
        assert "'<i3'" in hostctl("call", plugin("values"), "echo", f"@{tmp_path}/odd.npy", code=BAD_USAGE)

    @pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"])
    def test_integers_are_shown_as_they_are(self, dtype: str, tmp_path: Path) -> None:
        kind = np.dtype(dtype)
        ends = [False, True] if dtype == "bool" else [np.iinfo(kind).min, np.iinfo(kind).max]
        np.save(tmp_path / "in.npy", np.array(ends, kind))
        called = asked("call", plugin("values"), "echo", f"@{tmp_path}/in.npy")
        assert called["result"]["elements"] == list(map(int, ends))
        shown = hostctl("call", plugin("values"), "echo", f"@{tmp_path}/in.npy").splitlines()[0]
        assert shown == f"tensor {dtype}[2]: {int(ends[0])} {int(ends[1])}"

    def test_half_floats_pass_through(self, tmp_path: Path) -> None:
        np.save(tmp_path / "in.npy", np.array([1.5, -2], "float16"))
        asked("call", plugin("values"), "echo", f"@{tmp_path}/in.npy", "--out", f"result={tmp_path}/out.npy")
        assert (np.load(tmp_path / "out.npy") == np.array([1.5, -2], "float16")).all()

    def test_counting_ends_where_the_type_does(self) -> None:
        for most, dtype in ((127, "int8"), (255, "uint8")):
            called = asked("call", plugin("values"), "echo", f"arange:{dtype}[{most + 1}]")
            assert called["result"]["elements"] == list(range(most + 1))
            refused = hostctl("call", plugin("values"), "echo", f"arange:{dtype}[{most + 2}]", code=BAD_USAGE)
            assert f"it counts to {most + 1}, the type ends at {most}" in refused

    def test_bfloat16(self) -> None:
        assert asked("call", plugin("values"), "echo", "arange:bfloat16[4]")["result"]["elements"] == [0, 1, 2, 3]

    def test_call_with_generated_tensors(self) -> None:
        assert asked("call", plugin("values"), "sum", "ones:float32[10,10]")["result"] == 100
        assert asked("call", plugin("values"), "sum", "arange:float32[5]")["result"] == 10
        first = asked("call", plugin("values"), "sum", "random:float32[64]", "--seed", "3")["result"]
        assert 0 < first < 64
        assert first == asked("call", plugin("values"), "sum", "random:float32[64]", "--seed", "3")["result"]

    def test_calls_are_timed(self) -> None:
        called = asked("call", plugin("values"), "echo", "1", "--repeat", "50")["seconds"]
        assert called["calls"] == 50 and 0 < called["min"] <= called["median"] <= called["max"]

    def test_the_functions_own_error(self) -> None:
        assert "ValueError: oops" in hostctl("call", plugin("values"), "raise_value_error", "oops", code=PLUGIN_ERROR)

    def test_a_crash_is_a_page(self) -> None:
        page = hostctl("call", plugin("faulty"), "segfault", code=HOST_ERROR)
        assert "WorkerCrashed" in page and "SIGSEGV" in page and "faulty::Segfault() at " in page
        shown = asked("call", plugin("faulty"), "segfault", code=HOST_ERROR)
        assert shown["error"]["kind"] == "WorkerCrashed" and shown["report"]["signal"] == 11

    def test_a_deadline(self) -> None:
        assert "DeadlineExceeded" in hostctl("call", plugin("faulty"), "hang", "--deadline", "0.5", code=HOST_ERROR)

    def test_a_policy(self, tmp_path: Path) -> None:
        policy = tmp_path / "policy.toml"
        policy.write_text("cpu_seconds = 1\n")
        assert "SIG" in hostctl("call", plugin("faulty"), "spin", "--policy", str(policy), code=HOST_ERROR)

    @pytest.mark.parametrize(
        "arguments",
        [
            ["no_such_function"],
            ["echo", "@/no/such.npy"],
            ["echo", "zeros:thing[2]"],
            ["echo", "zeros:float32[2"],
            ["echo", "zeros:float32[-1]"],
            ["echo", "1", "--out", "7=x.npy"],
            ["echo", "1", "--out", "result"],
            ["echo", "1", "--repeat", "0"],
            ["echo", "zeros:float32[4611686018427387904]"],
            ["echo", "zeros:float32[4611686018427387904,4611686018427387904]"],
            ["echo", "1", "--deadline", "-1"],
        ],
        ids=str,
    )
    def test_bad_command_lines(self, arguments: list[str]) -> None:
        hostctl("call", plugin("values"), *arguments, code=BAD_USAGE)

    @pytest.mark.parametrize("first", [True, False], ids=["options first", "options last"])
    def test_options_with_several_values_leave_the_others_alone(self, first: bool, tmp_path: Path) -> None:
        options = ["--require", "process", "--out", f"result={tmp_path}/out.npy"]
        words = [plugin("values"), "echo", "ones:float32[2]"]
        called = asked("call", *(options + words if first else words + options))
        assert called["result"]["elements"] == [1, 1]
        assert (np.load(tmp_path / "out.npy") == np.ones(2, "float32")).all()

    def test_each_option_with_several_values_can_be_given_again(self, tmp_path: Path) -> None:
        outs = ["--out", f"0={tmp_path}/0.npy", "--out", f"result={tmp_path}/1.npy"]
        asked("call", *outs, "--require", "process", "--require=process,process", plugin("values"), "echo", "ones:float32[2]")
        assert (tmp_path / "0.npy").exists() and (tmp_path / "1.npy").exists()

    @pytest.mark.parametrize("command", [["load"], ["call", "echo", "1"]], ids=lambda command: command[0])
    def test_the_exit_status_says_whose_fault_it_was(self, command: list[str], tmp_path: Path) -> None:
        run = [command[0], plugin("values"), *command[1:]]
        hostctl(*run, "--socket", str(tmp_path / "none.sock"), code=NO_DAEMON)
        environment = {**os.environ, "TVMFFI_HOSTD": str(tmp_path / "tvmffi-hostd")}
        hostctl(*run, code=NO_DAEMON, env=environment)
        policy = tmp_path / "policy.toml"
        assert "policy.toml" in hostctl(*run, "--policy", str(policy), code=FAILED)
        policy.write_text("memroy = 1\n")
        assert "policy.toml:1" in hostctl(*run, "--policy", str(policy), code=BAD_USAGE)
        run[1] = plugin("faulty_init_throw")
        hostctl(*run, code=HOST_ERROR)

    def test_an_output_that_cannot_be_written_is_no_error_of_the_plugin(self, tmp_path: Path) -> None:
        out = f"result={tmp_path}/none/out.npy"
        assert "cannot write" in hostctl("call", plugin("values"), "echo", "ones:float32[2]", "--out", out, code=FAILED)
        assert "no tensor" in hostctl("call", plugin("values"), "echo", "1", "--out", out, code=FAILED)

    def test_files_that_are_no_npy(self, tmp_path: Path) -> None:
        good = tmp_path / "good.npy"
        np.save(good, np.ones(3))
        image = good.read_bytes()
        np.save(tmp_path / "object.npy", np.array([{}]), allow_pickle=True)
        np.save(tmp_path / "fortran.npy", np.asfortranarray(np.ones((2, 2))))
        (tmp_path / "cut.npy").write_bytes(image[:-1])
        (tmp_path / "short.npy").write_bytes(image[:9])
        (tmp_path / "huge.npy").write_bytes(image.replace(b"(3,)", b"(99999999999999999999,)"))
        for name in ("object", "fortran", "cut", "short", "huge"):
            assert "no .npy file" in hostctl("call", plugin("values"), "echo", f"@{tmp_path}/{name}.npy", code=BAD_USAGE)


class TestOthers:
    def test_b18_policy_show(self, tmp_path: Path) -> None:
        assert "network = false" in hostctl("policy", "show")
        policy = tmp_path / "policy.toml"
        policy.write_text('memory = "1 GiB"\ncpus = 1.5\nlibraries = ["libc.so.6"]\n')
        shown = asked("policy", "show", str(policy))
        assert (shown["memory"], shown["cpus"], shown["processes"], shown["network"]) == (1 << 30, 1.5, None, False)
        assert shown["libraries"] == ["libc.so.6"] and asked("policy", "show")["libraries"] is None
        again = tmp_path / "again.toml"
        again.write_text(hostctl("policy", "show", str(policy)))
        assert asked("policy", "show", str(again)) == shown
        policy.write_text("memroy = 1\n")
        assert "policy.toml:1" in hostctl("policy", "show", str(policy), code=BAD_USAGE)

    def test_b14_doctor_names_every_layer(self) -> None:
        checks = {check["name"]: check for check in asked("doctor")}
        layers = {name[6:] for name in checks if name.startswith("layer ")}
        assert {"process", "userns", "pidns", "landlock", "seccomp", "cgroup-memory", "uid"} <= layers
        assert checks["tvmffi-worker"]["present"]
        assert not [name for name, check in checks.items() if check["required"]]
        for check in checks.values():
            assert check["present"] or check["detail"]
        table = hostctl("doctor")
        assert "layer seccomp" in table

    def test_b14_doctor_says_what_to_do_about_every_missing_layer(self, tmp_path: Path) -> None:
        """Of a daemon that is process 1, which cannot end orphans, and is told to go without the others."""
        enter = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork"]
        if subprocess.run([*enter, "true"], capture_output=True).returncode != 0:
            pytest.skip("no process 1 to be had")
        daemon = tmp_path / "tvmffi-hostd"
        daemon.write_text(f'#!/bin/sh\nexec {" ".join(enter)} "{BUILD}/bin/tvmffi-hostd" --without all "$@"\n')
        daemon.chmod(0o755)
        for name in ("tvmffi-worker", "tvmffi-symbolizer"):
            (tmp_path / name).symlink_to(BUILD / "bin" / name)
        checks = asked("doctor", env={**os.environ, "TVMFFI_HOSTD": str(daemon)})
        missing = {check["name"]: check["advice"] for check in checks if not check["present"]}
        assert "docker run --init" in missing["layer orphans"]
        # Whoever has no user of his own for workers is told by 'userns'.
        assert {name for name, advice in missing.items() if name.startswith("layer ") and not advice} <= {"layer uid"}

    def test_doctor_misses_what_is_not_there(self, tmp_path: Path) -> None:
        environment = {**os.environ, "TVMFFI_HOSTD": str(tmp_path / "tvmffi-hostd")}
        checks = {check["name"]: check for check in asked("doctor", code=FAILED, env=environment)}
        assert not checks["tvmffi-hostd"]["present"] and checks["tvmffi-hostd"]["required"]
        assert "install" in checks["tvmffi-hostd"]["advice"]

    def test_doctor_looks_at_the_file_that_was_named(self, tmp_path: Path) -> None:
        for name in ("tvmffi-worker", "tvmffi-symbolizer"):
            (tmp_path / name).symlink_to(BUILD / "bin" / name)
        shutil.copy(BUILD / "bin" / "tvmffi-hostd", tmp_path / "another-name")
        environment = {**os.environ, "TVMFFI_HOSTD": str(tmp_path / "another-name")}
        checks = {check["name"]: check for check in asked("doctor", env=environment)}
        assert checks["tvmffi-hostd"]["detail"] == str(tmp_path / "another-name")
        assert checks["layer process"]["present"]

    @pytest.mark.parametrize("answers", [False, True], ids=["silent", "stays"])
    def test_doctor_ends_a_daemon_that_does_not_end(self, answers: bool, tmp_path: Path) -> None:
        """It waits for the answer, and for its end, for a while each."""
        welcome = Path(__file__).resolve().parents[1] / "fuzz" / "corpus" / "control_frame" / "welcome"
        greet = f"tail -c +3 '{welcome}' >&20" if answers else ""
        program = tmp_path / "tvmffi-hostd"
        program.write_text(f"#!/bin/sh\necho $$ > '{tmp_path}/pid'\n{greet}\nexec sleep 600\n")
        program.chmod(0o755)
        environment = {**os.environ, "TVMFFI_HOSTD": str(program)}
        checks = {check["name"]: check for check in asked("doctor", code=FAILED, env=environment)}
        assert checks["daemon"]["required"]
        assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_completion(self, shell: str) -> None:
        script = hostctl("completion", shell)
        assert "inspect" in script and "json" in script

    def test_bash_completes(self) -> None:
        script = hostctl("completion", "bash")
        ask = 'COMP_WORDS=(tvmffi-hostctl in); COMP_CWORD=1; _tvmffi_hostctl; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["inspect"]
        ask = 'COMP_WORDS=(tvmffi-hostctl call x.so --re); COMP_CWORD=3; _tvmffi_hostctl; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, check=True)
        assert set(done.stdout.split()) == {"--record", "--repeat", "--require"}
        ask = 'COMP_WORDS=(tvmffi-hostctl policy ""); COMP_CWORD=2; _tvmffi_hostctl; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, check=True)
        assert {"show", "--json"} <= set(done.stdout.split())
        assert done.stdout.split().count("--help") == 1

    def test_completion_of_policies_and_its_files(self, tmp_path: Path) -> None:
        (tmp_path / "mine.toml").touch()
        script = hostctl("completion", "bash")
        ask = 'COMP_WORDS=(tvmffi-hostctl policy show mi); COMP_CWORD=3; _tvmffi_hostctl; echo "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script + ask], capture_output=True, text=True, check=True, cwd=tmp_path)
        assert done.stdout.split() == ["mine.toml"]

    def test_every_command_has_help(self) -> None:
        for command in ("ps", "top", "last", "logs", "stats", "kill", "inspect", "load", "call", "doctor", "completion"):
            assert "--help" in hostctl(command, "--help")
        hostctl(code=BAD_USAGE)
        hostctl("no-such-command", code=BAD_USAGE)
        hostctl("kill", "0", code=BAD_USAGE)
