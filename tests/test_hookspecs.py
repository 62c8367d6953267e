import inspect
import re

import pluggy
import pytest

from genprobe import builtin, hookspecs
from genprobe.manager import KINDS

HOOKS = {
    "genprobe_loaders": (),
    "genprobe_datasets": (),
    "genprobe_families": (),
    "genprobe_priors": (),
    "genprobe_likelihoods": (),
    "genprobe_probes": (),
    "genprobe_estimators": (),
    "genprobe_renderers": (),
    "genprobe_add_commands": ("cli",),
    "genprobe_report_ready": ("report", "store"),
}
"""The public contract: name and parameters."""


def specified():
    return {
        name: function
        for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
        if hasattr(function, f"{hookspecs.PROJECT}_spec")
    }


def test_the_hooks_are_exactly_the_contract():
    found = {k: tuple(inspect.signature(f).parameters) for k, f in specified().items()}
    assert found == HOOKS


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_called(name):
    assert re.search(r"\bCalled (when|once)\b", inspect.getdoc(specified()[name]))


@pytest.mark.parametrize("name", HOOKS)
def test_no_hook_has_keyword_only_parameters_which_pluggy_would_ignore(name):
    parameters = inspect.signature(specified()[name]).parameters.values()
    assert {p.kind for p in parameters} <= {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    assert tuple(getattr(manager.hook, name).spec.argnames) == HOOKS[name]


def test_every_kind_of_part_has_its_hook():
    collected = [name for name, parameters in HOOKS.items() if not parameters]
    assert collected == [f"genprobe_{kind}" for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_built_in_parts_of_every_kind_come_through_the_same_hook(kind):
    assert hasattr(getattr(builtin, f"genprobe_{kind}"), f"{hookspecs.PROJECT}_impl")
