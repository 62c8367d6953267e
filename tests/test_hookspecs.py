import inspect
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pluggy

from genprobe import Family, hookspecs, testing
from genprobe.estimators.quantities import QUANTITIES
from genprobe.plugins import KINDS
from genprobe.plugins.built_in import BuiltIn
from genprobe.probes import PROBE_INPUTS
from genprobe.scaffold import PLUGIN_KINDS, begin_plugin

ROOT = Path(__file__).parents[1]

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


def test_every_hook_says_when_it_is_called():
    said = {name: inspect.getdoc(function) for name, function in specified().items()}
    assert [n for n, text in said.items() if not re.search(r"\bCalled (when|once)\b", text)] == []


def test_no_hook_has_keyword_only_parameters_which_pluggy_would_ignore():
    kinds = {
        (name, p.kind)
        for name, function in specified().items()
        for p in inspect.signature(function).parameters.values()
    }
    assert {(n, k) for n, k in kinds if k != inspect.Parameter.POSITIONAL_OR_KEYWORD} == set()
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    assert {name: tuple(getattr(manager.hook, name).spec.argnames) for name in HOOKS} == HOOKS


def test_every_kind_of_part_has_its_hook():
    collected = [name for name, parameters in HOOKS.items() if not parameters]
    assert collected == [f"genprobe_{kind}" for kind in KINDS]


def test_built_in_parts_of_every_kind_come_through_the_same_hook():
    hooks = {kind: getattr(BuiltIn, f"genprobe_{kind}") for kind in KINDS}
    assert [k for k, hook in hooks.items() if not hasattr(hook, f"{hookspecs.PROJECT}_impl")] == []


def documented():
    return (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_the_documentation_has_every_hook_with_its_signature_and_when_it_is_called():
    text = documented()
    signatures = {
        f"def {name}{inspect.signature(function)}: ...\n".replace("'", "")
        for name, function in specified().items()
    }
    assert {line for line in signatures if line not in text} == set()
    timed = re.findall(r"^\| `(genprobe_\w+)` \| (?:when|once)", text, re.MULTILINE)
    assert set(timed) == set(HOOKS)


def test_the_documentation_has_no_hook_that_does_not_exist():
    assert set(re.findall(r"\bgenprobe_[a-z_]+(?=\(|`)", documented())) == set(HOOKS)


def test_the_documentation_lists_what_a_probe_may_ask_for():
    listed = re.search(r"names say what it needs: (.*?)\. It returns", documented(), re.DOTALL)
    assert re.findall(r"`(\w+)`", listed[1]) == list(PROBE_INPUTS)


def test_the_documentation_has_every_quantity_an_estimator_may_ask_for():
    listed = documented().partition("| quantity | what it is |")[2]
    assert re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE) == list(QUANTITIES)
    for meaning in QUANTITIES.values():
        assert " ".join(meaning.split()).replace("|", "\\|") in listed


def test_the_documentation_says_what_every_field_of_a_family_gives():
    listed = documented().partition("| field of `Family` |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == {f.name for f in fields(Family)}


def test_the_documentation_says_what_every_suite_takes():
    rows = dict(re.findall(r"^\| `(\w+Tests)` \|(.*)", documented(), re.MULTILINE))
    suites = [name for name in testing.__all__ if name.endswith("Tests")]
    taken = {(s, name) for s in suites for name in inspect.get_annotations(getattr(testing, s))}
    assert rows.keys() >= set(suites)
    assert {(suite, name) for suite, name in taken if f"`{name}`" not in rows[suite]} == set()


def test_the_documentation_names_every_kind_of_plugin():
    listed = re.search(r"Kinds are\n(.*?)\.\n", documented(), re.DOTALL)
    assert re.findall(r"`(\w+)`", listed[1]) == list(PLUGIN_KINDS)


def test_the_family_of_the_walkthrough_passes_with_one_file_of_under_forty_lines(
    tmp_path,
):
    code = re.search(r"<!-- family.py -->\n```python\n(.*?)```", documented(), re.DOTALL)[1]
    assert len(code.splitlines()) < 40
    folder = begin_plugin("kumaraswamy", "family", tmp_path)
    (folder / "genprobe_kumaraswamy" / "family.py").write_text(code, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-W", "error", "-k", "Conformance"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, folder],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
