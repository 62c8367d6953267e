import threading

import pytest
import torch

from genprobe.aggregate.blocks import in_memory, read_ahead, size_of, stretches, take


def test_blocks_in_memory_hold_every_component_once_and_in_order():
    params = {"loc": torch.arange(12.0), "scale": torch.ones(12)}
    parts = list(in_memory(params)(5))
    assert [start for start, _ in parts] == [0, 5, 10]
    assert torch.cat([p["loc"] for _, p in parts]).tolist() == list(range(12))
    assert [size_of(p) for _, p in parts] == [5, 5, 2]


def test_each_call_starts_over():
    blocks = in_memory({"loc": torch.arange(3.0)})
    assert [len(list(blocks(2))) for _ in range(2)] == [2, 2]


def test_reading_ahead_changes_nothing():
    params = {"loc": torch.arange(12.0)}
    found = list(read_ahead(in_memory(params)(5)))
    assert [start for start, _ in found] == [0, 5, 10]
    assert torch.cat([p["loc"] for _, p in found]).tolist() == list(range(12))
    assert list(read_ahead([])) == []


def test_the_next_stretch_is_read_while_one_is_worked_on():
    read = [threading.Event() for _ in range(3)]

    def parts():
        for i, event in enumerate(read):
            event.set()
            yield i, {"loc": torch.zeros(1)}

    stream = read_ahead(parts())
    next(stream)
    assert read[1].wait(10)
    stream.close()


def test_what_goes_wrong_in_reading_is_raised_where_it_is_used():
    def parts():
        yield 0, {"loc": torch.zeros(1)}
        raise OSError("gone")

    stream = read_ahead(parts())
    next(stream)
    with pytest.raises(OSError, match="gone"):
        next(stream)


def test_stretches_cover_a_range():
    assert [(s.start, s.stop) for s in stretches(10, 4)] == [(0, 4), (4, 8), (8, 10)]
    assert [(s.start, s.stop) for s in stretches(10, 4, 7)] == [(7, 10)]
    assert list(stretches(0, 4)) == []


def test_taking_all_in_order_copies_nothing():
    params = {"loc": torch.randn(4, 2)}
    assert take(params, torch.arange(4)) is params
    assert torch.equal(take(params, torch.tensor([2, 0]))["loc"], params["loc"][[2, 0]])
    assert torch.equal(take(params, torch.tensor([1, 0, 3, 2]))["loc"], params["loc"][[1, 0, 3, 2]])
