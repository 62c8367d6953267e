import mpmath
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import logistic

from genprobe.errors import ModelError, SupportError
from genprobe.likelihoods.discretised_logistic_mixture import (
    DiscretisedLogisticMixture,
    discretised_logistic_mixture,
)
from genprobe.testing import LikelihoodTests
from genprobe.testing.measure import grid

LEVELS = torch.arange(256).float() / 255
BYTES = (torch.arange(2 * 3 * 2 * 2) * 91 % 256).reshape(2, 3, 2, 2)
BYTES[0, 0, 0, 0], BYTES[0, 1, 0, 0] = 0, 255
K = 4


def params(coefficients=False, own=False):
    generator = torch.Generator().manual_seed(3)

    def draw(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    found = {
        "logits": draw(2, 3, 2, 2, K) if own else draw(2, 2, 2, K),
        "loc": draw(2, 3, 2, 2, K) / 2,
        "log_scale": draw(2, 3, 2, 2, K) - 2,
    }
    return found | ({"coefficients": draw(2, 3, 2, 2, K).tanh()} if coefficients else {})


def mass(level, loc, scale):
    """Mass of a level's bin in [−1, 1] by scipy's distribution function, outer bins open."""
    y = 2 * level / 255 - 1
    above = 1.0 if level == 255 else logistic.cdf(y + 1 / 255, loc, scale)
    below = 0.0 if level == 0 else logistic.cdf(y - 1 / 255, loc, scale)
    return above - below


def truth(levels, logits, loc, log_scale, coefficients=None):
    """Sum over pixels of the log of a mixture over components of products over channels."""
    y, total = 2 * levels.double() / 255 - 1, 0.0
    for i, j in [(i, j) for i in range(2) for j in range(2)]:
        terms = []
        for k in range(K):
            m = loc[:, i, j, k].clone()
            if coefficients is not None:
                a, b, c = coefficients[:, i, j, k]
                m[1] += a * y[0, i, j]
                m[2] += b * y[0, i, j] + c * y[1, i, j]
            scale = log_scale[:, i, j, k].exp()
            each = [mass(levels[c, i, j].item(), m[c], scale[c]) for c in range(3)]
            terms.append(torch.tensor(each).log().sum() + logits[i, j, k])
        total += logsumexp(terms) - logsumexp(logits[i, j])
    return total


@pytest.mark.parametrize("coefficients", [False, True], ids=["plain", "with coefficients"])
def test_it_is_the_mixture_over_pixels_of_bins(coefficients, differentiable):
    given = params(coefficients)
    found = discretised_logistic_mixture.distribution(given).log_prob(BYTES / 255)
    each = [truth(BYTES[n], **{k: v[n] for k, v in given.items()}) for n in range(2)]
    torch.testing.assert_close(found, torch.tensor(each).double(), rtol=1e-6, atol=0)
    differentiable(discretised_logistic_mixture, given, BYTES / 255)


def test_a_mixture_for_every_value_is_a_product_of_mixtures():
    given = params(own=True)
    whole = discretised_logistic_mixture.distribution(given).log_prob(BYTES / 255)
    parts = 0.0
    for c in range(3):
        one = {k: v[:, c : c + 1] for k, v in given.items()}
        one["logits"] = one["logits"][:, 0]
        parts += discretised_logistic_mixture.distribution(one).log_prob(BYTES[:, c : c + 1] / 255)
    torch.testing.assert_close(whole, parts)


@pytest.mark.parametrize("log_scale", [-7.0, -2.0, 0.0, 5.0])
@pytest.mark.parametrize("loc", [-1.5, -1.0, 0.3, 1.0])
def test_the_levels_have_mass_one_in_float32(loc, log_scale):
    p = single(loc, log_scale, 256)
    assert p.log_prob(LEVELS[:, None]).exp().sum().item() == pytest.approx(1, abs=1e-10)


def single(loc, log_scale, count=1):
    shape = (count, 1, 1)
    given = {"loc": torch.full(shape, loc), "log_scale": torch.full(shape, log_scale)}
    return discretised_logistic_mixture.distribution({"logits": torch.zeros(count, 1), **given})


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
@pytest.mark.parametrize("loc", [-30.0, -1.0, 0.999, 4.0])
@pytest.mark.parametrize("log_scale", [-7.0, -3.5, 3.0])
def test_no_bin_is_so_far_that_its_mass_rounds_to_nothing(level, loc, log_scale):
    found = single(loc, log_scale).log_prob(LEVELS[None, level, None].double()).item()
    with mpmath.workdps(50):
        y = mpmath.mpf(2 * level) / 255 - 1
        narrow = mpmath.exp(-mpmath.mpf(log_scale))
        ends = [narrow * (y - torch.tensor(loc).item() + d / mpmath.mpf(255)) for d in (1, -1)]
        ends = [mpmath.inf if level == 255 else ends[0], -mpmath.inf if level == 0 else ends[1]]
        if sum(ends) > 0 or ends[0] == mpmath.inf:
            ends = [-ends[1], -ends[0]]  # the same mass by symmetry, and no 1 − tiny
        exact = 1 / (1 + mpmath.exp(-ends[0])) - 1 / (1 + mpmath.exp(-ends[1]))
        assert found == pytest.approx(float(mpmath.log(exact)), rel=1e-9, abs=1e-9)


def test_samples_condition_channels_on_the_levels_before():
    # A narrow green that is the negative of a coin-like red, a blue that is their sum.
    loc = torch.zeros(1, 3, 1)
    log_scale = torch.tensor([2.0, -9.0, -9.0]).view(1, 3, 1)
    coefficients = torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1)
    given = {"logits": torch.zeros(1, 1), "loc": loc, "log_scale": log_scale}
    p = discretised_logistic_mixture.distribution({**given, "coefficients": coefficients})
    red, green, blue = (2 * p.sample((500,))[:, 0] - 1).T
    assert red.std() > 0.5
    torch.testing.assert_close(green, -red, atol=1 / 255, rtol=0)
    torch.testing.assert_close(blue, torch.zeros(500).double(), atol=1 / 255, rtol=0)


