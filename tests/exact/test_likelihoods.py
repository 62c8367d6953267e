"""A linear decoder under every likelihood: D is scipy's log-probability of the stored draws."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch

import genprobe
from genprobe.plugins import plugins

N, P, K, DRAWS = 400, 3, 5, 2
RANDOM = np.random.default_rng(0)
WEIGHT = torch.tensor([[0.5, -0.4, 0.1], [0.2, 0.3, -0.6]])
COUNTS = RANDOM.negative_binomial(2, 0.3, (N, P))
BYTES = RANDOM.integers(0, 256, (N, P))
REALS = RANDOM.standard_normal((N, P))
CLASSES = RANDOM.integers(0, K, (N, P))
CLASS_LOGITS = torch.linspace(-1, 1, K)
COMPONENTS = torch.tensor([-0.5, 0.4])


def log_sigmoid(a):
    return -np.logaddexp(0, -a)


def inflated(base, gate, x):
    base = base + log_sigmoid(-gate)
    return np.where(x == 0, np.logaddexp(log_sigmoid(gate), base), base)


def mixture(x, h):
    """Two logistic components, the same for all channels, with means h ± a constant."""
    y, total = x / 127.5 - 1, []
    for shift in COMPONENTS.numpy().astype(float):
        cdf = [scipy.stats.logistic.cdf(y + d / 255, h + shift, math.exp(-1)) for d in (1, -1)]
        cdf = np.where(x == 255, 1, cdf[0]) - np.where(x == 0, 0, cdf[1])
        total.append(np.log(cdf).sum(-1, keepdims=True))
    return np.logaddexp(*total) - math.log(2)


def normal_bins(x, h):
    """Mass of the bin of each byte under N(0.5 + h, 0.3²), the outer two open."""
    level = np.round(x * 255)
    edges = [(level + d / 2) / 255 - 0.5 - h for d in (-1, 1)]
    low, high = (edge / 0.3 for edge in edges)
    cdf = np.where(level == 255, 1, scipy.stats.norm.cdf(high))
    return np.log(cdf - np.where(level == 0, 0, scipy.stats.norm.cdf(low)))


def continuous(x, h):
    return h * x - np.log(np.expm1(h) / h)


def multinomial(x, h):
    p = scipy.special.softmax(h, -1)
    return scipy.stats.multinomial.logpmf(np.broadcast_to(x, h.shape), x.sum(-1), p)[..., None]


def chosen(x, h):
    logits = h[..., None] * CLASS_LOGITS.numpy()
    log_p = scipy.special.log_softmax(logits, -1)
    index = np.broadcast_to(x, h.shape)[..., None]
    return np.take_along_axis(log_p, index, -1)[..., 0]


def nbinom(x, h):
    return scipy.stats.nbinom.logpmf(x, 2, 2 / (2 + np.exp(h)))


CASES = {
    "bernoulli": (
        (REALS > 0) * 1.0,
        lambda h: {"logits": h},
        lambda x, h: log_sigmoid(np.where(x == 1, h, -h)),
    ),
    "continuous-bernoulli": (BYTES / 255, lambda h: {"logits": h}, continuous),
    "categorical": (CLASSES, lambda h: {"logits": h[..., None] * CLASS_LOGITS}, chosen),
    "categorical-pixels": (
        CLASSES / (K - 1),
        lambda h: {"logits": h[..., None] * CLASS_LOGITS},
        lambda x, h: chosen((x * (K - 1)).round().astype(int), h),
    ),
    "discretised-logistic-mixture": (
        BYTES.astype(np.uint8),
        lambda h: {
            "logits": torch.zeros(len(h), 2),
            "loc": h[..., None] + COMPONENTS,
            "log_scale": -torch.ones(*h.shape, 2),
        },
        mixture,
    ),
    "discretised-normal": (
        BYTES / 255,
        lambda h: {"loc": 0.5 + h, "scale": torch.tensor(0.3)},
        normal_bins,
    ),
    "normal": (
        REALS,
        lambda h: {"loc": h, "scale": torch.tensor(0.5)},
        lambda x, h: scipy.stats.norm.logpdf(x, h, 0.5),
    ),
    "laplace": (
        REALS,
        lambda h: {"loc": h, "scale": torch.tensor(0.5)},
        lambda x, h: scipy.stats.laplace.logpdf(x, h, 0.5),
    ),
    "student-t": (
        REALS,
        lambda h: {"loc": h, "scale": torch.tensor(0.5), "df": torch.tensor(3.0)},
        lambda x, h: scipy.stats.t.logpdf(x, 3, h, 0.5),
    ),
    "poisson": (
        COUNTS,
        lambda h: {"rate": h.exp()},
        lambda x, h: scipy.stats.poisson.logpmf(x, np.exp(h)),
    ),
    "zero-inflated-poisson": (
        COUNTS,
        lambda h: {"rate": h.exp(), "gate_logits": h},
        lambda x, h: inflated(scipy.stats.poisson.logpmf(x, np.exp(h)), h, x),
    ),
    "negative-binomial": (COUNTS, lambda h: {"mu": h.exp(), "theta": torch.tensor(2.0)}, nbinom),
    "zero-inflated-negative-binomial": (
        COUNTS,
        lambda h: {"mu": h.exp(), "theta": torch.tensor(2.0), "gate_logits": h},
        lambda x, h: inflated(nbinom(x, h), h, x),
    ),
    "multinomial": (COUNTS, lambda h: {"logits": h}, multinomial),
}
"""Data, the decoder's parameters from h = z W, and log-probabilities by scipy in float64."""

