import dataclasses
import sys

import pandas as pd
import pytest
import torch

import genprobe
from genprobe.errors import GenprobeError


@pytest.fixture(scope="module")
def reports():
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    made = []
    for scale in (0.3, 0.9):
        model = genprobe.Model(
            name=f"s{scale}",
            encode=lambda x, scale=scale: {"loc": x, "scale": scale + 0 * x},
            posterior="diagonal-normal",
            prior="standard-normal",
            training={"beta": scale, "epoch": 7, "betas": [1, 2]},
        )
        made.append(genprobe.evaluate(model, x))
    return made


def test_there_is_a_row_a_report_and_every_estimate_with_both_errors(reports):
    table = genprobe.frame(reports)
    assert table["model"].tolist() == ["s0.3", "s0.9"]
    for row, report in zip(table.itertuples(), reports, strict=True):
        assert (row.dataset, row.n, row.epoch) == (report.dataset, 60, 7)
        assert row.regime == report.regime.label
        for name, estimate in report.estimates.items():
            assert getattr(row, name) == estimate.value
            for error in ("se", "se_data"):
                value = getattr(row, f"{name}_{error}")
                wanted = getattr(estimate, error)
                assert pd.isna(value) if wanted is None else value == wanted


def test_the_facts_that_reproduce_a_report_are_columns_if_they_fit_a_cell(reports):
    table = genprobe.frame(reports)
    assert table["training.beta"].tolist() == [0.3, 0.9]
    assert table["seed"].tolist() == [0, 0]
    assert table["model_fingerprint"].nunique() == 2
    assert table.map(lambda cell: isinstance(cell, list | dict | tuple)).sum().sum() == 0


def test_what_one_report_lacks_is_nan_in_its_row(reports):
    first = genprobe.Report.from_json(reports[0].to_json())
    less = {k: v for k, v in first.estimates.items() if k != "mutual_information"}
    without = genprobe.Report(**{**vars(first), "estimates": less})
    table = genprobe.frame([without, reports[1]])
    assert table["mutual_information"].isna().tolist() == [True, False]
    assert table["mutual_information"].dtype == float


def test_there_is_a_row_a_latent_dimension(reports):
    table = genprobe.dimension_frame(reports)
    assert table.groupby("model", sort=False)["index"].apply(list).tolist() == [[0, 1, 2]] * 2
    rates = [d.rate for report in reports for d in report.dimensions]
    assert table["rate"].tolist() == rates
    for report, (_, rows) in zip(reports, table.groupby("model", sort=False), strict=True):
        assert rows["rate"].sum() == pytest.approx(report["rate"].value)


def test_without_pandas_the_error_says_what_to_install(reports, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for make in (genprobe.frame, genprobe.dimension_frame):
        with pytest.raises(GenprobeError, match="pip install pandas"):
            make(reports)


def test_a_comparison_gives_its_models_the_names_that_tell_them_apart(reports):
    twins = [dataclasses.replace(r, model="vae") for r in reports]
    comparison = genprobe.compare(twins, origins=["one.pt", "two.pt"])
    names = genprobe.frame(comparison)["model"].tolist()
    assert sorted(names) == ["one", "two"]
    assert sorted(set(genprobe.dimension_frame(comparison)["model"])) == sorted(names)


def test_paths_are_read_as_compare_reads_them(reports, tmp_path):
    path = tmp_path / "r.json"
    path.write_text(reports[0].to_json())
    for given in (path, str(path), [path]):
        assert genprobe.frame(given)["model"].tolist() == ["s0.3"]
    with pytest.raises(GenprobeError, match=r"There is no store or report at a\.h5"):
        genprobe.frame("a.h5")
