"""What every version wrote, this one reads as that version did; the README has the rules.

What is read is compared exactly. What is worked out is compared to the rounding by which processors
and their libraries differ.
"""

import hashlib
import json
import math
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import h5py
import jsonschema
import numpy as np
import pytest
import torch
from xxhash import xxh3_128_digest

import genprobe
from genprobe.analysis.regimes import Cuts
from genprobe.errors import GenprobeError
from genprobe.store.report_cache import parse_report
from genprobe.store.sealed_file import MARK, read_seal

HERE = Path(__file__).parent
EXPECTED = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(HERE.glob("*/expected.json"))
}

EXACT = {"rel": 0, "abs": 0}
SUMMED = {"rel": 1e-9, "abs": 1e-12}
"""Float64 from the files' numbers to the result, of a thousand terms at most: sums in any order
agree to a few times 1e-13, and standard errors and fits lose some digits of that."""
DRAWN = {"rel": 1e-6, "abs": 1e-6}
"""log q(z) is at draws in float32, and of pairs in float32 until they are summed. Processors round
both differently, by 1e-7 of values near 1, and means over draws by less: a processor's vector
instructions and none of them are 7e-8 nats apart at most."""
OF_DRAWS = {
    "mutual_information",
    "mutual_information_loo",
    "mutual_information_population_upper",
    "marginal_kl",
    "marginal_kl_population_lower",
    "marginal_kl_population_upper",
    "total_correlation",
}
"""Estimates at draws that a report makes itself; all others are of what a store holds."""
FACTS = (
    *("model", "model_fingerprint", "dataset", "dataset_fingerprint", "n", "event_shape"),
    *("latent_shape", "family", "prior", "likelihood", "discrete", "binarize", "entropy"),
    *("rate_analytic", "draws", "seed", "dtype", "segment", "training", "context", "genprobe"),
)
CUTS = dict.fromkeys(("0.1.0", "0.1.1"), Cuts(semantic_slope=1.0))
"""The default ones of versions whose semantic models had no knee."""
OF_SOME_MODELS = ("levels", "progressive", "tokens", "channels", "grid")
"""Parts of a report of models with many latents, and of codes with places or of classes."""
PLACE = ("label", "probability", "alternatives", "by_position", "by_slope", "entropy")


def facts_of(path):
    """What a store says of itself, as JSON has it."""
    header = genprobe.open_store(path).header
    return json.loads(json.dumps({name: getattr(header, name) for name in FACTS}))


def figures_of(path, **options):
    """The figures of a report that is made from a store."""
    return figures_in(genprobe.report_from_store(genprobe.open_store(path), **options).to_dict())


def figures_in(content):
    """The figures of a report in plain types. Sentences are left out: they may be put better."""
    return {
        "n": content["n"],
        "estimates": content["estimates"],
        "dimensions": content["dimensions"],
        "regime": {name: content["regime"][name] for name in PLACE},
        "warnings": [warning["code"] for warning in content["warnings"]],
        "absent": sorted(content["provenance"]["absent"]),
        **{name: content[name] for name in OF_SOME_MODELS if name in content},
    }


def said_by(path):
    """A model's parts, and what it says of two examples in float64, to which its weights extend."""
    model = genprobe.load(path, trust=path.name == "full-normal.pt")
    x = genprobe.open_dataset(model.training.get("data", "bars.npy")).read(0, 2).double()
    model.module.double().eval()
    with torch.no_grad():
        params = model.encode(x)
        decoded = model.decode(params["loc"])
    named = isinstance(model.prior, str)
    return {
        "name": model.name,
        "posterior": model.posterior,
        "likelihood": model.likelihood,
        "prior": model.prior if named else model.prior.name,
        "prior_params": {} if named else as_lists(model.prior.params),
        "training": dict(model.training),
        "encoded": as_lists(params),
        "decoded": as_lists(decoded),
    }


def as_lists(tensors):
    return {name: values.tolist() for name, values in sorted(tensors.items())}


def pictures_of(path):
    """The grids beside a store, and the names of those that are not there."""
    from genprobe.store.pictures import load_pictures

    pictures = load_pictures(genprobe.open_store(path))
    grids = {
        name: {
            "shape": list(grid.images.shape),
            "rows": list(grid.rows),
            "source": grid.source,
            "sha256": hashlib.sha256(np.ascontiguousarray(grid.images)).hexdigest(),
        }
        for name, grid in pictures.grids.items()
    }
    return {"grids": grids, "absent": sorted(pictures.absent)}


def labels_of(path):
    """The labels in a store by name: their values, their classes, and whether they are leaks."""
    from genprobe.store.labels import read_labels

    found = read_labels(genprobe.open_store(path))
    return {
        name: {
            "values": each.label.values.tolist(),
            "classes": list(each.label.classes),
            "leak": each.leak,
        }
        for name, each in found.items()
    }


