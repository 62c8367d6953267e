"""Imports point one way: a module imports from its own layer and those below, nowhere else."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "genprobe"

LAYERS = (
    {"_version", "errors"},
    {"hookspecs", "types"},
    {"builtin", "manager"},
    {"runtime"},
    {"distributions"},
    {"families"},
    {"priors"},
    {"likelihoods"},
    {"datasets"},
    {"architectures"},
    {"store"},
    {"loaders"},
    {"aggregate"},
    {"encoding"},
    {"probes"},
    {"estimators"},
    {"analysis"},
    {"comparing"},
    {"runs"},
    {"render"},
    {"testing", "scaffold", "demo"},
    {"cli"},
    {"", "__main__"},
)
"""From the lowest to the highest; ``""`` is genprobe/__init__.py, the front door."""

ALLOWED = {
    ("types", "render.data.json"): "Report.to_json and from_json",
    ("types", "render.text.table"): "a Report prints itself",
    ("comparing.comparison", "render.text.comparison"): "a Comparison prints itself",
}
"""Upward imports inside the methods by which a record prints itself, and nowhere else."""

STILL_UPWARD = {
    ("encoding.encode", "probes"),
    ("encoding.pictures", "probes.generative_information"),
    ("encoding.pictures", "estimators.code_moments"),
    ("encoding.pictures", "analysis.notices"),
}

MAY_PRINT = ("cli", "demo.make_bundles")
"""Commands; everything else returns what it has to say, or logs it."""


def name_of(path):
    """``genprobe/store/__init__.py`` to ``store``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}


def running(tree):
    """Every node but those that only type checkers see."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from (deep for other in node.orelse for deep in (other, *running(other)))
        else:
            yield node
            yield from running(node)


def at_the_top(tree):
    """The same without the bodies of functions."""
    for node in running(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = []
        yield node


def imports(code, nodes=running):
    """The modules of genprobe that some code imports, without ``genprobe.``."""
    found = set()
    for node in nodes(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where they point"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        inside = [n.partition(".")[2] for n in names if n.split(".")[0] == "genprobe"]
        found |= {n if n in MODULES else n.rpartition(".")[0] for n in inside}
    return found


def rank(module):
    """The layer of a module."""
    [found] = [i for i, layer in enumerate(LAYERS) if module.split(".")[0] in layer]
    return found


def test_the_walk_sees_imports_in_functions_and_not_those_for_type_checkers():
    code = """
import torch
import genprobe.encoding.encode as e
from genprobe import errors
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from genprobe.types import Model
else:
    from genprobe.store import read
def f():
    from genprobe.cli.main import main
    class A:
        def g(self):
            from genprobe.render.text import table
"""
    found = {"encoding.encode", "errors", "store.read", "cli.main", "render.text.table"}
    assert imports(code) == found
    assert imports(code, at_the_top) == found - {"cli.main", "render.text.table"}


def test_every_module_has_one_layer_and_every_layer_is_there():
    tops = {module.split(".")[0] for module in MODULES}
    assert sorted(tops) == sorted(name for layer in LAYERS for name in layer)


@pytest.mark.parametrize("module", sorted(MODULES.keys() - {"builtin"}))
def test_no_import_points_upward(module):
    upward = {other for other in imports(MODULES[module]) if rank(other) > rank(module)}
    known = ALLOWED.keys() | STILL_UPWARD
    assert upward == {other for source, other in known if source == module}


@pytest.mark.parametrize(("module", "other"), ALLOWED)
def test_an_allowed_upward_import_happens_only_when_it_is_needed(module, other):
    assert other not in imports(MODULES[module], at_the_top)


def test_only_the_manager_imports_the_built_in_plugin_which_imports_the_parts_in_its_hooks():
    assert {m for m, code in MODULES.items() if "builtin" in imports(code)} == {"manager"}
    assert imports(MODULES["builtin"], at_the_top) == {"hookspecs"}


def test_no_module_imports_the_front_door():
    assert {m for m, code in MODULES.items() if "" in imports(code)} == set()


@pytest.mark.parametrize("module", sorted(m for m in MODULES if not m.startswith(MAY_PRINT)))
def test_only_commands_print(module):
    calls = {ast.unparse(n.func) for n in ast.walk(ast.parse(MODULES[module])) if is_call(n)}
    assert not calls & {"print", "click.echo", "rich.print", "sys.stdout.write", "sys.stderr.write"}


def is_call(node):
    return isinstance(node, ast.Call)