@pytest.mark.parametrize("own", [False, True])
def test_samples_of_images_are_levels_of_the_right_shape(own):
    x = discretised_logistic_mixture.distribution(params(own=own)).sample((7,))
    assert x.shape == (7, 2, 3, 2, 2)
    assert discretised_logistic_mixture.support(x.float()) is None


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("logits", (2, 3, 2, K)),
        ("log_scale", (2, 3, 2, 2, 1)),
        ("coefficients", (2, 2, 2, 2, K)),
    ],
)
def test_parameters_that_do_not_fit_are_refused(name, shape):
    with pytest.raises(ModelError, match=rf"{name} of shape .*{shape[-1]}\)"):
        discretised_logistic_mixture.distribution(params(True) | {name: torch.zeros(shape)})


def test_it_is_a_probability_of_bytes_over_255():
    assert discretised_logistic_mixture.discrete
    assert discretised_logistic_mixture.blind is None
    assert discretised_logistic_mixture.support(BYTES / 255) is None
    for value in (-1 / 255, 0.5, 17.0):
        x = BYTES / 255
        x[1, 2, 1, 1] = value
        with pytest.raises(SupportError, match="Example 1 has the value"):
            discretised_logistic_mixture.support(x)


class TestConformance(LikelihoodTests):
    part = discretised_logistic_mixture
    params = {
        "logits": torch.tensor([[0.0, 1.0], [0.5, -1.0]]),
        "loc": torch.tensor([[[-0.9, 0.3], [0.0, 0.2]], [[0.1, 0.8], [-0.4, 1.1]]]),
        "log_scale": torch.tensor([[[-1.0, -3.0], [-2.0, -4.0]], [[-2.0, -1.5], [-3.0, -1.0]]]),
        "coefficients": torch.tensor([[[0.7, -0.3]], [[-0.9, 0.1]]]),
    }

    def measure(self, distribution, draws):
        assert isinstance(distribution, DiscretisedLogisticMixture)
        return grid(LEVELS.double(), draws.shape[1:])
