import dataclasses
import json

import pytest

from genprobe.analysis.regimes import undetermined
from genprobe.errors import GenprobeError
from genprobe.report import Report
from genprobe.report.inference import InferenceReport
from genprobe.runtime import json_schema

BARE = {
    "half_length": None,
    "steps_gain": {},
    "prior_chains": None,
    "simulated": None,
    "curve": (),
}


@pytest.fixture
def empty_report():
    return Report(
        model="m",
        dataset="d",
        n=200,
        estimates={},
        dimensions=(),
        regime=undetermined(None, "nothing is known"),
        warnings=(),
        provenance={},
    )


@pytest.mark.parametrize("changes", [{}, BARE])
def test_it_comes_back_from_json_as_it_was(empty_report, make_inference, changes):
    said = make_inference(**changes)
    report = dataclasses.replace(empty_report, inference=said)
    text = report.to_json()
    assert Report.from_json(text).inference == said
    assert InferenceReport.from_dict(json_schema.parse(text)["inference"]) == said


def test_a_report_without_it_has_no_word_of_it(empty_report):
    content = json.loads(empty_report.to_json())
    assert "inference" not in content
    assert Report.from_json(empty_report.to_json()).inference is None


@pytest.mark.parametrize(
    ("name", "value"), [("chains", "many"), ("curve", [{"beta": 0}]), ("more", 1)]
)
def test_json_that_says_otherwise_is_refused(empty_report, make_inference, name, value):
    content = dataclasses.replace(empty_report, inference=make_inference()).to_dict()
    content["inference"][name] = value
    with pytest.raises(GenprobeError, match="inference"):
        Report.from_json(json.dumps(content))
