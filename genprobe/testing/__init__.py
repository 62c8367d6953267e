"""Conformance suites for plugin authors: subclass one, name the part, run pytest.

    from genprobe.testing import FamilyTests

    class TestLaplace(FamilyTests):
        part = laplace
        params = {"loc": torch.tensor([[0.0], [2.0]]), "scale": torch.tensor([[1.0], [0.3]])}

They need pytest, which genprobe itself does not: ``pip install genprobe[test]``.
"""

try:
    import pytest as pytest
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "genprobe.testing needs pytest, which is not installed.\n"
        "Install it with: pip install 'genprobe[test]'",
        name="pytest",
    ) from error

from genprobe.testing.estimator import EstimatorTests
from genprobe.testing.examples import reports as example_reports
from genprobe.testing.family import FamilyTests
from genprobe.testing.likelihood import LikelihoodTests
from genprobe.testing.loader import LoaderTests
from genprobe.testing.measure import Measure, covering, grid, on_sphere
from genprobe.testing.prior import PriorTests
from genprobe.testing.queries import queries_from
from genprobe.testing.renderer import RendererTests

__all__ = [
    "EstimatorTests",
    "FamilyTests",
    "LikelihoodTests",
    "LoaderTests",
    "Measure",
    "PriorTests",
    "RendererTests",
    "covering",
    "example_reports",
    "grid",
    "on_sphere",
    "queries_from",
]
