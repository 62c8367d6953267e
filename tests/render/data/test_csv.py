import csv
import io

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.data.csv import to_csv


@pytest.fixture
def rows():
    def read(reports, **options):
        return list(csv.DictReader(io.StringIO(to_csv(compare(reports, **options)))))

    return read


def test_a_row_a_model_holds_every_estimate_in_full(rows, make_report):
    report = make_report(shift=1 / 3)
    [row] = rows([report])
    for name, estimate in report.estimates.items():
        assert float(row[name]) == estimate.value
        assert float(row[f"{name}_se"]) == estimate.se
        error = row[f"{name}_se_data"]
        assert (float(error) if error else None) == estimate.se_data
    assert (row["dataset"], row["n"], row["regime"]) == ("digits", "1000", "semantic-encoder")


def test_differences_stand_in_the_row_of_the_model_that_differs(rows, make_report):
    first, second = rows([make_report(model="a"), make_report(model="b", shift=1.0)])
    assert (first["reference"], second["reference"]) == ("1", "0")
    assert first["elbo_difference"] == ""
    assert float(second["elbo_difference"]) == -1
    assert float(second["elbo_difference_se_data"]) == pytest.approx(0.125**0.5)
    assert second["elbo_difference_paired"] == "0"
    assert (first["frontier"], second["frontier"]) == ("1", "0")


def test_what_a_model_lacks_is_empty(rows, make_report):
    full = make_report(model="a")
    less = {k: v for k, v in full.estimates.items() if k != "distortion"}
    found = {row["model"]: row for row in rows([full, make_report(model="b", estimates=less)])}
    assert found["b"]["distortion"] == ""
    assert float(found["a"]["distortion"]) == 70


@pytest.mark.parametrize("name", ['a,"b"', "a b", "模型", "-0.5", "1+1"])
def test_names_come_back_as_they_are(rows, make_report, name):
    assert rows([make_report(model=name)])[0]["model"] == name
