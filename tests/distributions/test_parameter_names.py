import math

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from genprobe.distributions.parameter_names import standard_names
from genprobe.errors import ModelError

SIGMA = torch.tensor([[0.5, 2.0], [1.0, 3.0]])
LOC = torch.zeros(2, 2)


@pytest.mark.parametrize("mean", ["loc", "mean", "mu"])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("scale", SIGMA),
        ("std", SIGMA),
        ("sigma", SIGMA),
        ("var", SIGMA**2),
        ("logvar", 2 * SIGMA.log()),
        ("log_var", 2 * SIGMA.log()),
        ("log_std", SIGMA.log()),
    ],
)
@pytest.mark.parametrize("part", ["diagonal-normal", "normal"])
def test_every_name_of_a_normals_width_becomes_its_standard_deviation(mean, name, values, part):
    found = standard_names({mean: LOC, name: values}, part)
    assert found.keys() == {"loc", "scale"}
    torch.testing.assert_close(found["scale"], SIGMA)


def test_a_covariance_becomes_its_cholesky_factor():
    factor = torch.tensor([[[2.0, 0.0], [0.5, 1.0]]])
    found = standard_names({"mean": LOC[:1], "cov": factor @ factor.mT}, "full-normal")
    truth = MultivariateNormal(LOC[:1], covariance_matrix=factor @ factor.mT)
    torch.testing.assert_close(found["scale_tril"], truth.scale_tril)


def test_a_width_that_is_not_a_normals_is_not_taken_for_its_scale():
    assert standard_names({"mu": LOC, "std": SIGMA}, "laplace").keys() == {"loc", "std"}


def test_a_mu_that_is_a_parameter_of_its_own_keeps_its_name():
    given = {"mu": LOC, "theta": SIGMA}
    assert standard_names(given, "negative-binomial").keys() == given.keys()
    assert standard_names(given, "my-own").keys() == given.keys()


def test_two_names_of_one_parameter_are_refused():
    with pytest.raises(ModelError, match="gives both scale and logvar"):
        standard_names({"loc": LOC, "scale": SIGMA, "logvar": SIGMA})


def test_arrays_are_taken_and_half_precision_does_not_overflow():
    found = standard_names({"mean": np.zeros((1, 1)), "logvar": np.float16([[30.0]])})
    assert math.isclose(found["scale"].item(), math.exp(15), rel_tol=1e-6)
