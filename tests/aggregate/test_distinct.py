"""Examples that are equal, against a float64 sum over every pair with its copies left out."""

import math

import pytest
import torch
from torch.distributions import Independent, Laplace, MultivariateNormal, Normal

import genprobe
from genprobe.aggregate.blocks import width_of
from genprobe.aggregate.distinct import (
    DistinctExamples,
    distinct_blocks,
    distinct_examples,
    weighted,
)
from genprobe.aggregate.queries import draw_queries
from genprobe.families.bernoulli import bernoulli
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.families.full_normal import full_normal
from genprobe.families.laplace import laplace
from genprobe.store.read import Store

K = 40
GENERATOR = torch.Generator().manual_seed(3)
COUNTS = torch.randint(1, 6, (K,), generator=GENERATOR)
WHICH = torch.repeat_interleave(torch.arange(K), COUNTS)
WHICH = WHICH[torch.randperm(len(WHICH), generator=GENERATOR)]
LOC = torch.randn(K, 2, generator=GENERATOR)
SCALE = 0.2 + torch.rand(K, 2, generator=GENERATOR)
N = len(WHICH)


def covariance(scale):
    return torch.diag_embed(scale) @ torch.tensor([[1.0, 0.3], [0.0, 1.0]])


FAMILIES = {
    "diagonal-normal": ({"loc": LOC, "scale": SCALE}, lambda p: Normal(p["loc"], p["scale"])),
    "laplace": ({"loc": LOC, "scale": SCALE}, lambda p: Laplace(p["loc"], p["scale"])),
    "full-normal": (
        {"loc": LOC, "scale_tril": covariance(SCALE).mT.tril()},
        lambda p: MultivariateNormal(p["loc"], scale_tril=p["scale_tril"]),
    ),
}


@pytest.fixture
def store_of(tmp_path):
    def make(family, params):
        path = tmp_path / f"{family}.h5"
        genprobe.evaluate_posteriors(
            {k: v[WHICH] for k, v in params.items()},
            family=family,
            store=path,
            max_queries=2,
        )
        return genprobe.open_store(path)

    return make


def log_prob(distribution, z):
    found = distribution.log_prob(z)
    return found.sum(-1) if found.dim() == 3 else found


