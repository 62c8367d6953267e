import dataclasses

import pytest
import torch

import genprobe
from genprobe.analysis.regimes import DEFAULT_CUTS
from genprobe.comparing.difference import Difference, critical_z
from genprobe.errors import GenprobeError
from genprobe.runtime.progress import Progress
from genprobe.types import Estimate, Notice, Regime, Report


def report(
    name,
    rate,
    distortion,
    entropy=None,
    source="this model's R + D",
    data="same",
    label="undetermined",
):
    """A report of given R and D; its own bound is R + D unless one is given."""
    bound = rate + distortion if entropy is None else entropy
    values = {"rate": rate, "distortion": distortion, "elbo": -rate - distortion}
    return Report(
        model=name,
        dataset="digits",
        n=100,
        estimates={
            k: Estimate(name=k, value=v, se=0.0, se_data=0.0, kind="estimate")
            for k, v in values.items()
        },
        dimensions=(),
        regime=Regime(
            label=label,
            probability=1.0,
            alternatives=(),
            by_position=None,
            by_slope=None,
            entropy=bound,
            entropy_source=source,
            reasons=(),
        ),
        warnings=(),
        provenance={"dataset_fingerprint": data, "regime_cuts": dataclasses.asdict(DEFAULT_CUTS)},
    )


MODELS = [
    report("auto", 156, 4.8),
    report("semantic", 6.2, 74.0, label="semantic-encoder"),
    report("none", 0.0, 80.6),
]


def test_all_share_the_smallest_bound_and_its_source():
    found = genprobe.compare(MODELS)
    assert found.entropy == pytest.approx(80.2)
    assert found.entropy_source == "R + D of semantic"
    assert {r.regime.entropy for r in found.reports} == {found.entropy}


def test_a_bound_of_the_data_set_keeps_its_source():
    given = report("given", 10, 75, entropy=70.0, source="the data set")
    found = genprobe.compare([*MODELS, given])
    assert (found.entropy, found.entropy_source) == (70.0, "the data set")


def test_a_bound_that_is_given_is_shared_where_it_is_the_least():
    reports = [report("a", 10, 75), report("b", 20, 66)]
    found = genprobe.compare(reports, entropy=70.0)
    assert (found.entropy, found.entropy_source) == (70.0, "given")
    assert {r.regime.entropy for r in found.reports} == {70.0}
    assert genprobe.compare(reports, entropy=90.0).entropy == 85


def test_regimes_are_read_again_under_the_shared_bound():
    # Alone, 4.8 / (4.8 + 156) and 8.1 / (8.1 + 120.3) are both below the cut of an autoencoder.
    models = [report("syntactic", 120.3, 8.1), *MODELS]
    labels = {r.model: r.regime.label for r in genprobe.compare(models).reports}
    assert labels == {
        "none": "autodecoder",
        "semantic": "semantic-encoder",
        "syntactic": "syntactic-encoder",
        "auto": "autoencoder",
    }


def test_reports_come_with_the_best_elbo_first_and_by_rate_where_none_compares():
    found = genprobe.compare(MODELS)
    assert [r.model for r in found.reports] == ["semantic", "none", "auto"]
    assert found.best == "semantic"
    apart = genprobe.compare(MODELS, side_by_side=True)
    assert [r.model for r in apart.reports] == ["none", "semantic", "auto"]


def test_different_data_are_refused_by_name_with_the_way_out():
    with pytest.raises(
        GenprobeError, match=r"auto .* and other .*different data.*\n.*side_by_side"
    ):
        genprobe.compare([*MODELS, report("other", 1, 2, data="else")])


def test_side_by_side_each_keeps_its_own_bound_and_nothing_is_compared():
    other = report("other", 1, 2, data="else")
    found = genprobe.compare([*MODELS, other], side_by_side=True)
    assert [r.regime for r in found.reports if r.model == "other"] == [other.regime]
    assert {r.regime.entropy for r in found.reports} == {3, 80.2, 80.6, 160.8}
    assert (found.entropy, found.best, found.reference) == (None, "", None)
    assert found.frontier == found.hull == found.differences == ()
    assert found.best_value("elbo") is None


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("rate", ["none", "semantic", "auto"]),
        ("distortion", ["auto", "semantic", "none"]),
        ("elbo", ["semantic", "none", "auto"]),
        ("name", ["auto", "none", "semantic"]),
    ],
)
def test_models_are_sorted_the_better_end_first(sort, order):
    assert list(genprobe.compare(MODELS, sort=sort).names) == order


