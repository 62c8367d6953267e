import pytest
import torch

import genprobe
from genprobe.errors import UnavailableError

X = torch.rand(6, 3)
PARTS = {
    "posterior": "diagonal-normal",
    "prior": "standard-normal",
    "likelihood": "normal",
    "encode": lambda x: {"loc": x, "scale": 1 + 0 * x},
    "decode": lambda z: {"loc": z, "scale": torch.ones_like(z)},
}
REFUSED = {
    "discrete": (
        {
            "posterior": "bernoulli",
            "prior": lambda: torch.distributions.Independent(
                torch.distributions.Bernoulli(logits=torch.zeros(3)), 1
            ),
            "encode": lambda x: {"logits": x},
        },
        "discrete codes",
    ),
    "sphere": (
        {
            "posterior": "von-mises-fisher",
            "prior": "uniform-sphere",
            "encode": lambda x: {
                "loc": torch.nn.functional.normalize(x, dim=1),
                "concentration": 5 + x[:, 0],
            },
        },
        "on a vector of length 1",
    ),
    "short of the prior": (
        {"posterior": "gamma", "encode": lambda x: {"concentration": 1 + x, "rate": 1 + x}},
        "goes beyond",
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_family_that_cannot_be_annealed_is_refused_with_the_reason(reason):
    changes, words = REFUSED[reason]
    model = genprobe.Model(name="m", **{**PARTS, **changes})
    with pytest.raises(UnavailableError, match=words) as refusal:
        genprobe.evaluate(model, X, inference=2, device="cpu", estimators={})
    assert "--inference" in refusal.value.remedy


def test_a_teacher_forced_decoder_cannot_be_sampled_at_once():
    decode = {"decode": lambda z, x: {"loc": z, "scale": torch.ones_like(z)}}
    model = genprobe.Model(name="m", **{**PARTS, **decode}, teacher_forced=True)
    with pytest.raises(UnavailableError, match="teacher-forced"):
        genprobe.evaluate(model, X, inference=2, simulate=2, device="cpu", estimators={})
