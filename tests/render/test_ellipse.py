import numpy as np
import pytest
from matplotlib.path import Path
from scipy.stats import chi2

from genprobe.render.ellipse import CERTAIN, CORNERS, ellipse


@pytest.fixture
def pairs():
    """R and D of 400 examples, correlated."""
    chance = np.random.default_rng(0)
    rates = 12 + 3 * chance.normal(size=400)
    return np.stack([rates, 60 - 2 * rates + 5 * chance.normal(size=400)])


@pytest.fixture
def measured(make_model, pairs):
    """A report of those examples, which knows of them only what a report keeps."""
    rates, distortions = pairs
    errors = [float(x.std(ddof=1) / 20) for x in (rates, distortions, rates + distortions)]
    return make_model("vae", float(rates.mean()), float(distortions.mean()), errors=errors)


def test_standard_errors_to_the_edge_are_those_of_a_normal_in_the_plane():
    assert pytest.approx(chi2.ppf(0.95, 2)) == CERTAIN**2


def test_every_corner_is_as_far_from_the_mean_as_the_covariance_of_the_means_says(pairs, measured):
    found = ellipse(measured)
    assert found.shape == (CORNERS, 2)
    away = found - pairs.mean(1)
    precision = np.linalg.inv(np.cov(pairs) / pairs.shape[1])
    squared = np.einsum("ni,ij,nj->n", away, precision, away)
    np.testing.assert_allclose(squared, chi2.ppf(0.95, 2), rtol=1e-9)


def test_the_corners_go_round_once_with_no_side_left_out(measured):
    around = ellipse(measured) - ellipse(measured).mean(0)
    # Stretched back to a circle, which a linear map does without changing the order.
    circle = around @ np.linalg.inv(np.linalg.cholesky(around.T @ around)).T
    turns = np.diff(np.unwrap(np.arctan2(*circle.T)))
    np.testing.assert_allclose(np.abs(turns), 2 * np.pi / CORNERS, rtol=1e-6)
    assert len(set(np.sign(turns))) == 1


def test_it_holds_95_percent_of_resampled_means(pairs, measured):
    picks = np.random.default_rng(1).integers(0, 400, (4000, 400))
    means = pairs[:, picks].mean(2).T
    inside = Path(ellipse(measured)).contains_points(means)
    assert inside.mean() == pytest.approx(0.95, abs=0.02)


def test_of_a_certain_rate_it_is_an_upright_line(make_model):
    rates, distortions = ellipse(make_model("vae", 0.0, 60.0, errors=(0.0, 0.5, 0.5))).T
    assert rates == pytest.approx(0.0)
    ends = 60.0 - CERTAIN * 0.5, 60.0 + CERTAIN * 0.5
    assert (distortions.min(), distortions.max()) == pytest.approx(ends, rel=1e-3)


@pytest.mark.parametrize("errors", [(0.1, None, None), (None, 0.1, 0.1), (0.0, 0.0, 0.0)])
def test_without_errors_there_is_none(make_model, errors):
    assert ellipse(make_model("vae", 10.0, 60.0, errors=errors)) is None


def test_without_a_distortion_there_is_none(make_model):
    assert ellipse(make_model("vae", 10.0)) is None
