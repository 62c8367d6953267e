import subprocess
import sys
from functools import partial

import pytest

import genprobe
from genprobe.estimators.report_row import MORE, ReportRow, first_sentence, row_from


def documented(n):
    """Examples that a code
    tells apart. There are more to say.

    And more.
    """


def test_a_plain_function_has_the_row_of_its_name_and_docstring():
    assert row_from("told_apart_by_codes", documented) == ReportRow(
        label="told apart by codes",
        heading="told_apart",
        section=MORE,
        meaning="Examples that a code tells apart.",
    )


def test_what_is_said_of_a_function_is_its_row_and_the_function_stays():
    said = {"label": "a", "heading": "b", "section": "c", "meaning": "d", "unit": "e"}
    made = genprobe.estimator(**said, bound="upper", better="smaller")(documented)
    assert made is documented
    assert row_from("whatever", documented) == ReportRow(**said, bound="upper", better="smaller")
    del documented.genprobe_row


def test_what_is_left_out_is_as_of_a_plain_function():
    @genprobe.estimator(unit="examples")
    def told_apart(n):
        """How many."""

    assert row_from("other", told_apart) == ReportRow(
        label="told apart", heading="told_apart", meaning="How many.", unit="examples"
    )


@pytest.mark.parametrize(
    "odd", [None, 3, partial(documented, 1), lambda n: n], ids=["None", "3", "partial", "lambda"]
)
def test_what_has_no_docstring_of_its_own_means_nothing(odd):
    assert first_sentence(odd) == ""
    assert row_from("odd", odd).label == "odd"


def test_a_plugin_that_says_what_its_row_is_imports_no_torch():
    code = (
        "import sys, genprobe\n"
        "@genprobe.estimator(label='a')\ndef a(n): ...\n"
        "print({'torch', 'h5py', 'numpy', 'rich'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
