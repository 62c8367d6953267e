import subprocess
import sys

import pytest
import torch
from torch.distributions import Normal

from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.plugins import plugins
from genprobe.testing import FamilyTests
from genprobe.testing.suite import (
    plain_prior,
    provided,
    require_one_device,
    support_of,
    unchanged,
)
from genprobe.types import PriorFactory

PARAMS = {"loc": torch.zeros(2, 3), "scale": torch.ones(2, 3)}


def owners(kind, name):
    return [part.owner for part in plugins().parts(kind) if part.name == name]


def test_parts_are_provided_for_a_while():
    mine = PriorFactory(name="mine", build=lambda event_shape, params: None)
    with provided(priors=[mine]), provided(estimators={"count": len}):
        assert plugins().get("priors", "mine") is mine
        assert plugins().get("estimators", "count") is len
    assert owners("priors", "mine") == owners("estimators", "count") == []


def test_parts_go_when_a_test_fails():
    with pytest.raises(ZeroDivisionError), provided(estimators={"count": len}):
        raise ZeroDivisionError
    assert owners("estimators", "count") == []


def test_a_part_that_is_there_is_not_provided_twice():
    with provided(families=[diagonal_normal]):
        assert owners("families", "diagonal-normal") == ["builtin"]


THREE_LINES = """
import torch
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.testing import FamilyTests

class TestMine(FamilyTests):
    part = diagonal_normal
    params = {"loc": torch.tensor([[0.0], [1.0]]), "scale": torch.tensor([[1.0], [2.0]])}

class TestNothing(FamilyTests):
    pass
"""


def test_three_lines_are_a_suite_and_two_say_what_is_missing(tmp_path):
    (tmp_path / "test_mine.py").write_text(THREE_LINES)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    tests = len([name for name in dir(FamilyTests) if name.startswith("test_")])
    assert f"{tests} passed, {tests} errors" in done.stdout
    assert "TestNothing must say part = …" in done.stdout


def test_the_plain_prior_is_the_first_posterior():
    prior, factory = plain_prior(diagonal_normal, PARAMS)
    z = prior.sample(4)
    truth = Normal(0.0, 1.0).log_prob(z).sum(1)
    torch.testing.assert_close(prior.log_prob(z), truth)
    again = factory.build(torch.Size([3]), prior.params)
    torch.testing.assert_close(again.log_prob(z.view(2, 2, 3)), truth.view(2, 2))


def test_a_change_in_place_is_seen():
    assert unchanged(PARAMS, lambda params: params["loc"] + 1)
    assert not unchanged(PARAMS, lambda params: params["loc"].add_(1))
    assert not unchanged(PARAMS, lambda params: params.clear())


def test_devices_that_meet_are_told():
    require_one_device(lambda device: torch.ones(3, device=device), "it")
    require_one_device(
        lambda device: torch.ones(3, device=device) * float(torch.ones((), device=device)), "it"
    )
    with pytest.raises(AssertionError, match="it lies on cpu for inputs on meta"):
        require_one_device(lambda device: torch.ones(3), "it")
    with pytest.raises(AssertionError, match="it fails with inputs on meta"):
        require_one_device(lambda device: torch.ones(3) + torch.ones(3, device=device), "it")


def test_a_distribution_that_says_nothing_of_its_support_is_told():
    class Silent(Normal):
        support = None

    with pytest.raises(AssertionError, match="Silent does not state its support"):
        support_of(Silent(0.0, 1.0))


def test_without_pytest_the_suites_say_what_to_install():
    code = "import sys; sys.modules['pytest'] = None; import genprobe; import genprobe.testing"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 1
    assert done.stderr.endswith(
        "ModuleNotFoundError: genprobe.testing needs pytest, which is not installed.\n"
        "Install it with: pip install 'genprobe[test]'\n"
    )
