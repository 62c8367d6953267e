import re
from importlib.resources import files
from pathlib import Path

import pytest

from genprobe.demo import BUNDLES
from genprobe.loaders.bundle import load_bundle


@pytest.mark.parametrize(("name", "beta"), BUNDLES.items())
def test_a_bundle_ships_for_every_name(name, beta):
    model = load_bundle(files("genprobe.demo") / f"{name}.pt", trust=False)
    assert model.name == name
    assert model.training["beta"] == beta
    assert model.training["data"] == "digits"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    from click.testing import CliRunner

    from genprobe.cli import main

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("demo"))
        result = CliRunner().invoke(main, ["demo"])
        assert result.exit_code == 0, result.stderr
        page = Path("genprobe-demo.html").read_text(encoding="utf-8")
        return result, Path("genprobe-demo.png").read_bytes(), page


@pytest.fixture
def shown(done):
    return done[0].stdout


@pytest.fixture
def rows(shown):
    """Name, numbers and regime of each model in the comparison, from the lowest rate on."""
    found = re.findall(
        r"^(beta\S+) +(−[\d.]+) +(?:–|−[\d.]+(?: ± [\d.]+)?)" + 4 * r" +([\d.]+)" + r" +● (\S+)",
        shown,
        re.MULTILINE,
    )
    rows = [[n, *(float(x.replace("−", "-")) for x in v), label] for n, *v, label in found]
    return sorted(rows, key=lambda row: row[2])


def test_the_demo_shows_four_regimes_from_autodecoder_to_autoencoder(rows):
    assert [row[0] for row in rows] == list(BUNDLES)
    regimes = [row[-1] for row in rows]
    assert (regimes[0], regimes[-1]) == ("autodecoder", "autoencoder")
    assert len(set(regimes)) == 4


def test_the_demo_ships_the_model_with_the_best_elbo_which_comes_first(shown):
    verdict, table = shown.split("\nmodel ")
    assert "Ship beta-0.9: its ELBO −16." in verdict
    assert table.splitlines()[1].startswith("beta-0.9 ")


def test_as_beta_falls_the_distortion_falls(rows):
    distortions = [row[3] for row in rows]
    assert distortions == sorted(distortions, reverse=True)


def test_the_numbers_of_a_row_hang_together(rows):
    for _, elbo, rate, distortion, information, marginal_kl, _ in rows:
        assert elbo == pytest.approx(-(rate + distortion), abs=2e-2)
        assert marginal_kl == pytest.approx(rate - information, abs=2e-2)


def test_the_readme_shows_its_comparison(shown):
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    listed = re.search(r"```text\n(4 models.*?)```", readme, re.DOTALL).group(1)
    rounded, printed = (
        {re.sub(r"(\.\d)\d+", r"\1", line) for line in text.splitlines()}
        for text in (listed, shown)
    )
    assert rounded <= printed


def test_every_line_fits_80_columns(shown):
    assert max(map(len, shown.splitlines())) <= 80


def test_the_plane_is_drawn_and_announced(done):
    result, picture, _ = done
    assert picture.startswith(b"\x89PNG")
    assert "genprobe-demo.png" in result.stderr


def test_the_page_shows_every_model_with_its_pictures(done):
    result, _, page = done
    assert "genprobe-demo.html" in result.stderr
    for name in BUNDLES:
        assert f"Reconstructions of {name}, input: 10 pictures in a row" in page
    assert page.count("Traversals of") == 3 + 5 + 5
    assert "Traversals: No latent dimension carries anything to show." in page


def test_what_cannot_be_written_is_told_and_all_else_stands(monkeypatch, run, tmp_path):
    monkeypatch.setattr("genprobe.demo.BUNDLES", {"beta-6": 6.0})
    result = run("demo", "--plot", "nowhere/plane.png", "--html", "nowhere/page.html")
    assert result.exit_code == 1, result.stderr
    assert "1 model on digits" in result.stdout
    assert "Error: There is no folder nowhere to write plane.png in." in result.stderr
    assert "Error: There is no folder nowhere to write page.html in." in result.stderr


def test_a_file_of_somebody_else_is_kept_and_the_exit_code_says_so(monkeypatch, run, tmp_path):
    monkeypatch.setattr("genprobe.demo.BUNDLES", {"beta-6": 6.0})
    (tmp_path / "genprobe-demo.png").write_text("mine")
    result = run("demo", "--html", "page.html")
    assert result.exit_code == 1
    assert "Error: genprobe-demo.png is there and is not" in result.stderr
    assert (tmp_path / "genprobe-demo.png").read_text() == "mine"
    assert (tmp_path / "page.html").exists()
