"""A user's encoder and decoder are called in one place."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "genprobe"
PARTS = {"encode", "decode"}

MAY = {
    "encoding/calls.py": "the one place",
    "encoding/export.py": "hands both to torch.export to be traced; compares outputs by calls",
    "loaders/torchscript.py": "wraps the methods of an archive as a Model",
    "architectures/mlp_vae.py": "gives its own methods as a Model",
    "runs/train.py": "trains the reference network, which is not a user's",
    "types/model.py": "checks that a Model with a decoder has a likelihood",
}
"""Files that may name the parts of a model, and why."""


def touches(code):
    """Lines that read ``.encode`` or ``.decode`` of anything but a ``Calls``, or by getattr.

    Without arguments they are the methods of strings and bytes: a model's take at least x or z.
    """
    nodes = list(ast.walk(ast.parse(code)))
    of_text = {
        id(node.func)
        for node in nodes
        if isinstance(node, ast.Call) and not node.args and not node.keywords
    }
    for node in nodes:
        if isinstance(node, ast.Attribute) and node.attr in PARTS and id(node) not in of_text:
            if ast.unparse(node.value).split(".")[-1] != "calls":
                yield node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
            owner, name = ast.unparse(node.args[0]), node.args[1]
            known = isinstance(name, ast.Constant)
            if name.value in PARTS if known else owner.endswith("model"):
                yield node.lineno


def test_the_walk_sees_calls_aliases_and_getattr_and_neither_strings_nor_the_one_place():
    code = """
text.encode()
raw.decode().strip()
model.encode(x)
f = parts.model.decode
g = getattr(model, part)
h = getattr(anything, "decode")
subject.calls.encode(x)
getattr(torch, dtype)
"""
    assert sorted(touches(code)) == [4, 5, 6, 7]


def test_no_other_file_touches_a_models_encoder_or_decoder():
    offenders = [
        f"{path.relative_to(PACKAGE).as_posix()}:{line}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in MAY
        for line in touches(path.read_text(encoding="utf-8"))
    ]
    assert offenders == []


def test_a_chain_of_latents_is_walked_in_two_places():
    walking = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("model.chain")
    }
    assert walking == {"encoding/calls.py", "encoding/chain_calls.py"}


def test_every_file_that_may_still_does():
    silent = [name for name in MAY if not list(touches((PACKAGE / name).read_text("utf-8")))]
    assert silent == []
