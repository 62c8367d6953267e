"""The conditionals that the benchmark of mutual information estimators is evaluated with."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from genprobe import Estimate
from validation import mutual_information_benchmark as benchmark

PARAMS = {"n_interacting": 2, "strength": 2.0, "speed": 1.0, "normalize_speed": True}


def random_covariance(dim, seed=0):
    root = torch.randn(dim, dim + 2, generator=torch.Generator().manual_seed(seed)).double()
    return root @ root.T


def test_the_conditional_is_the_joint_over_the_marginal():
    covariance = random_covariance(5)
    gain, scale_tril = benchmark.conditional(covariance, 2)
    joint = MultivariateNormal(torch.zeros(5).double(), covariance)
    marginal = MultivariateNormal(torch.zeros(2).double(), covariance[:2, :2])
    xy = torch.randn(7, 5, generator=torch.Generator().manual_seed(1)).double()
    x, y = xy[:, :2], xy[:, 2:]
    found = MultivariateNormal(x @ gain.T, scale_tril=scale_tril).log_prob(y)
    torch.testing.assert_close(found, joint.log_prob(xy) - marginal.log_prob(x))


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_sparse_pairs_share_a_latent_of_that_strength(pairs):
    """X_i = λ Z_i + E_i and Y_i = λ Z_i + F_i, over their deviations; others share nothing."""
    params = {"n_interacting": pairs, "strength": 1.5}
    covariance = benchmark.joint_covariance(params, 3, 4).numpy()
    information = -pairs * math.log(1 - (1.5**2 / (1 + 1.5**2)) ** 2) / 2
    assert np.linalg.slogdet(covariance)[1] == pytest.approx(-2 * information)
    assert covariance[0, 3] == pytest.approx(1.5**2 / (1 + 1.5**2))
    np.testing.assert_array_equal(covariance.diagonal(), 1)


def spiral(x):
    """Through the matrix exponential that the benchmark defines it by."""
    generator = torch.zeros(x.shape[1], x.shape[1]).double()
    generator[0, 1], generator[1, 0] = -1, 1
    angle = x.square().sum(1) / x.shape[1]
    return (torch.matrix_exp(angle[:, None, None] * generator) @ x[:, :, None]).squeeze(2)


def swiss_roll(x):
    t = 1.5 * math.pi * (1 + 2 * x)
    return torch.cat([t * t.cos(), t * t.sin()], 1) / 21


def wiggly(x):
    return x + 0.4 * x.sin() + 0.2 * (1.7 * x + 1).sin() + 0.03 * (3.3 * x - 2.5).sin()


def bimodal(x):
    """The quantile of a mixture, on a grid of that many points."""
    grid = torch.linspace(-10, 15, 2_000_001).double()
    cdf = 0.3 * torch.special.ndtr(grid) + 0.7 * torch.special.ndtr(grid - 5)
    return grid[torch.searchsorted(cdf, torch.special.ndtr(x))]


FORWARD = {
    "normal_cdf-": (torch.special.ndtr, 3),
    "half_cube-": (lambda x: x * x.abs().sqrt(), 3),
    "spiral-": (spiral, 3),
    "swissroll_x-": (swiss_roll, 1),
    "wiggly-": (wiggly, 1),
    "1v1-bimodal-": (bimodal, 1),
}


def test_every_transformation_has_a_forward_to_be_tested_against():
    assert FORWARD.keys() == benchmark.INVERSES.keys()


@pytest.mark.parametrize("prefix", FORWARD)
def test_an_inverse_undoes_its_transformation(prefix):
    forward, dim = FORWARD[prefix]
    x = torch.randn(200, dim, generator=torch.Generator().manual_seed(2)).double()
    if prefix == "swissroll_x-":
        x = x.sigmoid()
    inverse, _ = benchmark.INVERSES[prefix]
    # The grid of the bimodal quantile is 1.25e-5 apart, and Φ⁻¹ of the mixture up to 20 times as
    # steep between its modes; the others are limited by rounding.
    limit = 1e-3 if prefix == "1v1-bimodal-" else 1e-9
    torch.testing.assert_close(inverse(forward(x), PARAMS), x, atol=limit, rtol=0)


def test_nested_transformations_are_undone_from_the_outside():
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(3)).double()
    plain = benchmark.posteriors("multinormal-sparse-3-3-2-2.0", PARAMS, x, 3)
    twice = spiral(torch.special.ndtr(x))
    found = benchmark.posteriors("spiral-normal_cdf-multinormal-sparse-3-3-2-2.0", PARAMS, twice, 3)
    torch.testing.assert_close(found["loc"], plain["loc"])
    torch.testing.assert_close(found["scale_tril"], plain["scale_tril"])


@pytest.mark.parametrize("name", ["student-identity-1-1-1", "1v1-additive-0.1"])
def test_a_task_without_a_known_conditional_is_refused(name):
    with pytest.raises(ValueError, match=name):
        benchmark.posteriors(name, {}, torch.zeros(1, 1), 1)


def test_a_bracket_errs_by_the_error_over_the_data_not_by_that_of_monte_carlo():
    def end(value):
        return Estimate(name="", value=value, se=1.0, se_data=0.1, kind="estimate")

    assert benchmark.within(end(1.19), end(2.0), 1.0)
    assert not benchmark.within(end(1.21), end(2.0), 1.0)
    assert not benchmark.within(end(0.0), end(0.79), 1.0)


def test_the_section_is_left_out_with_a_message_where_the_package_is_missing(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(benchmark, "PACKAGE", "no_such_package")
    assert benchmark.benchmark_sections(tmp_path / "kept.json") == []
    assert "genprobe[validation]" in capsys.readouterr().err


def test_the_tasks_state_the_information_of_those_covariances():
    bmi = pytest.importorskip("bmi")
    tasks = [task for task, _ in benchmark.chosen_tasks(bmi)]
    assert len(tasks) == 31
    for task in tasks:
        dim_x = 1 if task.id.startswith("swissroll_x-") else task.dim_x
        covariance = benchmark.joint_covariance(task.params, dim_x, task.dim_y)
        x, y = covariance[:dim_x, :dim_x], covariance[dim_x:, dim_x:]
        found = (x.logdet() + y.logdet() - covariance.logdet()) / 2
        assert float(found) == pytest.approx(float(task.mutual_information), abs=1e-5)
