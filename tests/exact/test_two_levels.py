"""A linear-Gaussian hierarchy of two levels: every number against its closed form."""

from functools import partial

import pytest
import torch

import genprobe
from genprobe.encoding.calls import bind
from genprobe.encoding.chain import walked
from genprobe.encoding.encode import log_likelihood
from genprobe.encoding.resolve import prepare
from genprobe.estimators.distortion import distortion
from genprobe.estimators.elbo import elbo
from genprobe.estimators.rate import rate
from genprobe.estimators.slope import slope
from genprobe.estimators.standard_error import mean_over_examples
from genprobe.loaders.open import open_dataset
from genprobe.probes.chain_slopes import chain_distortion_slope, chain_rate_slope
from genprobe.probes.level_distortion import level_distortion
from genprobe.runtime.seeds import seeded
from genprobe.self_check.two_levels import (
    moment_of,
    two_level_numbers,
    two_level_truths,
    two_levels,
)

N = 300
SEEDS = 60
FIGURES = ("z1", "z2", "distortion_0", "distortion_1", "rate", "distortion", "elbo", "slope")


def found_in(report):
    points = report.progressive.points
    return {
        "z1": report.levels[0]["rate"],
        "z2": report.levels[1]["rate"],
        "distortion_0": points[0].distortion,
        "distortion_1": points[1].distortion,
        **report.estimates,
    }


def truths_of(make):
    numbers = two_level_numbers(moment_of(make))
    return {**numbers, **{name: truth.value for name, truth in two_level_truths(make).items()}}


@pytest.fixture(scope="module")
def make():
    return partial(two_levels, n=N)


@pytest.fixture(scope="module")
def report(make):
    subject = make(0)
    return genprobe.evaluate(subject.model, subject.data, draws=4)


def test_every_level_and_every_sum_is_the_closed_form(report, make):
    truths, found = truths_of(make), found_in(report)
    for name in FIGURES:
        error = max(found[name].se, 1e-6 * abs(truths[name]))
        assert abs(found[name].value - truths[name]) <= 4 * error, name


def test_the_numbers_are_those_of_torchs_divergences_by_brute_force(make):
    x = make(0).data.double()
    walk = make(0).model.chain(x)
    torch.manual_seed(0)
    rates = []
    normal = torch.distributions.Normal
    q, p = next(walk)
    for _ in range(2):
        loc = q["loc"].expand(400, *q["loc"].shape) if q["loc"].dim() == 2 else q["loc"]
        q_z = normal(loc, q["scale"].double())
        rates.append(torch.distributions.kl_divergence(q_z, normal(p["loc"], p["scale"])).sum(-1))
        try:
            q, p = walk.send(q_z.sample())
        except StopIteration:
            break
    numbers = two_level_numbers(moment_of(make))
    for name, values in zip(("z1", "z2"), rates, strict=True):
        error = values.mean(-1).std() / 20
        assert abs(float(values.mean()) - numbers[name]) <= 4 * float(error) + 1e-6


def test_the_levels_add_up_to_the_rate(report):
    total = sum(level["rate"].value for level in report.levels)
    assert total == pytest.approx(report["rate"].value, abs=1e-9)
    last = report.progressive.points[-1]
    assert last.rate.value == pytest.approx(report["rate"].value, abs=1e-12)
    assert last.distortion.value == report["distortion"].value


