from dataclasses import replace

import pytest
import torch

import genprobe
from genprobe.aggregate.suitable import suitable
from genprobe.errors import UnavailableError
from genprobe.plugins import plugins
from genprobe.priors.diagonal_normal import diagonal_normal as DENSE
from genprobe.types import NamedPrior, PriorFactory

COUNTED = PriorFactory(name="counted", build=DENSE.build, fit=DENSE.fit, discrete=True)
UNFITTED = PriorFactory(name="unfitted", build=DENSE.build)
GRIDS = replace(DENSE, name="grids", suits=lambda family, shape: len(shape) == 3)
ALL = {p.name: p for p in (DENSE, COUNTED, UNFITTED, GRIDS)}


@pytest.fixture
def suited(tmp_path):
    """Which candidates suit the posteriors of a registered family."""

    def run(family, params, candidates=ALL):
        genprobe.evaluate_posteriors(
            params, family=family, prior=PRIORS[family], store=tmp_path / "s.h5", estimators={}
        )
        store = genprobe.open_store(tmp_path / "s.h5")
        return list(suitable(store, plugins().get("families", family), candidates))

    return run


PRIORS = {
    "diagonal-normal": "standard-normal",
    "bernoulli": NamedPrior(name="bernoulli", params={"logits": torch.tensor(0.0)}),
    "von-mises-fisher": "uniform-sphere",
}
CODES = torch.full((5, 2, 3, 4), 0.5)


def test_codes_with_a_density_get_densities_that_suit_their_shape(suited):
    normals = {"loc": CODES, "scale": CODES}
    assert suited("diagonal-normal", normals) == ["diagonal-normal", "grids"]


def test_discrete_codes_get_probabilities_and_nothing_else(suited):
    assert suited("bernoulli", {"logits": CODES}) == ["counted"]


@pytest.mark.parametrize("name", ["diagonal-normal", "unfitted"])
def test_discrete_codes_without_such_a_candidate_get_none(suited, name):
    with pytest.raises(UnavailableError, match="no density"):
        suited("bernoulli", {"logits": CODES}, {name: ALL[name]})


def test_codes_on_a_sphere_get_none(suited):
    params = {"loc": torch.eye(3), "concentration": torch.ones(3)}
    with pytest.raises(UnavailableError, match="no density"):
        suited("von-mises-fisher", params)
