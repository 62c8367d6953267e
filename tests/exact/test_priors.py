"""Every prior from the model to the report and from the store again, against float64 sums.

The truth is computed here from torch.distributions and the posteriors' parameters alone.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    Independent,
    Laplace,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    Poisson,
    StudentT,
    kl_divergence,
)

import genprobe
from genprobe import Model, NamedPrior, autoregressive_prior, evaluate, open_store, vamp_prior
from genprobe.analysis.report import report_from_store
from genprobe.analysis.rounding import rounded
from genprobe.cli import main
from genprobe.estimators.standard_error import interval_factor

N, K = 200, 3
ROWS = torch.arange(N, dtype=torch.float64)[:, None]
CHANCE = torch.Generator().manual_seed(0)
LOC = torch.randn(N, K, generator=CHANCE, dtype=torch.float64)
SCALE = 0.2 + torch.rand(N, K, generator=CHANCE, dtype=torch.float64)
POSITIVE = SCALE + 0.5
LOGITS = torch.randn(N, 2, 2, 3, generator=CHANCE, dtype=torch.float64)
CODES = torch.randint(3, (N, 2, 2), generator=CHANCE)
ONE_HOT = -1e4 * (1 - nn.functional.one_hot(CODES, 3).double())
DRAWS = 40
MIXTURE = {
    "probs": torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64),
    "loc": LOC[:3],
    "scale": 2 * SCALE[:3],
}
FACTOR = torch.eye(K).double() + 0.3 * torch.ones(K, K).double().tril()


def model(posterior, params, prior):
    """A model whose encoder looks its answer up by the example's number."""

    def encode(x):
        return {name: values[x[:, 0].long()] for name, values in params.items()}

    return Model(name="looked-up", encode=encode, posterior=posterior, prior=prior)


NORMAL = {"loc": LOC, "scale": SCALE}
MIX = MixtureSameFamily(
    Categorical(MIXTURE["probs"]), Independent(Normal(MIXTURE["loc"], MIXTURE["scale"]), 1)
)
CHAIN = torch.randn(4, 12, 3, generator=CHANCE)
TAIL = Independent(StudentT(torch.full((K,), 4.0).double()), 1)
PSEUDO = torch.tensor([[3.0], [50.0], [120.0]], dtype=torch.float64)
VAMP = MixtureSameFamily(
    Categorical(MIXTURE["probs"]), Independent(Normal(LOC[[3, 50, 120]], SCALE[[3, 50, 120]]), 1)
)


