import csv
import dataclasses
import json
import math
import os
import re
import shlex
import shutil

import jsonschema
import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

import genprobe
from genprobe.analysis.regimes import read_cuts
from genprobe.analysis.rounding import rounded
from genprobe.render.data.json import comparison_schema
from genprobe.render.text.rows import floor_two
from genprobe.report import report_schema as schema


def number(text, label):
    """The value in a row of the table."""
    return float(re.search(rf"^  {re.escape(label)} +(\S+)", text, re.MULTILINE)[1])


def test_results_go_to_standard_output_and_the_rest_to_standard_error(shell, tiny):
    done = shell("evaluate", tiny.a, "--store", "s.h5")
    again = shell("evaluate", tiny.a, "--store", "s.h5")
    assert (done.returncode, again.returncode) == (0, 0)
    assert done.stdout.startswith("a on images: N = 60, 1 draw each, nats\n")
    assert again.stdout == done.stdout
    assert done.stderr == ""
    assert again.stderr == "Reused s.h5: all 60 examples were encoded before.\n"


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}], ids=["plain", "no color"])
def test_a_pipe_gets_plain_text_of_80_columns(run, tiny, monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = run("evaluate", tiny.a, tiny.b, "--quiet")
    assert done.exit_code == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_command_line_gives_the_numbers_of_python(tiny, estimates):
    options = {"draws": 3, "seed": 5, "tolerance": 0.1, "dtype": "float64", "max_queries": 30}
    flags = [x for k, v in options.items() for x in (f"--{k.replace('_', '-')}", v)]
    told = estimates("evaluate", tiny.a, *flags)
    report = genprobe.evaluate(tiny.a, **options)
    assert told == report.to_dict()["estimates"]


def test_the_json_is_a_report_of_the_schema(run, tiny, tmp_path):
    path = tmp_path / "r.json"
    result = run("evaluate", tiny.a, "--json", path, "--unit", "bits")
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, schema())
    assert result.exit_code == 0
    assert content["estimates"]["distortion"]["unit"] == "nats"
    assert content["provenance"]["draws"] == 1


@pytest.mark.parametrize(
    ("unit", "nats"), [("nats", 1), ("bits", math.log(2)), ("bits/dim", 12 * math.log(2))]
)
def test_the_table_is_in_the_unit_asked_for(run, tiny, unit, nats):
    report = genprobe.evaluate(tiny.a)
    text = run("evaluate", tiny.a, "--unit", unit, "--details").stdout
    for label, name in (("distortion D", "distortion"), ("log N, the cap on I(n;z)", "log_n")):
        error = max(report[name].se, report[name].se_data or 0.0) / nats
        shown = rounded(report[name].value / nats, error, 5 if unit == "bits/dim" else 3)
        assert number(text, label) == float(shown)
    assert text.splitlines()[0].endswith(unit)


def test_markdown_is_a_table(run, tiny):
    text = run("evaluate", tiny.a, "--markdown", "--details").stdout
    rows = [re.split(r"(?<!\\)\|", x)[1:-1] for x in text.splitlines() if x.startswith("|")]
    assert {len(row) for row in rows} == {4}
    assert [cell.strip() for cell in rows[1]] == [":--", "--:", "--:", "--:"]
    assert "rate R" in [row[0].strip() for row in rows]


def test_of_several_models_only_the_comparison_is_printed(run, tiny):
    result = run("evaluate", tiny.a, tiny.b)
    assert result.exit_code == 0
    assert result.stdout.startswith("2 models on images: N = 60, nats, best ELBO first\nShip ")
    rows = re.findall(r"^([ab]) +(−[\d.]+) ", result.stdout, re.MULTILINE)
    elbos = [float(elbo.replace("−", "-")) for _, elbo in rows]
    assert sorted(name for name, _ in rows) == ["a", "b"]
    assert elbos == sorted(elbos, reverse=True)
    assert "1 draw each" not in result.stdout


def test_a_line_a_model_says_how_far_it_is(run, tiny):
    result = run("evaluate", tiny.a, tiny.b)
    lines = result.stderr.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["1 of 2", "2 of 2"]
    assert all("  ELBO −" in line and "  R " in line for line in lines)


