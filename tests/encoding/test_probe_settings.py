import torch

from genprobe.encoding.probe_settings import settings_by_probe, with_settings
from genprobe.encoding.probed_columns import probed_columns
from genprobe.errors import UnavailableError

GIVEN = {"x": torch.zeros(5, 2), "chosen": torch.tensor([0])}


def brightness(x):
    return x.sum(1)[None]


def test_settings_are_those_of_the_probes_that_gave_numbers():
    @with_settings(lambda: {"range": [0, 1]})
    def nothing(x):
        return None

    probes = {
        "bright": with_settings(lambda: {"range": [0, 255]})(brightness),
        "none": nothing,
        "plain": lambda x: x.sum(1)[None],
    }
    arrays, said = probed_columns(GIVEN, probes)
    assert list(arrays) == ["probes/bright", "probes/plain"]
    assert settings_by_probe(said) == {"bright": [{"range": [0, 255]}]}


def test_other_settings_are_kept_apart_and_the_same_ones_are_not():
    codes = set()
    for white in (1, 255, 1):
        probe = with_settings(lambda white=white: {"white": white})(brightness)
        _, [notice] = probed_columns(GIVEN, {"bright": probe})
        codes.add(notice.code)
    assert len(codes) == 2


def test_a_probe_that_does_not_apply_says_why_and_one_at_fault_warns():
    def small(x):
        raise UnavailableError("The images are too small.")

    def broken(x):
        raise UnavailableError("The weights are gone.", "Give others.")

    _, said = probed_columns(GIVEN, {"a_b": small, "c": broken})
    assert [(n.code, n.remedy) for n in said] == [
        ("probe-absent-a-b", ""),
        ("probe-failed-c", "Give others."),
    ]
    assert said[0].message == "The images are too small."