def schema(name):
    """The JSON Schema that ships in the package; a comparison's has a report's inside."""
    [path] = Path(genprobe.__file__).parent.rglob(f"{name}.schema.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    if name == "comparison":
        content["$defs"] = {"report": {k: v for k, v in schema("report").items() if k != "$id"}}
    return content


WORKED_OUT_ANEW = {"se", "se_data", "rate_se_data", "remark", "aggregate_kl", "verdict"}
"""How sure an estimate is, what queries say of a dimension, and what there is to do, each version
works out anew."""


def assert_holds(found, expected, near):
    """Whatever was there is there and the same; what a later version adds is passed over."""
    if isinstance(expected, dict):
        assert expected.keys() - WORKED_OUT_ANEW <= found.keys()
        for name, value in expected.items():
            if name not in WORKED_OUT_ANEW:
                assert_holds(found[name], value, near)
    elif isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            assert_holds(one, other, near)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, **near)
    else:
        assert found == expected


def assert_same_figures(found, expected, of_store=SUMMED):
    """Every figure that was there to the tolerance that belongs to it; nothing is lost.

    Args:
        found: figures.
        expected: figures.
        of_store: the tolerance of what is worked out from a store's columns alone.
    """
    near = of_store
    for name, estimate in expected["estimates"].items():
        near = DRAWN if name in OF_DRAWS else of_store
        like = "elbo" if name == "entropy_bound" else name  # it has no error of its own
        errors = [content["estimates"].get(like, estimate)["se"] for content in (found, expected)]
        if None not in errors:  # what is no column of the store is drawn anew
            near = {**near, "abs": max(near["abs"], 4 * math.hypot(*errors))}
        assert_holds(found["estimates"][name], estimate, near)
    assert_holds(found["dimensions"], expected["dimensions"], DRAWN)
    for name in OF_SOME_MODELS:
        if name in expected:
            assert_holds(found[name], expected[name], DRAWN)
    assert found["n"] == expected["n"]
    if "regime" in expected:
        # Its bound on the entropy may be R + D, of which R may be drawn anew.
        assert_holds(found["regime"], expected["regime"], near)
    assert set(expected["warnings"]) <= set(found["warnings"])


def each(*parts):
    """An entry ``(version, name)`` of every name in a part of what is expected."""
    return [
        pytest.param(version, name, id=f"{version}-{name}")
        for version, expected in EXPECTED.items()
        for part in parts
        for name in expected.get(part, ())
    ]


REPORTS = [
    pytest.param(version, asked, id="-".join([version, asked["store"], *asked["options"]]))
    for version, expected in EXPECTED.items()
    for asked in expected["reports"]
]