def test_several_models_in_markdown_give_markdown_only(run, tiny):
    text = run("evaluate", tiny.a, tiny.b, "--markdown").stdout
    assert len(re.findall(r"^\|:--\|", text, re.MULTILINE)) == 2


def test_several_models_give_one_comparison_as_json_and_csv(run, tiny, tmp_path):
    result = run("evaluate", tiny.a, tiny.b, "--json", "c.json", "--csv", "c.csv", "--sort", "name")
    assert result.exit_code == 0
    content = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    jsonschema.validate(content, comparison_schema())
    assert [model["name"] for model in content["models"]] == ["a", "b"]
    assert (tmp_path / "c.csv").read_text(encoding="utf-8").count("\n") == 3


def test_models_of_one_name_are_told_apart_by_their_files(run, tiny, tmp_path):
    again = tmp_path / "again.pt"
    model = genprobe.load(tiny.b)
    genprobe.save(dataclasses.replace(model, name="a"), again)
    text = run("evaluate", tiny.a, "again.pt", "--quiet", "--csv", "c.csv")
    names = (tmp_path / "c.csv").read_text(encoding="utf-8")
    assert text.exit_code == 0
    assert re.findall(r"^(\S+?),images", names, re.MULTILINE) == ["a", "again"] or "again" in names


def test_an_order_that_does_not_exist_is_told_before_anything_is_evaluated(run, tiny):
    result = run("evaluate", tiny.a, tiny.b, "--sort", "beauty")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'beauty'" in result.stderr


def test_an_unknown_reference_costs_nothing_of_the_comparison(run, tiny, tmp_path):
    result = run("evaluate", tiny.a, tiny.b, "--against", "nonsense", "--json", "c.json")
    assert result.exit_code == 1
    assert "2 models on images" in result.stdout
    assert (tmp_path / "c.json").is_file()
    fault = "Error: There is no model 'nonsense' to compare against.\nThere is a, b.\n"
    assert result.stderr.endswith(fault)


def test_a_reference_may_be_named_by_its_file(run, tiny):
    result = run("evaluate", tiny.a, tiny.b, "--against", tiny.b)
    assert result.exit_code == 0
    assert "Differences (Δ) are from b, paired over examples." in result.stdout


def test_one_store_of_several_models_is_refused_with_a_way_out(run, tiny):
    result = run("evaluate", tiny.a, tiny.b, "--store", "s.h5")
    assert result.exit_code == 2
    assert "genprobe compare" in result.stderr


def test_latex_is_a_table(run, tiny):
    assert run("evaluate", tiny.a, "--latex").stdout.count("\\begin{tabular}") == 1


def test_one_model_that_fails_does_not_cost_the_others(run, tiny):
    result = run("evaluate", tiny.a, "missing.pt", tiny.b)
    assert result.exit_code == 1
    assert "2 models on images" in result.stdout
    assert sorted(re.findall(r"^([ab]) ", result.stdout, re.MULTILINE)) == ["a", "b"]
    first, *error, last = result.stderr.splitlines()
    assert (first[:6], last[:6]) == ("1 of 3", "3 of 3")
    assert error[0] == "Error: missing.pt: There is no model at missing.pt."
    assert len(error) == 2


def test_the_only_model_of_several_that_does_not_fail_is_printed(run, tiny):
    result = run("evaluate", tiny.a, "missing.pt")
    assert result.exit_code == 1
    assert result.stdout.startswith("a on images")


def test_of_several_models_none_that_loads_is_exit_1_and_no_results(run):
    result = run("evaluate", "x.pt", "y.pt")
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.findall(r"Error: (\S+):", result.stderr) == ["x.pt", "y.pt"]


def test_one_store_for_several_models_is_a_usage_error(run, tiny, tmp_path):
    result = run("evaluate", tiny.a, tiny.b, "--store", "one")
    assert result.exit_code == 2
    assert "one model at a time" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["missing/r.json", "."])
def test_json_that_cannot_be_written_fails_before_anything_is_encoded(run, tiny, place, tmp_path):
    result = run("evaluate", tiny.a, "--json", place, "--store", "s.h5")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert not list(tmp_path.iterdir())


def plain_file(path):
    path.write_text("not a checkpoint")


