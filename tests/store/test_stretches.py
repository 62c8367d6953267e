import pytest
import torch

from genprobe.errors import StoreError
from genprobe.store.read import open_store
from genprobe.store.stretches import stretches_begun, stretches_of
from genprobe.store.write import StoreWriter


@pytest.fixture
def begun(path, header, cut):
    """A store of three segments, of which the last two are written."""
    with StoreWriter(path, header) as writer:
        for segment in (1, 2):
            writer.write(segment, cut(segment), None)
        yield stretches_begun(writer, (1, 2))


def test_stretches_of_a_store_cover_it_in_order(path, write_store, columns):
    stretches = stretches_of(open_store(write_store(path)))
    assert [(s.start, s.stop) for s in stretches] == [(0, 4), (4, 8), (8, 10)]
    for name, axis in (("params/loc", 0), ("draws/z", 1)):
        found = torch.cat([s.rows(name, s.start, s.stop) for s in stretches], axis)
        assert torch.equal(found, columns[name])


def test_rows_of_segments_are_those_of_their_examples(begun, columns):
    first, last = begun
    assert torch.equal(first.rows("params/loc", 5, 7), columns["params/loc"][5:7])
    assert torch.equal(last.rows("draws/z", 9, 10), columns["draws/z"][:, 9:10])
    assert last.rows("identity/x", 8, 10) is None


def test_a_segment_that_was_damaged_meanwhile_is_told(begun):
    begun[0].path.write_bytes(b"torn")
    with pytest.raises(StoreError, match=r"00000001\.h5 is not a store"):
        begun[0].rows("params/loc", 4, 8)