BLIND = {
    "bernoulli",
    "continuous-bernoulli",
    "normal",
    "poisson",
    "zero-inflated-poisson",
    "multinomial",
}
"""Those whose best constant streamed statistics give."""


def model(name, parameters):
    return genprobe.Model(
        name=name,
        encode=lambda x: {"loc": x[:, :2] / 10, "scale": torch.full((len(x), 2), 0.5)},
        decode=lambda z: parameters(z @ WEIGHT),
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood=name,
    )


def test_every_likelihood_is_tried():
    built_in = {p.name for p in plugins().parts("likelihoods") if p.owner == "builtin"}
    # Its distortion is recomputed where its scale is explained: tests/likelihoods.
    assert built_in == CASES.keys() | {"normal-optimal-sigma"}


@pytest.mark.parametrize("name", CASES)
def test_the_distortion_is_that_of_the_stored_draws(name, tmp_path):
    x, parameters, log_prob = CASES[name]
    data = x if x.dtype == np.uint8 else x.astype(np.float32)
    path = tmp_path / "store.h5"
    report = genprobe.evaluate(
        model(name, parameters), data, draws=DRAWS, store=path, batch_size=64, max_queries=50
    )
    store = genprobe.open_store(path)
    z = torch.stack([store.gather("draws/z", draw, torch.arange(N)) for draw in range(DRAWS)])
    truth = -log_prob(x, (z.double() @ WEIGHT.double()).numpy()).sum(-1)
    found = store.column("probes/distortion").numpy()
    np.testing.assert_allclose(found, truth, rtol=2e-6, atol=2e-6)
    assert report["distortion"].value == pytest.approx(truth.mean(), rel=1e-6)
    assert {"slope", "iwae_bound", "elbo"} <= report.estimates.keys()
    assert ("blind_distortion" in report.estimates) == (name in BLIND)
    assert ("generative_mutual_information" in report.estimates) == (name != "multinomial")


@pytest.mark.parametrize("name", CASES)
def test_the_slope_follows_the_distortion(name, tmp_path):
    """dD/dε by the pathwise gradient is the difference of D between wider and narrower codes."""
    x, parameters, log_prob = CASES[name]
    data = x if x.dtype == np.uint8 else x.astype(np.float32)
    path = tmp_path / "store.h5"
    genprobe.evaluate(model(name, parameters), data, store=path, max_queries=50)
    slope = genprobe.open_store(path).column("subset/distortion_slope")
    encoded = torch.from_numpy(x / (2550 if data.dtype == np.uint8 else 10))[:, :2]
    noise = torch.randn(200, N, 2, dtype=torch.float64) / 2
    noise = torch.cat([noise, -noise])
    costs = [
        -log_prob(x, ((encoded + math.exp(e) * noise) @ WEIGHT.double()).numpy()).sum(-1)
        for e in (0.01, -0.01)
    ]
    truth = (costs[0] - costs[1]).mean(0) / 0.02
    error = math.hypot(slope.mean(0).std().item(), truth.std() / 20) / math.sqrt(N)
    assert abs(slope.mean().item() - truth.mean()) < 4 * error