class Chain(nn.Module):
    """Logits at a position are looked up by the sum of what came before it."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(CHAIN)

    def forward(self, z):
        flat = z.flatten(1)
        before = flat.cumsum(1) - flat
        return self.table[torch.arange(4), before].view(*z.shape, 3)


def encode_normal(x):
    return {name: values[x[:, 0].long()] for name, values in NORMAL.items()}


def of(name, **params):
    return NamedPrior(name=name, params=params)


def diagonal(distribution, *tensors):
    return Independent(distribution(*tensors), 1)


COUNTS = {"concentration": POSITIVE, "rate": 2 * POSITIVE.flip(0)}
SHARES = {"concentration1": POSITIVE, "concentration0": POSITIVE.flip(0)}
ONES = torch.ones(K, dtype=torch.float64)
OWN = torch.randn(2, 2, 3, generator=CHANCE, dtype=torch.float64)
BITS = LOGITS[..., 0].flatten(1)

ANALYTIC = {
    "standard-normal": (
        "diagonal-normal",
        NORMAL,
        "standard-normal",
        diagonal(Normal, 0 * ONES, ONES),
    ),
    "diagonal-normal": (
        "diagonal-normal",
        NORMAL,
        of("diagonal-normal", loc=LOC[0], scale=SCALE[0]),
        diagonal(Normal, LOC[0], SCALE[0]),
    ),
    "laplace": (
        "laplace",
        NORMAL,
        of("laplace", loc=LOC[0], scale=ONES),
        diagonal(Laplace, LOC[0], ONES),
    ),
    "laplace of normals": (
        "laplace",
        NORMAL,
        "standard-normal",
        diagonal(Normal, 0 * ONES, ONES),
    ),
    "gamma": (
        "gamma",
        COUNTS,
        of("gamma", concentration=ONES, rate=2 * ONES),
        diagonal(Gamma, ONES, 2 * ONES),
    ),
    "beta": (
        "beta",
        SHARES,
        of("beta", concentration1=ONES, concentration0=2 * ONES),
        diagonal(Beta, ONES, 2 * ONES),
    ),
    "poisson": (
        "poisson",
        {"rate": POSITIVE},
        of("poisson", rate=2 * ONES),
        diagonal(Poisson, 2 * ONES),
    ),
    "bernoulli": (
        "bernoulli",
        {"logits": BITS},
        of("bernoulli", logits=torch.zeros(())),
        Independent(Bernoulli(torch.full((N, 4), 0.5).double()), 1),
    ),
    "categorical": (
        "categorical",
        {"logits": LOGITS},
        of("categorical", logits=OWN),
        Independent(Categorical(logits=OWN), 2),
    ),
    "uniform-categorical": (
        "categorical",
        {"logits": ONE_HOT},
        "uniform-categorical",
        Independent(Categorical(logits=0 * OWN), 2),
    ),
    "distribution": (
        "diagonal-normal",
        NORMAL,
        Independent(Normal(LOC[0].float(), SCALE[0].float()), 1),
        diagonal(Normal, LOC[0].float().double(), SCALE[0].float().double()),
    ),
}
"""Family, its parameters, the prior as a model gives it, and the same as torch knows it."""

ENTRIES = {
    "diagonal-normal": lambda p: Independent(Normal(p["loc"], p["scale"]), 1),
    "laplace": lambda p: Independent(Laplace(p["loc"], p["scale"]), 1),
    "gamma": lambda p: Independent(Gamma(**p), 1),
    "beta": lambda p: Independent(Beta(**p), 1),
    "poisson": lambda p: Independent(Poisson(**p), 1),
    "bernoulli": lambda p: Independent(Bernoulli(**p), 1),
    "categorical": lambda p: Independent(Categorical(**p), 2),
}


def reports(family, params, prior, path, draws=1):
    """The report of an evaluation, and the one made from its store alone."""
    made = evaluate(
        model(family, params, prior), ROWS, store=path, draws=draws, dtype="float64", device="cpu"
    )
    return made, report_from_store(open_store(path))


def same(first, second):
    assert first.estimates.keys() == second.estimates.keys()
    for name, estimate in first.estimates.items():
        assert second[name] == estimate, name
    assert [d.rate for d in first.dimensions] == [d.rate for d in second.dimensions]


@pytest.mark.parametrize("case", ANALYTIC)
def test_a_closed_form_is_exact_and_the_store_says_the_same(tmp_path, case):
    family, params, prior, p = ANALYTIC[case]
    made, again = reports(family, params, prior, tmp_path / "s.h5")
    kl = kl_divergence(ENTRIES[family](params), p)
    assert made["rate"].value == pytest.approx(kl.mean().item(), rel=1e-9)
    assert made["rate"].se == 0
    error = (kl.std() / N**0.5).item() * interval_factor(kl)
    assert made["rate"].se_data == pytest.approx(error, rel=1e-9)
    assert "monte-carlo-rate" not in {w.code for w in made.warnings}
    same(made, again)


def test_a_full_normal_is_exact(tmp_path):
    prior = of("full-normal", loc=LOC[0], scale_tril=FACTOR)
    made, again = reports("diagonal-normal", NORMAL, prior, tmp_path / "s.h5")
    q = MultivariateNormal(LOC, torch.diag_embed(SCALE.square()))
    kl = kl_divergence(q, MultivariateNormal(LOC[0], scale_tril=FACTOR))
    assert made["rate"].value == pytest.approx(kl.mean().item(), rel=1e-9)
    assert made["rate"].se == 0
    same(made, again)


def test_a_one_hot_code_under_a_uniform_prior_costs_positions_times_log_classes(tmp_path):
    made, _ = reports("categorical", {"logits": ONE_HOT}, "uniform-categorical", tmp_path / "s.h5")
    assert made["rate"].value == pytest.approx(4 * math.log(3), rel=1e-12)


def test_unit_vectors_under_the_uniform_prior(tmp_path):
    loc = nn.functional.normalize(LOC, dim=1)
    params = {"loc": loc, "concentration": 5 + 10 * SCALE[:, 0]}
    made, again = reports("von-mises-fisher", params, "uniform-sphere", tmp_path / "s.h5")
    kappa = params["concentration"]
    # On the sphere of R³: log κ/sinh κ + κ coth κ − 1, the uniform density being 1/4π.
    kl = (kappa / kappa.sinh()).log() + kappa / kappa.tanh() - 1
    assert made["rate"].value == pytest.approx(kl.mean().item(), rel=1e-9)
    assert made["rate"].se == 0
    same(made, again)


MONTE_CARLO = {
    "normal-mixture": (of("normal-mixture", **MIXTURE), MIX, True),
    "mixture as a distribution": (MIX, MIX, True),
    "vamp": (
        lambda: vamp_prior(encode_normal, PSEUDO, "diagonal-normal", MIXTURE["probs"]),
        VAMP,
        True,
    ),
    "student": (TAIL, TAIL, False),
    "student of a module": (genprobe.prior_from_module(lambda: TAIL, "tail"), TAIL, False),
}
"""The prior as a model gives it, as torch knows it, and whether its tensors rebuild it."""


def expected_cross_entropy(p):
    """−E log p(z) of each posterior, by Gauss-Hermite quadrature over the three values of z."""
    nodes, weights = (torch.from_numpy(a) for a in np.polynomial.hermite_e.hermegauss(16))
    z = LOC + SCALE * torch.cartesian_prod(nodes, nodes, nodes)[:, None]
    share = torch.cartesian_prod(*[weights / weights.sum()] * 3).prod(1)
    return -share @ p.log_prob(z)


@pytest.mark.parametrize("case", MONTE_CARLO)
def test_no_closed_form_is_a_mean_over_draws_with_an_honest_error(tmp_path, case):
    prior, p, rebuilt = MONTE_CARLO[case]
    made, again = reports("diagonal-normal", NORMAL, prior, tmp_path / "s.h5", DRAWS)
    truth = (expected_cross_entropy(p) - Independent(Normal(LOC, SCALE), 1).entropy()).mean().item()
    rate = made["rate"]
    assert 0 < rate.se < 0.05
    assert abs(rate.value - truth) < 4 * rate.se
    assert "monte-carlo-rate" in {w.code for w in made.warnings}
    assert {k: v for k, v in made.estimates.items() if k in again.estimates} == again.estimates
    assert (made.estimates.keys() == again.estimates.keys()) or not rebuilt
    store = open_store(tmp_path / "s.h5")
    z = torch.stack([store.gather("draws/z", d, torch.arange(N)) for d in range(DRAWS)])
    torch.testing.assert_close(store.column("draws/log_pz"), p.log_prob(z))


@pytest.mark.parametrize("logits", [LOGITS, ONE_HOT], ids=["soft", "one-hot"])
def test_an_autoregressive_prior_of_a_module(tmp_path, logits):
    chain = Chain()
    prior = autoregressive_prior(chain, (2, 2), 3)
    made, again = reports("categorical", {"logits": logits}, prior, tmp_path / "s.h5", DRAWS)
    rows = torch.tensor(list(itertools.product(range(3), repeat=4)))
    log_p = torch.zeros(81, dtype=torch.float64)
    for t in range(4):
        before = rows[:, :t].sum(1)
        log_p += CHAIN[t].double().log_softmax(-1)[before, rows[:, t]]
    log_q = Independent(Categorical(logits=logits), 2).log_prob(rows.view(-1, 1, 2, 2))
    kl = (log_q.exp() * (log_q - log_p[:, None])).sum(0).mean().item()
    assert abs(made["rate"].value - kl) < 4 * made["rate"].se + 1e-9
    assert {k: v for k, v in made.estimates.items() if k in again.estimates} == again.estimates
    assert again.provenance["prior"] == "autoregressive-categorical"


@pytest.mark.parametrize(
    ("prior", "family", "params", "other"),
    [
        (TAIL, "diagonal-normal", NORMAL, "standard-normal"),
        (
            lambda: autoregressive_prior(Chain(), (2, 2), 3),
            "categorical",
            {"logits": ONE_HOT},
            "uniform-categorical",
        ),
    ],
    ids=["student", "autoregressive"],
)
def test_what_no_store_can_rebuild_is_shown_and_can_be_replaced(
    tmp_path, prior, family, params, other
):
    path = tmp_path / "s.h5"
    first = reports(family, params, prior, path)[0]
    shown = CliRunner().invoke(main, ["show", str(path), "--details"])
    assert shown.exit_code == 0, shown.output
    assert written(first["rate"]) in shown.output
    replaced = CliRunner().invoke(main, ["show", str(path), "--details", "--prior", other])
    assert replaced.exit_code == 0, replaced.output
    direct = evaluate(model(family, params, other), ROWS, dtype="float64", device="cpu")
    assert written(direct["rate"]) in replaced.output


def written(estimate):
    """An estimate as the tables have it: rounded to the larger of its errors."""
    return rounded(estimate.value, max(estimate.se or 0.0, estimate.se_data or 0.0))
    swapped = evaluate(
        model(family, params, prior), ROWS, store=path, dtype="float64", device="cpu", prior=other
    )
    assert swapped["rate"].value == direct["rate"].value
    assert swapped["mutual_information"].value == direct["mutual_information"].value


def test_a_store_of_another_mixture_is_not_taken_for_this_ones(tmp_path):
    path = tmp_path / "s.h5"
    reports("diagonal-normal", NORMAL, of("normal-mixture", **MIXTURE), path)
    other = of("normal-mixture", **(MIXTURE | {"loc": LOC[5:8]}))
    with pytest.raises(genprobe.GenprobeError, match="another model"):
        reports("diagonal-normal", NORMAL, other, path)


def test_the_tensors_of_one_prior_are_not_given_to_another(tmp_path):
    path = tmp_path / "s.h5"
    reports("diagonal-normal", NORMAL, of("normal-mixture", **MIXTURE), path)
    with pytest.raises(genprobe.GenprobeError, match="diagonal-normal needs loc and scale"):
        report_from_store(open_store(path), prior="diagonal-normal")
