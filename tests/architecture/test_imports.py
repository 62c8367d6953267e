"""Imports point one way: a module imports from its own layer and those below, nowhere else."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "genprobe"


def layers():
    """Files and folders from the lowest to the highest, as docs/architecture.md lists them."""
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = text.partition("```text\ngenprobe/\n")[2].partition("```")[0]
    return [line[2:].partition("  ")[0].replace("/", "").split() for line in tree.splitlines()]


LAYERS = [["" if name == "__init__" else name for name in layer] for layer in layers()]

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


def every_node(tree):
    """Every node, also what only type checkers see."""
    return ast.walk(tree)


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


def test_no_import_points_upward():
    upward = {
        f"{module} -> {other}"
        for module, code in MODULES.items()
        for other in imports(code)
        if rank(other) > rank(module)
    }
    assert upward == set()


def test_no_files_import_each_other_in_a_circle():
    arrows = {module: imports(code, every_node) - {""} for module, code in MODULES.items()}
    assert list(circles(arrows)) == []


def circles(arrows):
    """Modules left when those that import none of the left ones are taken away, again and again."""
    left = dict(arrows)
    while free := [m for m, others in left.items() if not others & left.keys() - {m}]:
        for module in free:
            del left[module]
    return left


def test_the_walk_for_circles_finds_them():
    assert set(circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}, "e": set()})) >= {"b", "c"}


def test_no_module_imports_the_front_door():
    assert {m for m, code in MODULES.items() if "" in imports(code)} == set()


def test_only_commands_print():
    says = {"print", "click.echo", "rich.print", "sys.stdout.write", "sys.stderr.write"}
    printing = {
        module
        for module, code in MODULES.items()
        if not module.startswith(MAY_PRINT) and calls(code) & says
    }
    assert printing == set()


def calls(code):
    return {ast.unparse(n.func) for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Call)}