@pytest.fixture
def expected(version, tmp_path, monkeypatch):
    """What is expected of a version's folder, of which the current one is a copy."""
    shutil.copytree(HERE / version, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield EXPECTED[version]
    sys.modules.pop("own_network", None)


def test_there_is_an_archive():
    assert "0.1.0" in EXPECTED


@pytest.mark.parametrize(("version", "store"), each("facts"))
def test_a_store_says_of_itself_what_it_said(version, store):
    assert_holds(facts_of(HERE / version / store), EXPECTED[version]["facts"][store], EXACT)


@pytest.mark.parametrize(("version", "asked"), REPORTS)
def test_a_store_gives_the_figures_that_it_gave(version, asked):
    options = {"cuts": CUTS.get(version, Cuts()), **asked["options"]}
    found = figures_of(HERE / version / asked["store"], **options)
    assert_same_figures(found, asked["figures"])


@pytest.mark.parametrize("version", EXPECTED)
def test_shards_give_what_the_same_store_in_one_file_gives(version):
    sharded, whole = (
        figures_of(HERE / version / store, max_queries=64) for store in ("sharded.h5", "wide.h5")
    )
    assert sharded == whole


@pytest.mark.parametrize(("version", "store"), each("facts"))
def test_the_report_beside_a_store_is_taken_for_it_by_the_version_that_made_it(
    version, store, expected
):
    text = Path(f"{store}.report.json").read_text(encoding="utf-8")
    [found] = genprobe.compare([store], side_by_side=True, cuts=CUTS.get(version, Cuts())).reports
    assert_same_figures(figures_in(found.to_dict()), figures_in(json.loads(text)))
    # Any other version makes the report again, which may have got more to say.
    if genprobe.__version__ == expected["genprobe"]:
        assert found == parse_report(text)[0]


@pytest.mark.parametrize("version", EXPECTED)
def test_reports_in_json_come_back_as_they_were_written(version):
    paths = sorted((HERE / version).glob("*report.json"))
    assert len(paths) > 1
    for text in (path.read_text(encoding="utf-8") for path in paths):
        content = json.loads(text)
        jsonschema.validate(content, schema("report"))
        assert_holds(genprobe.Report.from_json(text).to_dict(), content, EXACT)


@pytest.mark.parametrize(("version", "store"), each("facts"))
def test_the_report_of_a_store_finds_it(version, store, expected):
    [found] = genprobe.compare([f"{store}.report.json"]).reports
    assert found.store.header == genprobe.open_store(store).header


@pytest.mark.parametrize("version", EXPECTED)
def test_a_comparison_in_json_fits_the_schema_and_its_stores_compare_as_they_did(version, expected):
    content = json.loads(Path("comparison.json").read_text(encoding="utf-8"))
    jsonschema.validate(content, schema("comparison"))
    stores = [f"{model['name']}.h5" for model in content["models"]]
    found = genprobe.compare(stores, sort=content["sort"], cuts=CUTS.get(version, Cuts()))
    plain = ("sort", "side_by_side", "same_measure", "entropy", "best", "reference", "comparisons")
    compared = {
        **{name: getattr(found, name) for name in plain},
        "frontier": [found.names[i] for i in found.frontier],
        "hull": [found.names[i] for i in found.hull],
        "differences": [{**asdict(d), "z": d.z} for d in found.differences],
    }
    assert_holds(compared, {name: content[name] for name in compared}, SUMMED)
    # 0.1.0 took the critical z from a normal; later versions take it from Student's t.
    assert content["critical"] <= found.critical < 1.1 * content["critical"]
    assert list(found.names) == [model["name"] for model in content["models"]]
    for report, model in zip(found.reports, content["models"], strict=True):
        figures, expected_figures = figures_in(report.to_dict()), figures_in(model["report"])
        assert_near_regime(figures.pop("regime"), expected_figures.pop("regime"))
        assert_same_figures(figures, expected_figures)


def assert_near_regime(found, expected):
    """The same label with the same probability, as far as 2000 replicates tell.

    0.1.0 drew the replicates of a comparison from a normal where it resampled those of a report;
    later versions resample both.
    """
    assert found["label"] == expected["label"]
    p = expected["probability"]
    assert found["probability"] == pytest.approx(p, abs=4 * (2 * p * (1 - p) / 2000) ** 0.5)


@pytest.mark.parametrize(("version", "model"), each("models"))
def test_a_model_says_what_it_said(version, model, expected):
    assert_holds(said_by(Path(model)), expected["models"][model], SUMMED)


@pytest.mark.parametrize(("version", "store"), each("pictures"))
def test_the_pictures_beside_a_store_read(version, store):
    assert pictures_of(HERE / version / store) == EXPECTED[version]["pictures"][store]


@pytest.mark.parametrize(("version", "store"), each("labels"))
def test_the_labels_in_a_store_read(version, store):
    assert labels_of(HERE / version / store) == EXPECTED[version]["labels"][store]


@pytest.mark.parametrize(("version", "store"), each("runs"))
def test_the_run_that_wrote_a_store_finds_it_finished(version, store, expected):
    files = {path: path.read_bytes() for path in Path().rglob("*.h5")}
    run = expected["runs"][store]
    if version in ("0.1.0", "0.1.1") and "data" in run:
        # They kept no hash of each example: whether the data are still the same, nobody can tell.
        with pytest.raises(GenprobeError, match=rf"{store} is of genprobe {version}.*\n.*--fresh"):
            genprobe.evaluate(store=store, max_queries=64, **run)
    else:
        report = genprobe.evaluate(store=store, max_queries=64, **run)
        assert facts_of(report.store.path) == expected["facts"][store]
    assert {path: path.read_bytes() for path in Path().rglob("*.h5")} == files


@pytest.mark.parametrize("version", EXPECTED)
def test_an_unfinished_store_is_resumed(version, expected):
    partial = Path("unfinished").rename("unfinished.h5.partial")
    # Draws that no run would make: where they are, the segments are those that were there.
    drawn = [change_a_draw(path, 123.0) for path in sorted(partial.glob("*.h5"))]
    assert len(drawn) > 1
    run = expected["runs"]["wide.h5"]
    store = genprobe.evaluate(store="unfinished.h5", max_queries=64, **run).store
    assert not partial.exists()
    for segment, value in enumerate(drawn):
        assert change_a_draw(store.path, value, segment * store.header.segment) == 123.0
    [asked] = [asked for asked in expected["reports"] if asked["store"] == "wide.h5"]
    # The store's later draws are of this processor too.
    assert_same_figures(figures_of(store.path, **asked["options"]), asked["figures"], DRAWN)


def change_a_draw(path, value, row=0):
    """Put another value into one draw of a store or segment; returns the one that was there."""
    sealed = read_seal(path)
    with h5py.File(path, "r+") as file:  # which cuts a seal off
        found = float(file["draws/z"][-1, row, 0])
        file["draws/z"][-1, row, 0] = value
    if sealed:
        content = path.read_bytes()
        path.write_bytes(content + MARK + xxh3_128_digest(content))
    return found
