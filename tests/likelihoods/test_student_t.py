import pytest
import scipy.stats
import torch

from genprobe.errors import ModelError
from genprobe.likelihoods.student_t import student_t

X = torch.linspace(-30, 30, 24).reshape(4, 2, 3)
LOC = X.flip(0) / 2


@pytest.mark.parametrize("df", [1e-2, 1.0, 4.0, 1e6])
def test_every_constant_of_the_density_counts(df, differentiable):
    params = {"loc": LOC, "df": torch.tensor(df), "scale": torch.linspace(0.01, 2, 6).view(2, 3)}
    truth = scipy.stats.t.logpdf(X.double(), df, LOC.double(), params["scale"].double())
    found = student_t.distribution(params).log_prob(X)
    # The torch parameter 1e-2 is a float32.
    torch.testing.assert_close(found, torch.from_numpy(truth.sum((1, 2))), rtol=3e-8, atol=1e-8)
    if df < 1e6:  # at 1e6 a difference of 1e-6 says nothing
        differentiable(student_t, params, X)


def test_many_degrees_of_freedom_are_the_normal():
    params = {"loc": LOC, "df": torch.tensor(1e8), "scale": torch.tensor(10.0)}
    truth = scipy.stats.norm.logpdf(X.double(), LOC.double(), 10).sum((1, 2))
    found = student_t.distribution(params).log_prob(X)
    torch.testing.assert_close(found, torch.from_numpy(truth), rtol=0, atol=1e-5)


def test_it_is_a_density_of_any_data():
    assert not student_t.discrete
    assert student_t.support(1e6 * X) is None
    assert student_t.blind is None


def test_degrees_of_freedom_below_nothing_are_refused():
    with pytest.raises(ModelError, match="df of -2"):
        student_t.distribution({"loc": LOC, "df": torch.tensor(-2.0), "scale": torch.tensor(1.0)})


def test_samples_have_its_moments():
    params = {"loc": LOC, "df": torch.tensor(20.0), "scale": torch.tensor(2.0)}
    x = student_t.distribution(params).sample((20000,))
    torch.testing.assert_close(x.mean(0), LOC.double(), atol=0.1, rtol=0)
    torch.testing.assert_close(x.var(0), torch.full_like(x[0], 4 * 20 / 18), atol=0.4, rtol=0)
