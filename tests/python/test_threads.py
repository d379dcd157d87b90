"""Sixteen threads at once: calls, callbacks, errors, and containers all of them change."""

from __future__ import annotations

import threading
from typing import Callable

import numpy as np
import pytest
import tvm_ffi

THREADS = 16
ROUNDS = 300


def run_in_threads(work: Callable[[int], object]) -> None:
    start = threading.Barrier(THREADS)
    errors: list[BaseException] = []

    def body(index: int) -> None:
        start.wait()
        try:
            work(index)
        except BaseException as error:  # noqa: BLE001 - the test reports it
            errors.append(error)

    threads = [threading.Thread(target=body, args=(index,)) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_calls_callbacks_and_errors_do_not_mix(mod, echo):
    def work(index: int) -> None:
        def check(value: int) -> int:
            if value % 7 == 0:
                raise IndexError(f"{index}:{value}")
            return value + index

        for value in range(1, ROUNDS):
            text = f"text number {value} of thread {index}"
            got = echo([text, {text: value}])
            assert got[0] == text and got[1][text] == value
            if value % 7 == 0:
                with pytest.raises(IndexError, match=f"^{index}:{value}$"):
                    mod.apply(check, value)
            else:
                assert mod.apply(check, value) == value + index

    run_in_threads(work)


def test_callbacks_arrive_on_foreign_threads_of_many_callers(mod):
    def work(index: int) -> None:
        for value in range(20):
            assert mod.apply_in_thread(lambda x: x * 2 + index, value) == value * 2 + index

    run_in_threads(work)


def test_a_list_all_threads_append_to_keeps_every_element():
    shared = tvm_ffi.List([])

    def work(index: int) -> None:
        for value in range(ROUNDS):
            shared.append(index * ROUNDS + value)
            assert len(shared) > 0
            assert shared[0] is not None

    run_in_threads(work)
    assert sorted(shared) == list(range(THREADS * ROUNDS))


def test_a_list_all_threads_push_to_and_pop_from_ends_as_it_began():
    shared = tvm_ffi.List(["first", "a text that lives on the heap"])

    def work(index: int) -> None:
        for value in range(ROUNDS):
            shared.append([index, value])
            shared.insert(0, f"a text of thread {index} on the heap")
            shared.pop()
            shared.pop(0)

    run_in_threads(work)
    assert len(shared) == 2


def test_a_dict_all_threads_change_keeps_every_key():
    shared = tvm_ffi.Dict({})

    def work(index: int) -> None:
        for value in range(ROUNDS):
            shared[f"key {index} {value}"] = [value]
            shared["contended"] = index
            if value % 2:
                del shared[f"key {index} {value}"]
            assert f"key {index} {value - value % 2}" in shared

    run_in_threads(work)
    assert len(shared) == THREADS * ROUNDS // 2 + 1


def test_one_object_is_wrapped_and_released_by_all_threads(mod, echo, point_index):
    before = mod.live_points()
    point = mod.make_point(1, 2.0)
    array = np.arange(6, dtype="float32")

    def work(_: int) -> None:
        for _ in range(ROUNDS):
            assert echo(point).same_as(point)
            assert mod.sum_float32(array) == 15
            mod.make_point(2, 3.0)

    run_in_threads(work)
    assert mod.use_count(point) == 1
    del point
    assert mod.live_points() == before


def test_classes_are_classified_by_many_threads_at_once(echo):
    def work(index: int) -> None:
        for value in range(ROUNDS // 10):
            cls = type(f"Local{index}_{value}", (), {"__tvm_ffi_int__": lambda self, value=value: value})
            assert echo(cls()) == value

    run_in_threads(work)
