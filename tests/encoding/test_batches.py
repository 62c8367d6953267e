import pytest
import torch

from genprobe.encoding.batches import batches, gather, unequal_batches

CUTS = [(n, size) for n in (1, 2, 3, 4, 6, 7, 12) for size in (1, 2, 3, 4, 20)]


@pytest.mark.parametrize("cut", [batches, unequal_batches])
@pytest.mark.parametrize(("n", "size"), CUTS)
def test_batches_are_the_rows_in_order_and_none_too_large(cut, n, size):
    found = cut(n, size)
    assert torch.cat([torch.arange(n)[batch] for batch in found]).tolist() == list(range(n))
    assert all(0 < batch.stop - batch.start <= size for batch in found)


@pytest.mark.parametrize(("n", "size"), [cut for cut in CUTS if cut[1] > 1])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_only_what_counts_rows_is_put_together(n, size, width):
    rows, scale = torch.randn(n, width), torch.rand(width)
    cut = unequal_batches(n, size)
    found = gather([{"loc": rows[batch], "scale": scale, "df": scale[0]} for batch in cut], cut)
    assert torch.equal(found["loc"], rows)
    assert torch.equal(found["df"], scale[0])
    if len(cut) > 1:
        assert torch.equal(found["scale"], scale)


def test_no_rows_are_one_empty_batch():
    assert batches(0, 5) == unequal_batches(0, 5) == [slice(0, 0)]