def state_dict(path):
    torch.save({"w": torch.zeros(1)}, path)


def pickled(path):
    torch.save(torch.nn.Linear(1, 1), path)


@pytest.mark.parametrize(
    ("make", "arguments", "words"),
    [
        (None, [], "There is no model at m.pt"),
        (plain_file, [], "is not a checkpoint"),
        (state_dict, [], "bare state dict"),
        (pickled, [], "would run code"),
        (state_dict, ["--factory", "nowhere:build"], "nowhere"),
        (state_dict, ["--factory", "nowhere"], "MODULE:FACTORY"),
    ],
)
def test_a_model_that_does_not_load_is_told_in_two_lines(run, make, arguments, words, tmp_path):
    if make:
        make(tmp_path / "m.pt")
    result = run("evaluate", "m.pt", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_limit_is_in_the_name_of_the_data_and_a_store_tells_it_from_the_whole(
    run, tiny, tmp_path
):
    given = ["evaluate", tiny.a, "--data", tiny.images, "--quiet", "--store", "s.h5"]
    assert run(*given, "--limit", 40, "--json", "r.json").exit_code == 0
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert (report["n"], report["provenance"]["limit"]) == (40, 40)
    assert report["dataset"].startswith("40 of ")
    for other in ([], ["--limit", 41], ["--limit", 40, "--seed", 1]):
        result = run(*given, *other)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "The store s.h5 is of another" in result.stderr
    assert run(*given, "--limit", 40).exit_code == 0


def test_a_limit_is_of_random_examples_and_no_more_than_there_are(tiny):
    def evaluated(limit):
        return genprobe.evaluate(tiny.a, tiny.images, limit=limit, device="cpu")

    whole, some = (evaluated(limit).store.column("probes/rate").flatten() for limit in (99, 30))
    assert (len(whole), len(some)) == (60, 30)
    near = (whole[:, None] - some).abs().min(0)
    assert near.values.max() < 1e-6
    assert set(near.indices.tolist()) != set(range(30))
    assert evaluated(99).dataset == genprobe.open_dataset(tiny.images).name


def test_a_limit_of_a_file_of_posteriors_or_of_nothing_is_refused(run, tmp_path):
    np.savez(tmp_path / "p.npz", loc=np.zeros((50, 2)), scale=np.ones((50, 2)))
    result = run("evaluate", "p.npz", "--limit", 10)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Leave --limit out" in result.stderr
    assert run("evaluate", "p.npz", "--limit", 0).exit_code == 2


def test_json_on_standard_output_is_of_one_model_or_several(run, tiny):
    for models in ([tiny.a], [tiny.a, tiny.b]):
        result = run("evaluate", *models, "--json", "-")
        assert result.exit_code == 0
        found = json.loads(result.stdout)
        assert len(found["models"] if len(models) > 1 else [found]) == len(models)


FACTORY = """
import genprobe, torch

def build():
    net = torch.nn.Linear(12, 4)
    def encode(x):
        loc, raw = net(x).chunk(2, 1)
        return {"loc": loc, "scale": (raw / 2).exp()}
    return genprobe.Model(name="mine", encode=encode, posterior="diagonal-normal",
                          prior="standard-normal", module=net)
"""


def test_which_weights_were_taken_is_said_and_can_be_chosen(shell, tiny, tmp_path):
    (tmp_path / "mine.py").write_text(FACTORY)
    weights = {key: torch.nn.Linear(12, 4).state_dict() for key in ("model", "ema")}
    torch.save(weights, tmp_path / "w.pt")
    given = [
        "evaluate",
        "w.pt",
        "--factory",
        "mine:build",
        "--data",
        tiny.images,
        "--json",
        "r.json",
    ]
    rates = {}
    for key, chosen in {"model": [], "ema": ["--weights", "ema"]}.items():
        done = shell(*given, *chosen)
        assert done.returncode == 0
        several = "w.pt holds several weights that fit. Took model; with --weights: ema.\n"
        assert done.stderr == ("w.pt: took ema.\n" if chosen else several)
        report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
        assert report["provenance"]["training"] == {"weights": key}
        rates[key] = report["estimates"]["rate"]["value"]
        x = torch.from_numpy(np.load(tiny.images)).double()
        state = {name: values.double() for name, values in weights[key].items()}
        loc, raw = (x @ state["weight"].T + state["bias"]).chunk(2, 1)
        q = Normal(loc, (raw / 2).exp())
        truth = kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean()
        assert rates[key] == pytest.approx(float(truth), rel=1e-5)
    assert rates["model"] != rates["ema"]
    refused = shell(*given, "--weights", "other")
    assert refused.returncode == 1
    assert "There are: model, ema." in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "missing.npy"], "missing.npy"),
        (["--data", "nonsense"], "nonsense"),
        (["--data", "digits", "--split", "other"], "other"),
        (["--data", "digits"], "64"),
        (["--device", "abacus"], "abacus"),
        (["--prior", "cauchy"], "There is no prior 'cauchy'"),
        (["--prior", "diagonal-normal"], "needs loc and scale"),
        (["--store", "images.npy/s.h5"], "images.npy"),
    ],
    ids=str,
)
def test_an_option_that_makes_no_sense_is_told_in_two_lines(run, tiny, arguments, words, tmp_path):
    (tmp_path / "images.npy").write_bytes(tiny.images.read_bytes())
    result = run("evaluate", tiny.a, *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) <= 2


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--draws", 0], "draws must be positive"),
        (["--tolerance", 0], "tolerance must be positive"),
        (["--format", "papyrus"], "There is no renderer 'papyrus'."),
        (["--plot", "p.gif"], "A plot cannot be written as p.gif."),
    ],
    ids=str,
)
def test_what_is_wrong_for_every_model_is_told_once_and_exit_2(run, tiny, others, arguments, words):
    result = run("evaluate", tiny.a, *[tiny.b] * others, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {words}")
    assert len(result.stderr.splitlines()) <= 2


@pytest.mark.parametrize(
    "arguments", [["--unit", "bans"], ["--dtype", "float16"], ["--draws", "many"]], ids=str
)
def test_a_value_that_is_no_choice_is_a_usage_error(run, tiny, arguments):
    assert run("evaluate", tiny.a, *arguments).exit_code == 2


def test_another_prior_on_a_finished_store_changes_the_rate_and_encodes_nothing(
    tiny, estimates, tmp_path
):
    store = tmp_path / "s.h5"
    own = estimates("evaluate", tiny.learned, "--store", store)
    before = (store.read_bytes(), store.stat().st_mtime_ns)
    other = estimates("evaluate", tiny.learned, "--store", store, "--prior", "standard-normal")
    assert (store.read_bytes(), store.stat().st_mtime_ns) == before
    params = genprobe.load(tiny.learned).encode(torch.from_numpy(np.load(tiny.images)))
    q = Normal(params["loc"].double(), params["scale"].double())
    expected = kl_divergence(q, Normal(0.0, 1.0)).sum(1).mean().item()
    assert other["rate"]["value"] == pytest.approx(expected, abs=1e-5)
    assert abs(own["rate"]["value"] - expected) > 1e-3
    # The rate is a control variate of the information, which moves within its error.
    information, same = own["mutual_information"], other["mutual_information"]
    assert same["n"] == information["n"]
    assert same["value"] == pytest.approx(information["value"], abs=information["se"])


def test_a_store_of_another_run_is_refused_until_fresh(run, tiny):
    assert run("evaluate", tiny.a, "--store", "s.h5").exit_code == 0
    refused = run("evaluate", tiny.b, "--store", "s.h5")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "another model" in refused.stderr
    assert run("evaluate", tiny.b, "--store", "s.h5", "--fresh").exit_code == 0


def test_binarising_is_told_in_the_headline(run, tiny, tmp_path):
    grey = tmp_path / "grey.npy"
    np.save(grey, np.linspace(0, 1, 120).reshape(10, 12).astype("float32"))
    result = run("evaluate", tiny.a, "--data", grey, "--binarize", "threshold")
    assert result.stdout.startswith("a on grey, binarised (threshold): N = 10")
    assert "bernoulli-on-grey" not in result.stdout
    assert "! bernoulli-on-grey" in run("evaluate", tiny.a, "--data", grey).stdout


def test_a_file_of_posteriors_needs_neither_data_nor_model(run, estimates):
    random = np.random.default_rng(0)
    loc = random.normal(size=(80, 2))
    np.savez("p.npz", loc=loc, scale=np.full((80, 2), 0.5), distortion=np.full(80, 7.0))
    found = estimates("evaluate", "p.npz", "--store", "s.h5", "--dtype", "float64")
    truth = kl_divergence(Normal(torch.from_numpy(loc), 0.5), Normal(0.0, 1.0)).sum(1).mean()
    assert found["rate"]["value"] == pytest.approx(float(truth), rel=1e-12)
    assert found["elbo"]["value"] == pytest.approx(-7.0 - float(truth), rel=1e-12)
    assert estimates("show", "s.h5") == found
    refused = run("evaluate", "p.npz", "--unit", "bits/dim")
    assert refused.exit_code == 1
    assert "number of values in an example of unnamed data of p is not known" in refused.stderr
    refused = run("evaluate", "p.npz", "--family", "cauchy")
    assert "There is no family 'cauchy'" in refused.stderr


def test_files_of_posteriors_of_named_data_are_compared(run):
    for name, scale in (("a", 0.5), ("b", 0.9)):
        loc = np.random.default_rng(0).normal(size=(80, 2))
        np.savez(f"{name}.npz", loc=loc, scale=np.full((80, 2), scale), dataset="toy")
    done = run("evaluate", "a.npz", "b.npz")
    assert done.exit_code == 0
    assert "2 models on toy: N = 80, nats" in done.stdout


@pytest.mark.parametrize(
    ("place", "words", "code"), [("p.gif", "p.gif", 2), ("nowhere/p.png", "no folder", 1)]
)
@pytest.mark.parametrize("command", ["evaluate", "compare", "show"])
def test_a_plot_that_cannot_be_written_fails_before_anything_is_read(
    run, command, place, words, code
):
    result = run(command, "no-such-file", "--plot", place)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert "no-such-file" not in result.stderr


def test_one_model_or_several_are_drawn(run, tiny, tmp_path):
    for models in ((tiny.a,), (tiny.a, tiny.b)):
        result = run("evaluate", *models, "--plot", "plane.png", "--plane", "--draws", 2)
        assert result.exit_code == 0, result.stderr
        assert (tmp_path / "plane.png").read_bytes().startswith(b"\x89PNG")
        assert result.stdout.count("distortion D (nats) over rate R (nats)") == 1


@pytest.mark.parametrize("count", [1, 2])
def test_a_page_says_how_to_make_it_again(run, tiny, tmp_path, count):
    models = [tiny.a, tiny.b][:count]
    assert run("evaluate", *models, "--draws", 2, "--html", "page.html").exit_code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    short = [os.path.relpath(path, tmp_path) for path in models]
    typed = shlex.join(["genprobe", "evaluate", *short, "--draws", "2"])
    assert re.findall("<code>(genprobe .*)</code>", text) == [f"{typed} --html page.html"]


def test_the_report_names_the_command_as_it_was_typed(run, tiny, tmp_path):
    typed = ["evaluate", tiny.a, "--store", "my store.h5", "--quiet", "--json", "r.json"]
    assert run(*typed).exit_code == 0
    for path in ("r.json", "my store.h5.report.json"):
        facts = json.loads((tmp_path / path).read_text(encoding="utf-8"))["provenance"]
        assert shlex.split(facts["command"]) == ["genprobe", *map(str, typed)]
        assert facts["asked"] == {"model": str(tiny.a), "store": "my store.h5"}


def test_a_format_prints_reports_and_nothing_else(run, tiny):
    alone = [run("evaluate", model, "--format", "json").stdout for model in (tiny.a, tiny.b)]
    models = [json.loads(text)["model"] for text in alone]
    assert models == ["a", "b"]
    together = run("evaluate", tiny.a, tiny.b, "--format", "json").stdout
    decoder, found = json.JSONDecoder(), []
    while together:
        report, end = decoder.raw_decode(together)
        found.append(report["model"])
        together = together[end:].removeprefix("\n")
    assert found == models


@pytest.mark.parametrize("name", ["table", "markdown", "latex"])
def test_a_format_is_in_the_unit_asked_for(run, tiny, name):
    direct = {"table": [], "markdown": ["--markdown"], "latex": ["--latex"]}[name]
    by_name = run("evaluate", tiny.a, "--format", name, "--unit", "bits").stdout
    assert "bits" in by_name
    assert by_name.strip() == run("evaluate", tiny.a, *direct, "--unit", "bits").stdout.strip()


def test_a_unit_that_a_format_does_not_have_is_told_before_anything_is_read(run):
    done = run("evaluate", "no-such-file", "--format", "json", "--unit", "bits")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "The format json has no choice of unit." in done.stderr


@pytest.mark.parametrize("others", [[], ["learned"]])
def test_a_regime_has_one_probability_wherever_it_is_shown(run, tiny, tmp_path, others):
    """At a cut that is put where the model is, so that the replicates disagree."""
    models = [tiny.a, *(getattr(tiny, name) for name in others)]
    plain = genprobe.evaluate(tiny.a)
    share = plain["distortion"].value / (plain["rate"].value + plain["distortion"].value)
    (tmp_path / "cuts.toml").write_text(f"syntactic = {share}\n")
    paths = [f"--{kind}={tmp_path / kind}" for kind in ("json", "csv", "html")]
    done = run("evaluate", *models, *paths, "--regime-cuts", "cuts.toml")
    assert done.exit_code == 0, done.stderr
    cuts = read_cuts(tmp_path / "cuts.toml")
    reports = [genprobe.evaluate(model, cuts=cuts) for model in models]
    compared = {r.model: r.regime for r in genprobe.compare(reports, cuts=cuts).reports}
    content = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    written = [m["report"] for m in content["models"]] if others else [content]
    rows = list(csv.DictReader((tmp_path / "csv").read_text(encoding="utf-8").splitlines()))
    page = (tmp_path / "html").read_text(encoding="utf-8")
    assert 0.02 < compared["a"].probability < 0.98
    if not others:
        assert compared["a"] == reports[0].regime
    for report, row in zip(written, rows, strict=True):
        regime = compared[report["model"]]
        assert report["regime"]["probability"] == regime.probability
        assert float(row["regime_probability"]) == regime.probability
        assert row["regime"] == report["regime"]["label"] == regime.label
        if others:
            assert f"probability {floor_two(regime.probability)}" in page
            share = floor_two(regime.probability)
            assert regime.probability >= 0.95 or f"{regime.label} {share}" in done.stdout
        else:
            (other, rest), *_ = regime.alternatives
            words = f"{regime.label} / {other} boundary, {regime.probability:.2f} / {rest:.2f}"
            assert words in page
            assert words in " ".join(done.stdout.split())


def test_a_fitted_prior_is_written_and_used_by_two_commands(run, tiny, tmp_path):
    path, data = tmp_path / "prior.npz", ["--data", str(tiny.images)]
    assert run("evaluate", tiny.b, *data, "--write-prior", path).exit_code == 0
    shown = run("evaluate", tiny.b, *data, "--prior", path, "--json", tmp_path / "r.json")
    assert shown.exit_code == 0
    assert "prior-of-these-examples" in shown.output
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["provenance"]["prior"] in ("diagonal-normal", "full-normal", "normal-mixture")
    refused = run("evaluate", tiny.a, tiny.b, *data, "--write-prior", path)
    assert refused.exit_code == 2
    assert "--write-prior takes one model" in refused.output


def test_a_store_gives_its_fitted_prior_without_the_model(run, tiny, tmp_path):
    run("evaluate", tiny.b, "--data", tiny.images, "--store", tmp_path / "s.h5")
    assert run("show", tmp_path / "s.h5", "--write-prior", tmp_path / "p.npz").exit_code == 0
    assert (tmp_path / "p.npz").exists()


def test_what_is_wrong_with_several_models_is_said_in_full_once(run, tiny, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((5, 7), dtype="float32"))
    shutil.copy(tiny.a, tmp_path / "c.pt")
    result = run("evaluate", tiny.a, tmp_path / "c.pt", "--data", "x.npy")
    first, *_, last = result.stderr.strip().splitlines()
    assert first.startswith(f"Error: {tiny.a}: ")
    assert last == f"Error: {tmp_path / 'c.pt'}: the same as of {tiny.a}."