def test_the_first_level_is_what_it_is_as_a_model_of_its_own(report, make):
    from genprobe.self_check.two_levels import parts

    own = parts()
    alone = genprobe.Model(
        name="first level",
        encode=lambda x: {"loc": x @ own["A1"].T.to(x), "scale": own["s1"].to(x)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    first = genprobe.evaluate(alone, make(0).data, draws=4)
    assert report.levels[0]["rate"].value == pytest.approx(first["rate"].value, rel=1e-6)
    for name in ("mutual_information", "marginal_kl", "rate_fitted_prior", "total_correlation"):
        error = 4 * max(first[name].se, report[name].se)
        assert report[name].value == pytest.approx(first[name].value, abs=error)


def figures_of(calls, x, seed):
    """The estimates of a run with this seed, without its store."""
    rows = torch.arange(len(x))
    walks = walked(calls, x, 0, 3, seed)
    rates = torch.stack([walk.rate for walk in walks])
    z = torch.stack([walk.z for walk in walks])
    distortions = -log_likelihood(calls, x, z, 0)
    with seeded(seed):
        guessed = level_distortion(calls, x, z, rows)
        slopes = [answer(calls, x, rows) for answer in (chain_rate_slope, chain_distortion_slope)]
    return {
        "z2": mean_over_examples("z2", rates[:, :, 1]),
        "distortion_0": mean_over_examples("distortion_0", guessed[:, 0]),
        "distortion_1": mean_over_examples("distortion_1", guessed[:, 1]),
        "rate": rate(rates.sum(2), rate_analytic=False),
        "distortion": distortion(distortions),
        "elbo": elbo(rates.sum(2), distortions),
        "slope": slope(rates.sum(2), *slopes, n=len(x)),
    }


def exact_chain(noise=0.3, width=0.5):
    """z₁ ~ N(0, 1), z₂ ~ N(z₁, width²), x ~ N(z₁ + z₂, noise²), and its exact posterior."""
    joint = torch.tensor([[1.0, 1.0, 2.0], [1.0, 1 + width**2, 2 + width**2], [2.0, 0, 0]]).double()
    joint[2] = torch.tensor([2.0, 2 + width**2, 4 + width**2 + noise**2])
    variance = float(joint[2, 2])
    gain = float(joint[0, 2]) / variance
    given, pull = joint[[0, 2]][:, [0, 2]], joint[1, [0, 2]]
    weights = torch.linalg.solve(given, pull)
    left = float(joint[1, 1] - weights @ pull)

    def walk(x):
        q = {"loc": gain * x, "scale": (1 - gain * float(joint[0, 2])) ** 0.5}
        z = yield q, {"loc": torch.zeros(1), "scale": torch.ones(1)}
        q = {"loc": float(weights[0]) * z + float(weights[1]) * x, "scale": left**0.5}
        yield q, {"loc": z, "scale": width}

    model = genprobe.Model(
        name="exact",
        chain=walk,
        decode=lambda z: {"loc": z[0] + z[1], "scale": torch.tensor(noise)},
        posterior="diagonal-normal",
        likelihood="normal",
    )
    return model, torch.distributions.Normal(0.0, variance**0.5)


def test_where_posteriors_are_exact_every_weight_is_log_p_and_the_slope_is_one():
    model, p = exact_chain()
    x = p.sample((200, 1))
    report = genprobe.evaluate(model, x, draws=4, dtype="float64")
    truth = -float(p.log_prob(x).sum(1).mean())
    assert report["iwae_bound"].value == pytest.approx(truth, abs=1e-5)
    assert report["iwae_bound"].se == pytest.approx(0.0, abs=1e-5)
    assert abs(-report["elbo"].value - truth) <= 4 * report["elbo"].se
    assert abs(report["slope"].value - 1) <= 4 * report["slope"].se


@pytest.mark.seeds
def test_intervals_hold_the_truth_of_these_examples_and_of_their_population():
    n, options = 100, {"draws": 3, "seed": 0, "dtype": "float32", "device": torch.device("cpu")}
    first = two_levels(0, n=n)
    _, parts = prepare(first.model, open_dataset(first.data), **options)
    calls = bind(parts, device=options["device"], dtype=torch.float32, batch_size=n)
    truths = {"se_data": truths_of(None)}
    hits = {"se": dict.fromkeys(FIGURES[1:], 0), "se_data": dict.fromkeys(FIGURES[1:], 0)}
    for seed in range(SEEDS):
        make = partial(lambda _, data: data, data=two_levels(seed + 1, n=n))
        truths["se"] = truths_of(make)
        found = figures_of(calls, make(0).data, seed)
        for error, count in hits.items():
            for name in count:
                off = abs(found[name].value - truths[error][name])
                count[name] += off <= 1.96 * getattr(found[name], error)
    low = [(e, k, c) for e, count in hits.items() for k, c in count.items() if c < 0.83 * SEEDS]
    assert low == []