def test_distinct_examples_are_numbered_as_they_first_appear():
    found = DistinctExamples.of(torch.tensor([9, 4, 9, 1, 4, 9]))
    assert found.which.tolist() == [0, 1, 0, 2, 1, 0]
    assert found.first.tolist() == [0, 1, 3]
    assert found.count.tolist() == [3, 2, 1]
    assert found.copies.tolist() == [3, 2, 3, 1, 2, 3]
    shares = torch.tensor([3.0, 2, 1]) / 6
    assert found.entropy == pytest.approx(float(-(shares * shares.log()).sum()), rel=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_queries_leave_out_every_copy(store_of, name):
    params, build = FAMILIES[name]
    store = store_of(name, params)
    distinct = distinct_examples(store)
    assert len(distinct) == K
    family = {"diagonal-normal": diagonal_normal, "laplace": laplace, "full-normal": full_normal}
    found = draw_queries(
        store, family[name], lambda _: 1.0, tolerance=1e-9, max_queries=4 * N, distinct=distinct
    )
    every = {k: v[WHICH].double() for k, v in params.items()}
    pairs = log_prob(build(every), found.z.flatten(0, 1).double()[:, None])
    own = WHICH[found.index].repeat(len(found.z))
    same = own[:, None] == WHICH
    log_qz = pairs.logsumexp(1) - math.log(N)
    torch.testing.assert_close(found.log_qz.flatten(), log_qz, atol=2e-4, rtol=0)
    loo = pairs.masked_fill(same, -math.inf).logsumexp(1) - (N - same.sum(1)).log()
    torch.testing.assert_close(found.log_qz_loo.flatten(), loo, atol=2e-3, rtol=1e-5)
    groups = torch.zeros(len(pairs), K).double().index_add_(1, WHICH, pairs.softmax(1))
    entropy = torch.special.entr(groups).sum(1)
    torch.testing.assert_close(found.index_entropy.flatten(), entropy, atol=2e-3, rtol=0)
    torch.testing.assert_close(found.largest_share.flatten(), groups.amax(1), atol=2e-3, rtol=0)
    assert found.cap == pytest.approx(-float((COUNTS / N * (COUNTS / N).log()).sum()), rel=1e-6)


def test_only_stretches_with_an_example_seen_for_the_first_time_are_read(store_of, monkeypatch):
    store = store_of("diagonal-normal", {"loc": LOC, "scale": SCALE})
    distinct, rows_of = distinct_examples(store), store_rows(store)
    read, read_blocks = [], Store.blocks

    def watched(store, rows, start, stop):
        read.append(start)
        return read_blocks(store, rows, start, stop)

    def blocks(rows, start=0, stop=N):
        return distinct_blocks(store, distinct, rows, start, stop)

    monkeypatch.setattr(Store, "blocks", watched)
    found = {start: params["loc"] for start, params in blocks(1)}
    assert torch.equal(torch.cat([found[i] for i in range(K)]), rows_of[distinct.first])
    assert read == distinct.first.tolist()
    read.clear()
    last = int(distinct.first[-1])
    assert width_of(lambda rows: blocks(rows, last + 1)) == 0  # as of a rank that has copies only
    assert read == []


def store_rows(store):
    return torch.cat([params["loc"] for _, params in store.blocks()])


def test_examples_that_differ_have_no_copies(tmp_path):
    path = tmp_path / "s.h5"
    genprobe.evaluate_posteriors({"loc": LOC, "scale": SCALE}, store=path, max_queries=2)
    assert distinct_examples(genprobe.open_store(path)) is None


@pytest.mark.parametrize(
    ("family", "params", "z"),
    [
        (diagonal_normal, {"loc": LOC, "scale": SCALE}, torch.randn(5, 2)),
        (laplace, {"loc": LOC, "scale": SCALE}, torch.randn(5, 2)),
        (bernoulli, {"logits": LOC}, torch.tensor([[0.0, 1.0], [1.0, 1.0]])),
    ],
)
def test_a_weight_multiplies_every_form_of_the_density(family, params, z):
    log_weight = torch.linspace(-1, 2, K).double()
    double = {k: v.double() for k, v in params.items()}
    heavy, given = weighted(family), {**double, "log_weight": log_weight}
    wanted = family.distribution(double).log_prob(z[:, None].double()) + log_weight
    assert isinstance(heavy.distribution(given), Independent)
    torch.testing.assert_close(heavy.distribution(given).log_prob(z[:, None].double()), wanted)
    torch.testing.assert_close(
        heavy.distribution(given).variance, family.distribution(double).variance
    )
    if family.cross_log_prob is not None:
        torch.testing.assert_close(heavy.cross_log_prob(z.double(), given), wanted)
    if family.natural is not None:
        eta, log_partition = heavy.natural(given)
        statistics, log_base = family.sufficient(z.double())
        found = statistics @ eta.T - log_partition + log_base[:, None]
        torch.testing.assert_close(found, wanted)
    if family.translate is not None:
        shift = torch.ones(2).double()
        moved = heavy.distribution(heavy.translate(given, shift)).log_prob(z[:, None] - shift)
        torch.testing.assert_close(moved, wanted)
    if family.upper is not None:
        cells = {k: v.view(4, 10, *v.shape[1:]) for k, v in given.items()}
        bound = heavy.upper(cells)(z.double())
        assert (bound >= wanted.view(len(z), 4, 10).amax(2) - 1e-9).all()


def test_codes_of_one_number_an_example_are_told_apart(tmp_path):
    params = {"loc": LOC[:, 0][WHICH], "scale": SCALE[:, 0][WHICH]}
    genprobe.evaluate_posteriors(params, store=tmp_path / "s.h5", max_queries=2)
    assert len(distinct_examples(genprobe.open_store(tmp_path / "s.h5"))) == K
