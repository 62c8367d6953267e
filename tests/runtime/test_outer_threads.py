import threading

import pytest
import torch

from genprobe.runtime import outer_threads as module
from genprobe.runtime.outer_threads import outer_threads, share_out


@pytest.fixture
def four(set_threads):
    """Four threads of torch, and as many CPUs."""
    set_threads(4)


def names_of(count):
    """The threads that did so many parts, each of which waits until all are at work."""
    gate = threading.Barrier(count, timeout=30)

    def work(_):
        gate.wait()
        return threading.current_thread().name, torch.get_num_threads()

    return share_out(work, range(count))


def test_every_thread_has_operations_of_its_own(four):
    with outer_threads() as count:
        assert count == 4
        found = names_of(4)
    assert len({name for name, _ in found}) == 4
    assert {threads for _, threads in found} == {1}
    assert torch.get_num_threads() == 4


def test_no_more_threads_than_cpus(four, monkeypatch):
    monkeypatch.setattr(module, "available_cpus", lambda: 2)
    with outer_threads() as count:
        assert count == 2
        assert torch.get_num_threads() == 1


def test_one_thread_of_torch_is_one_thread(monkeypatch):
    assert torch.get_num_threads() == 1  # as the tests are run
    with outer_threads() as count:
        assert count == 1
        found = share_out(lambda _: threading.current_thread(), range(3))
    assert {*found} == {threading.main_thread()}


def test_what_is_shared_out_shares_out_no_further(four):
    with outer_threads():
        inner = share_out(lambda _: share_out(lambda _: threading.get_ident(), range(8)), range(8))
    assert [len({*idents}) for idents in inner] == [1] * 8


def test_inside_itself_it_changes_nothing(four):
    with outer_threads(), outer_threads() as count:
        assert count == 4
        assert len({name for name, _ in names_of(4)}) == 4
    assert torch.get_num_threads() == 4


def test_results_come_in_the_order_of_the_parts(four):
    with outer_threads():
        assert share_out(lambda i: -i, range(100)) == [-i for i in range(100)]
        assert share_out(lambda i: i, []) == []


def test_the_first_error_is_raised_and_the_rest_left_out(four):
    begun = []

    def work(i):
        begun.append(i)
        raise ValueError(i)

    with pytest.raises(ValueError, match=r"^0$"), outer_threads():
        share_out(work, range(1000))
    assert len(begun) < 1000
    assert torch.get_num_threads() == 4


@pytest.mark.parametrize("kept", [True, False])
def test_gradients_are_kept_as_outside(four, kept):
    with torch.set_grad_enabled(kept), outer_threads():
        assert share_out(lambda _: torch.is_grad_enabled(), range(4)) == [kept] * 4