def test_models_without_what_is_sorted_by_come_last():
    bare = report("bare", 1.0, 2.0)
    bare = dataclasses.replace(bare, estimates={"rate": bare["rate"]})
    for sort, order in {"elbo": ["semantic", "none", "auto"], "name": ["auto"]}.items():
        names = list(genprobe.compare([bare, *MODELS], sort=sort).names)
        assert names[: len(order)] == order
        assert (names[-1] == "bare") == (sort == "elbo")


def test_an_unknown_order_or_reference_lists_the_known():
    with pytest.raises(GenprobeError, match=r"'beauty'.*\n.*name, distortion, elbo, rate"):
        genprobe.compare(MODELS, sort="beauty")
    with pytest.raises(GenprobeError, match=r"'nobody'.*\n.*auto, semantic, none"):
        genprobe.compare(MODELS, against="nobody")


def test_frontier_and_hull_are_positions_in_the_order_shown():
    models = [*MODELS, report("inner", 100, 40), report("beaten", 157, 80)]
    found = genprobe.compare(models, sort="name")
    named = [found.names[i] for i in found.frontier]
    assert named == ["none", "semantic", "inner", "auto"]
    assert [found.names[i] for i in found.hull] == ["none", "semantic", "auto"]


def test_differences_are_from_the_best_elbo_or_the_one_named():
    found = genprobe.compare(MODELS)
    assert (found.reference, found.comparisons) == ("semantic", 3)
    values = {d.first: d.value for d in found.differences if d.name == "elbo"}
    assert values == {"none": pytest.approx(-0.4), "auto": pytest.approx(-80.6)}
    named = genprobe.compare(MODELS, against="auto")
    assert (named.reference, named.comparisons) == ("auto", 2)
    assert {d.second for d in named.differences} == {"auto"}


def told(*differences, **options):
    """Models beside the best, ``first``, with (value, error, paired) of their ELBO from it."""
    models = [report(f"m{i}", 1.0 + i, 5.0) for i in range(len(differences))]
    found = genprobe.compare([report("first", 0.5, 5.0), *models], **options)
    apart = [
        Difference(
            first=f"m{i}",
            second=found.reference,
            name="elbo",
            value=value,
            se=0.0,
            se_data=error,
            n=100,
            paired=paired,
        )
        for i, (value, error, paired) in enumerate(differences)
    ]
    return dataclasses.replace(found, differences=tuple(apart))


# Of three models any of three pairs might be compared: |z| > 2.4353 at 5 % in all, which is the
# t of 99 degrees of freedom by scipy.
CLEAR, CLOSE, ALONE = (-2.44, 1.0, True), (-2.43, 1.0, True), (-9.0, 1.0, False)


@pytest.mark.parametrize(
    ("differences", "certain", "rivals"),
    [
        ([CLEAR, CLEAR], True, ()),
        ([CLEAR, CLOSE], False, ("m1",)),
        ([CLOSE, CLOSE], False, ("m0", "m1")),
        ([CLEAR, ALONE], None, ()),
        ([CLOSE, ALONE], False, ("m0",)),
        ([CLEAR, (-9.0, None, True)], None, ()),
        ([CLEAR, (0.0, 0.0, True)], False, ("m1",)),
        ([CLEAR, (-0.1, 0.0, True)], True, ()),
    ],
)
def test_the_best_is_certain_if_every_other_is_worse_beyond_doubt(differences, certain, rivals):
    found = told(*differences)
    assert (found.best, found.best_is_certain, found.rivals) == ("first", certain, rivals)


def test_how_large_a_difference_must_be_is_worked_out_once(monkeypatch):
    limits = []

    def counted(*args):
        limits.append(args)
        return critical_z(*args)

    monkeypatch.setattr("genprobe.comparing.comparison.critical_z", counted)
    found = told(*[CLOSE] * 30)
    assert (len(found.rivals), found.best_is_certain, found.to_ship) == (30, False, "first")
    assert len(limits) == 1


def test_differences_from_another_model_say_nothing_of_the_best():
    found = told((9.0, 1.0, True), (9.0, 1.0, True), against="m0")
    assert (found.best, found.best_is_certain, found.rivals) == ("first", None, ())


