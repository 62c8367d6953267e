import re
from importlib.resources import files

import pytest

from genprobe.demo import BUNDLES
from genprobe.loaders.bundle import load_bundle

NUMBERS = r" +".join([r"([−\d.]+)\*?"] * 5)


@pytest.mark.parametrize(("name", "beta"), BUNDLES.items())
def test_a_bundle_ships_for_every_name(name, beta):
    model = load_bundle(files("genprobe.demo") / f"{name}.pt", trust=False)
    assert model.name == name
    assert model.training["beta"] == beta
    assert model.training["data"] == "digits"


@pytest.fixture(scope="module")
def shown():
    from click.testing import CliRunner

    from genprobe.cli import main

    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.fixture
def rows(shown):
    """Name, numbers and regime of each model in the comparison."""
    comparison = shown[shown.index("4 models on digits") :]
    found = re.findall(rf"^(beta\S+) +{NUMBERS} +● +(\S+) ([\d.]+)$", comparison, re.MULTILINE)
    return [[n, *(float(x.replace("−", "-")) for x in v), label] for n, *v, label, _ in found]


def test_the_demo_shows_four_regimes_from_autodecoder_to_autoencoder(rows):
    assert [row[0] for row in rows] == list(BUNDLES)
    regimes = [row[-1] for row in rows]
    assert (regimes[0], regimes[-1]) == ("autodecoder", "autoencoder")
    assert len(set(regimes)) == 4


def test_as_beta_falls_the_rate_rises_and_the_distortion_falls(rows):
    rates, distortions = zip(*(row[1:3] for row in rows), strict=True)
    assert list(rates) == sorted(rates)
    assert list(distortions) == sorted(distortions, reverse=True)


def test_the_numbers_of_a_row_hang_together(rows):
    for _, rate, distortion, elbo, information, marginal_kl, _ in rows:
        assert elbo == pytest.approx(-(rate + distortion), abs=2e-3)
        assert marginal_kl == pytest.approx(rate - information, abs=2e-3)


def test_every_line_fits_80_columns(shown):
    assert max(map(len, shown.splitlines())) <= 80
