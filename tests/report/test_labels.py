import csv
import dataclasses
import io
import json

import numpy as np
import pytest

import genprobe
from genprobe.errors import GenprobeError
from genprobe.render.data.csv import to_csv
from genprobe.report import Estimate, Report
from genprobe.report.labels import LabelDimension, LabelReport, Leak


def estimate(name, value, kind="estimate"):
    return Estimate(name=name, value=value, se=0.01, se_data=0.02, kind=kind, n=100)


def label(**changes):
    per = tuple(
        LabelDimension(
            index=j,
            information=estimate("label_information_index", value),
            leave_one_out=estimate("label_information", value / 2, "lower"),
            class_means=(0.5, None, -1.0),
        )
        for j, value in enumerate((0.1, 1.5))
    )
    entropy = dataclasses.replace(estimate("label_entropy", 2.3), remark="of 10 classes")
    facts = {
        "name": "digit",
        "classes": ("0", "=1", "two"),
        "n": 100,
        "missing": 3,
        "estimates": {
            "label_entropy": entropy,
            "label_information": estimate("label_information", 2.16, "lower"),
        },
        "dimensions": per,
        "informative": (1,),
        "candidate": "quadratic",
        "accuracy": 0.9,
        "saturated": False,
        "leak": Leak(lower=0.4, upper=0.6, p_value=0.01, permutations=99, power=0.02),
    }
    return LabelReport(**{**facts, **changes})


@pytest.fixture(scope="module")
def report():
    found = genprobe.evaluate_posteriors({"loc": np.zeros((20, 2)), "scale": np.ones((20, 2))})
    bare = label(name="b", leak=None, dimensions=(), informative=())
    return dataclasses.replace(found, labels={"digit": label(), "b": bare})


def test_labels_come_back_from_json_as_they_were(report):
    again = Report.from_json(report.to_json())
    assert again.labels == report.labels
    assert again.labels["digit"]["label_information"].value == 2.16


def test_a_report_without_labels_says_nothing_of_them(report):
    assert "labels" not in dataclasses.replace(report, labels={}).to_dict()


@pytest.mark.parametrize("key", ["classes", "estimates", "leak", "dimensions"])
def test_a_label_that_is_not_whole_is_refused(report, key):
    content = json.loads(report.to_json())
    del content["labels"]["digit"][key]
    with pytest.raises(GenprobeError, match=f"digit.*{key}"):
        Report.from_json(json.dumps(content))


def test_an_estimate_that_is_not_there_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match="label_entropy, label_information"):
        label()["rate"]


def test_numbers_of_labels_go_by_the_name_of_the_label(report):
    found = report.scalars()
    assert found["digit.label_information"] == 2.16
    assert found["b.label_entropy_se_data"] == 0.02
    row = genprobe.frame(report).iloc[0]
    assert row["digit.label_information"] == 2.16


def test_a_label_is_a_row_of_a_frame(report):
    table = genprobe.label_frame(report)
    assert table["label"].tolist() == ["digit", "b"]
    first = table.iloc[0]
    assert (first["classes"], first["labelled"], first["missing"]) == (3, 100, 3)
    assert (first["label_information"], first["label_information_se_data"]) == (2.16, 0.02)
    assert (first["informative"], first["leak_lower"]) == ("1", 0.4)
    assert np.isnan(table["leak_upper"][1])


def test_a_label_has_columns_of_a_csv(report):
    [row] = csv.DictReader(io.StringIO(to_csv(genprobe.compare([report]))))
    assert float(row["digit.label_information_se"]) == 0.01