def test_naming_the_winner_afterwards_makes_it_no_surer():
    found = told((-9.0, 1.0, True), (-9.0, 1.0, True), against="first")
    assert (found.best, found.reference) == ("first", "first")
    assert found.best_is_certain is None


def test_a_difference_of_another_estimate_makes_no_best_certain():
    found = told(CLEAR, CLOSE)
    rates = tuple(dataclasses.replace(d, name="rate") for d in found.differences)
    assert dataclasses.replace(found, differences=rates).best_is_certain is None


def test_one_model_alone_is_compared_with_nothing():
    found = genprobe.compare(MODELS[:1])
    assert (found.reference, found.differences, found.best) == (None, (), "auto")
    assert found.best_value("elbo") is None
    assert (found.best_is_certain, found.rivals) == (None, ())


def test_models_with_a_rate_alone_are_compared_by_it():
    bare = [report(k, r, 1.0) for k, r in {"a": 2.0, "b": 3.0}.items()]
    bare = [dataclasses.replace(r, estimates={"rate": r["rate"]}) for r in bare]
    found = genprobe.compare(bare)
    assert (found.best, found.frontier, found.reference) == ("", (), "a")
    assert [(d.name, d.value) for d in found.differences] == [("rate", 1.0)]


@pytest.mark.parametrize("by", ["density-distortion", "bernoulli-on-grey", "bins"])
def test_distortions_of_several_kinds_are_not_ranked(by):
    one, other = report("one", 1.0, 3.0), report("other", 2.0, 1.0)
    if by == "bins":
        one, other = (
            dataclasses.replace(r, provenance={**r.provenance, "bin_width": w})
            for r, w in ((one, 0.1), (other, 0.2))
        )
    else:
        other = dataclasses.replace(other, warnings=[Notice(code=by, message="", remedy="")])
    found = genprobe.compare([one, other])
    assert not found.same_measure
    assert (found.best, found.frontier, found.best_value("distortion")) == ("", (), None)
    assert {d.name for d in found.differences} == {"rate"}


def test_models_of_one_name_are_told_apart():
    found = genprobe.compare([report("vae", 1, 5), report("vae", 2, 3)], origins=["x.pt", "y.pt"])
    assert found.names == ("y", "x")
    assert found.best == "y"
    assert found.entropy_source == "R + D of y"


def test_nothing_is_refused():
    with pytest.raises(GenprobeError, match="nothing to compare"):
        genprobe.compare([])


def test_a_model_without_a_place_keeps_its_regime():
    lost = report("density", 3.0, -40.0)
    lost = dataclasses.replace(lost, regime=dataclasses.replace(lost.regime, entropy=None))
    found = genprobe.compare([lost, *MODELS])
    assert found.entropy == pytest.approx(80.2)
    assert next(r for r in found.reports if r.model == "density").regime == lost.regime


def test_stores_and_report_files_stand_beside_reports(tmp_path):
    x = torch.randint(2, (50, 3), generator=torch.Generator().manual_seed(0)).float()

    def model(name, spread):
        return genprobe.Model(
            name=name,
            encode=lambda x: {"loc": spread * x, "scale": torch.full_like(x, 0.5)},
            decode=lambda z: {"logits": spread * z},
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood="bernoulli",
        )

    stored = genprobe.evaluate(model("stored", 1.0), x, store=tmp_path / "s.h5")
    written = genprobe.evaluate(model("written", 2.0), x)
    (tmp_path / "r.json").write_text(written.to_json(), encoding="utf-8")
    kept = genprobe.evaluate(model("kept", 0.5), x)
    found = genprobe.compare([tmp_path / "s.h5", str(tmp_path / "r.json"), kept])
    assert [r.model for r in found.reports] == ["kept", "stored", "written"]
    rates = [r["rate"].value for r in found.reports]
    assert rates == [r["rate"].value for r in (kept, stored, written)]
    paired = {d.first: d.paired for d in found.differences}
    paired[found.reference] = True
    assert paired["stored"]
    assert paired["kept"]


@pytest.mark.parametrize("content", [None, b"{", b'{"a": 1}', b"neither"])
def test_a_file_that_is_neither_is_told(tmp_path, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GenprobeError):
        genprobe.compare([path])


def test_how_many_are_read_is_told_a_display():
    told = []
    shown = Progress(
        advance=lambda stage, done, total: told.append((stage, done, total)),
        say=lambda stage, text: None,
    )
    genprobe.compare(MODELS, progress=shown)
    assert told == [("models", 1, 3)] * 3
