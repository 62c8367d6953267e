"""Plugins and examples import public names only: what the listed modules export."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

from genprobe.scaffold import PLUGIN_KINDS, plugin_files

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
PUBLIC = ["genprobe", *re.findall(r"^\| `(genprobe\.\w+)` \|", API, re.MULTILINE)]


def inner_names(code):
    """What some code imports of genprobe that is not public, as ``module.name``."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("genprobe.")} - set(PUBLIC)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "genprobe":
            names = {alias.name for alias in node.names}
            known = exported(node.module) if node.module in PUBLIC else set()
            found |= {f"{node.module}.{name}" for name in names - known}
    return found


def exported(module):
    return set(import_module(module).__all__)


def test_the_walk_sees_what_is_not_public():
    code = "from genprobe import Model, nothing\nfrom genprobe.store.read import Store\n"
    code += "import genprobe.aggregate\nimport genprobe.store.write\n"
    assert inner_names(code) == {
        "genprobe.nothing",
        "genprobe.store.read.Store",
        "genprobe.store.write",
    }


def test_plugins_and_examples_import_public_names_only():
    files = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    inner = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        if ".nox" not in path.parts and "build" not in path.parts
        for name in inner_names(path.read_text(encoding="utf-8"))
    }
    assert inner == set()


def test_new_plugins_import_public_names_only():
    inner = {
        f"{kind} {path}: {name}"
        for kind in PLUGIN_KINDS
        for path, code in plugin_files("my-part", kind).items()
        if path.endswith(".py")
        for name in inner_names(code)
    }
    assert inner == set()


def test_every_public_module_says_what_it_exports():
    assert [m for m in PUBLIC if not exported(m)] == []
    assert {"genprobe.types", "genprobe.errors", "genprobe.testing", "genprobe.aggregate"} <= {
        *PUBLIC
    }


def test_every_public_function_has_an_example_that_runs_as_a_doctest():
    without = {
        f"{module}.{name}"
        for module in PUBLIC
        for name in exported(module)
        if inspect.isfunction(function := getattr(import_module(module), name))
        and ">>>" not in (function.__doc__ or "")
    }
    assert without == set()
