import pytest
import torch
from torch.distributions import Categorical, Independent

from genprobe.families.categorical import categorical
from genprobe.families.gumbel_softmax import gumbel_softmax
from genprobe.priors.from_distribution import prior_from_distribution
from genprobe.testing import FamilyTests

LOGITS = torch.tensor([[[0.0, 1.0, -2.0], [3.0, 0.5, -0.1]], [[1.0, 0, 0]] * 2])
ALIKE = Independent(Categorical(logits=torch.zeros(2, 3).double()), 1)
UNIFORM = prior_from_distribution("uniform", ALIKE)


class TestConformance(FamilyTests):
    part = gumbel_softmax
    params = {"logits": LOGITS, "temperature": torch.tensor([0.5, 1.0])}
    priors = (UNIFORM,)


def test_the_report_is_that_of_the_categorical_and_says_so(evaluated):
    params = {"logits": torch.randn(60, 2, 3), "temperature": torch.full((60,), 0.7)}
    relaxed = evaluated(gumbel_softmax, params, UNIFORM)
    plain = evaluated(categorical, {"logits": params["logits"]}, UNIFORM)
    for name in ("rate", "mutual_information", "marginal_kl"):
        assert relaxed[name].value == pytest.approx(plain[name].value)
    assert "relaxed-posterior" in [notice.code for notice in relaxed.warnings]
    assert "relaxed-posterior" not in [notice.code for notice in plain.warnings]


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_a_temperature_must_be_positive(temperature):
    constraint = gumbel_softmax.constraints["temperature"]
    assert not constraint.check(torch.tensor(temperature))
