import pytest
from genprobe_loggers.names import file_name, metrics


def test_every_known_number_has_a_name_and_no_other(evaluate):
    report = evaluate()
    found = metrics(report)
    for name, estimate in report.estimates.items():
        assert found[f"genprobe/{name}"] == estimate.value
        assert found.get(f"genprobe/{name}_se") == estimate.se
        assert found.get(f"genprobe/{name}_se_data") == estimate.se_data


@pytest.mark.parametrize(
    ("model", "training", "name"),
    [
        ("vae", {}, "vae"),
        ("vae", {"epoch": 3}, "vae-epoch-3"),
        ("a/b c:β", {}, "a-b-c-"),
    ],
)
def test_file_names_are_safe(evaluate, model, training, name):
    assert file_name(evaluate(model, **training)) == name
