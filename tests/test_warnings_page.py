"""Every warning has a section of its own in docs/warnings.md, where warnings link to."""

import ast
import importlib
import re
from pathlib import Path

from genprobe.encoding.probed import failure_code
from genprobe.encoding.probed_columns import ESSENTIAL
from genprobe.plugins import plugins

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "warnings.md").read_text(encoding="utf-8")
OF_EVERY_PROBE = "probe-failed"
IN_VERDICTS = {"encoder-gap", "inference-gap", "posterior-collapse"}
"""Findings that the verdict states without a warning."""


def anchors():
    """The names that a link to the page may end in."""
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    return [*headings, *re.findall(r"^\((.+)\)=$", PAGE, re.MULTILINE)]


def codes(source):
    """The codes that some Python gives to notices, or has findings of."""
    tree = ast.parse(source)
    constants, found = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            constants |= assigned(node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("genprobe."):
            module = importlib.import_module(node.module)
            constants |= {a.asname or a.name: getattr(module, a.name, None) for a in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in ("Notice", "Finding"):
            given = [k.value for k in node.keywords if k.arg == "code"]
            found |= {literal(value, constants) for value in given}
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found |= {literal(k, constants) for k, v in pairs if name_of(v) == "Finding"}
    return found - {None}


def assigned(node):
    """The names that an assignment binds to text, also several at once."""
    [target] = node.targets[:1]
    both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
    pairs = zip(target.elts, node.value.elts, strict=False) if both else [(target, node.value)]
    return {k.id: literal(v, {}) for k, v in pairs if isinstance(k, ast.Name)}


def literal(node, constants):
    if isinstance(node, ast.Name):
        value = constants.get(node.id)
        return value if isinstance(value, str) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def name_of(node):
    return getattr(getattr(node, "func", None), "id", None)


def every_code():
    """All that a report can have; what shows reports only words their warnings in another way."""
    files = [*(ROOT / "genprobe").rglob("*.py"), *(ROOT / "plugins").glob("*/genprobe_*/**/*.py")]
    shipped = [f for f in files if not {"render", "testing"} & {*f.parts}]
    of_sources = {code for f in shipped for code in codes(f.read_text(encoding="utf-8"))}
    probes = plugins().all("probes").keys() - {*ESSENTIAL}
    return of_sources | {OF_EVERY_PROBE} | {failure_code(name) for name in probes} | IN_VERDICTS


def test_the_walk_sees_every_way_to_give_a_code():
    source = """
A, B = "a", "b"
C = "c"
from genprobe.report import FAILED
Notice(code=FAILED, message="")
Notice(code=A, message="", remedy="")
Notice(code=B, message="", remedy="")
Notice(message=Notice(code=C), code="d")
FINDINGS = {"e": Finding(condition=""), C: Finding(condition=""), "f": other()}
Model(encode=1, code="g")
Finding(code="h")
"""
    assert codes(source) == {"a", "b", "c", "d", "e", "h", "estimator-failed"}


def test_every_code_has_one_section_and_every_section_a_code():
    assert len(anchors()) == len(set(anchors()))
    assert set(anchors()) == every_code()


def test_sections_are_in_order():
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert headings == sorted(headings)


def test_every_section_says_what_it_means_and_what_to_do():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert [s.splitlines()[0] for s in sections if "**What it means.**" not in s] == []
    assert [s.splitlines()[0] for s in sections if "hat to do.**" not in s] == []
