import json
import subprocess
import sys

import numpy as np
import pytest

yaml = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def codes(tmp_path_factory, run_in):
    """A folder with a file of codes and a store of them."""
    folder = tmp_path_factory.mktemp("codes")
    index = np.random.default_rng(0).integers(0, 6, (200, 4, 4))
    index[:, :, 1:] = np.where(np.arange(3) % 2, index[:, :, 1:], index[:, :, :-1])
    np.savez(folder / "vq.npz", index=index, classes=8, event_shape=[1, 8, 8])
    done = run_in(folder, "evaluate", "vq.npz", "--store", "vq.h5", "--json", "vq.json")
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture
def store(codes, tmp_path):
    for path in codes.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return "vq.h5"


def front_matter(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_a_card_and_a_page_are_written_and_the_screen_answers(run, store, tmp_path):
    done = run("card", store)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert lines[0] == "vq on unnamed data of vq: N = 200, 4 × 4 tokens of 8 codes"
    assert lines[1].startswith("> ")
    assert all(name in done.stdout for name in ("nothing", "histogram", "position", "neighbours"))
    assert "2 never used on 200 examples (6, 7)" in done.stdout
    assert "Wrote the card: card.md" in done.stderr
    assert (tmp_path / "card.html").read_text().startswith("<!doctype html>")
    results = front_matter((tmp_path / "card.md").read_text())["model-index"][0]["results"]
    report = json.loads((tmp_path / "vq.json").read_text())
    known = {m["type"]: m for m in results[0]["metrics"]}
    nats = report["estimates"]["rate_fitted_prior"]
    assert known["bits_per_pixel"]["value"] == pytest.approx(nats["value"] / np.log(2) / 64, 1e-5)
    assert known["code_usage"]["value"] == 0.75


def test_a_model_a_store_and_a_report_have_one_card(run, store, tmp_path):
    cards = []
    for source in ("vq.npz", store, "vq.json"):
        assert run("card", source, "--no-html").exit_code == 0
        text = (tmp_path / "card.md").read_text()
        lines = [line for line in text.splitlines() if "| command |" not in line]
        cards.append(lines[:-1])  # without the hash of the command
    assert cards[0] == cards[1] == cards[2]
    assert not (tmp_path / "card.html").exists()


def test_a_store_that_was_evaluated_needs_no_torch(store, tmp_path):
    code = """
import sys
from click.testing import CliRunner
from genprobe.cli.main import main
sys.modules["torch"] = None
done = CliRunner().invoke(main, ["card", "vq.h5"], catch_exceptions=False)
assert done.exit_code == 0, done.stderr
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert (tmp_path / "card.md").exists()


def test_a_card_that_was_edited_and_a_file_of_somebody_else_stay(run, store, tmp_path):
    card = tmp_path / "card.md"
    assert run("card", store, "--no-html").exit_code == 0
    assert run("card", store, "--no-html").exit_code == 0
    edited = card.read_text().replace("# vq\n", "# My tokenizer\n")
    card.write_text(edited)
    refused = run("card", "vq.npz", "--no-html")
    assert refused.exit_code == 1
    assert "card.md is there and is not a card as genprobe wrote it" in refused.stderr
    assert not refused.stdout
    assert card.read_text() == edited
    assert run("card", store, "--no-html", "--card", "other.md").exit_code == 0
    (tmp_path / "other.html").write_text("<p>mine</p>")
    assert run("card", store, "--card", "other.md").exit_code == 1
    assert (tmp_path / "other.html").read_text() == "<p>mine</p>"


def test_an_option_of_an_evaluation_makes_no_sense_for_a_store(run, store):
    for source, option in ((store, ("--limit", 5)), ("vq.json", ("--prior", "token-histogram"))):
        refused = run("card", source, *option)
        assert refused.exit_code == 2
        assert f"{option[0]} changes nothing" in refused.stderr


def test_another_prior_of_a_store_is_another_card(run, store, tmp_path):
    assert run("card", store, "--no-html", "--tolerance", 0.5, "--json", "t.json").exit_code == 0
    assert json.loads((tmp_path / "t.json").read_text())["provenance"]["tolerance"] == 0.5


def test_a_bundle_of_a_plain_code_has_a_card_too(run, tiny, tmp_path):
    done = run("card", tiny.a, "--card", "a.md")
    assert done.exit_code == 0, done.stderr
    assert "2 latent dimensions" in done.stdout
    assert "bits an example" in done.stdout
    assert (tmp_path / "a.html").exists()


def test_json_on_standard_output_is_all_there_is(run, store):
    done = run("card", store, "--json", "-", "--no-html", "--quiet")
    assert json.loads(done.stdout)["model"] == "vq"
    assert done.stderr == ""


def test_a_file_that_is_missing_is_told_as_evaluate_tells_it(run):
    refused = run("card", "nothing.pt")
    assert refused.exit_code == 1
    assert "nothing.pt" in refused.stderr
