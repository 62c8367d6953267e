import math

import pytest
import torch

import genprobe
from genprobe.aggregate.counted import counted_queries
from genprobe.aggregate.distinct import DistinctExamples
from genprobe.aggregate.queries import draw_queries
from genprobe.errors import UnavailableError
from genprobe.families.codes import codes
from genprobe.families.diagonal_normal import diagonal_normal

N = 60
INDEX = torch.randint(3, (N, 2), generator=torch.Generator().manual_seed(0))
INDEX[40:] = INDEX[20:40]
COPIES = DistinctExamples.of(torch.arange(N) - 20 * (torch.arange(N) >= 40))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("codes") / "s.h5"
    genprobe.evaluate_posteriors({"index": INDEX, "classes": 3}, store=path, estimators={})
    return genprobe.open_store(path)


@pytest.mark.parametrize("distinct", [None, COPIES], ids=["all differ", "copies"])
def test_counting_gives_what_the_pass_over_all_pairs_gives(store, distinct):
    counted = counted_queries(store, codes, distinct)
    drawn = draw_queries(store, codes, lambda queries: 1.0, tolerance=1e-9, distinct=distinct)
    order = drawn.index.argsort()
    assert torch.equal(drawn.index[order], counted.index)
    for name in ("z", "log_qz_x", "log_qz", "log_qz_loo", "largest_share", "index_entropy"):
        truth = getattr(drawn, name)[:1, order]
        torch.testing.assert_close(
            getattr(counted, name)[:1], truth, msg=name, rtol=1e-6, atol=1e-6
        )


def test_no_error_is_left(store):
    queries = counted_queries(store, codes)
    assert queries.log_qz.shape == (2, N)
    assert torch.equal(queries.log_qz[0], queries.log_qz[1])
    _, count = INDEX.unique(dim=0, return_counts=True)
    share = count.double() / N
    assert float(-queries.log_qz[0].mean()) == pytest.approx(float(-(share * share.log()).sum()))


def test_alone_nothing_is_left_without_the_example(tmp_path):
    one = {"index": torch.tensor([[1, 2]]), "classes": 3}
    genprobe.evaluate_posteriors(one, store=tmp_path / "s.h5", estimators={})
    queries = counted_queries(genprobe.open_store(tmp_path / "s.h5"), codes)
    assert queries.log_qz.tolist() == [[0.0], [0.0]]
    assert queries.log_qz_loo[0, 0] == -math.inf


def test_other_codes_are_not_counted(store):
    with pytest.raises(UnavailableError, match="not certain"):
        counted_queries(store, diagonal_normal)
