import pytest
import torch

from genprobe.errors import ModelError
from genprobe.loaders.program import read_program

X = torch.rand(5, 1, 4, 4)
GRAPH = "models/model.json"


def node_of(program, name="conv2d"):
    nodes = program["graph_module"]["graph"]["nodes"]
    [found] = [node for node in nodes if node["target"] == f"torch.ops.aten.{name}.default"]
    return found


def edited(change):
    return {GRAPH: lambda program: change(node_of(program))}


def given(value, name="padding"):
    def mark(node):
        [found] = [i for i in node["inputs"] if i["name"] == name]
        found["arg"] = value

    return edited(mark)


def nested(depth):
    return (b"[" * depth) + (b"]" * depth)


MORE = {"as_tensor": {"name": "more"}}


def twice(program):
    nodes = program["graph_module"]["graph"]["nodes"]
    nodes.insert(0, node_of(program))


def late(program):
    nodes = program["graph_module"]["graph"]["nodes"]
    nodes.append(nodes.pop(nodes.index(node_of(program))))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (given({"as_ints": [2**63]}), "no whole number of 64 bits"),
        (given({"as_ints": [1.5]}), "1.5 is no whole number"),
        (given({"as_ints": [True]}), "True is no whole number"),
        (given({"as_ints": 3}), "does not read as an exported program: TypeError"),
        (given({"as_bool": 1}), "1 is no bool"),
        (given({"as_string": 1}), "1 is no str"),
        (given({"as_float": "much"}), "could not convert"),
        (given({"as_sym_ints": [{"as_ints": [1]}]}), "a list of lists"),
        (given({}), "does not read as an exported program: ValueError"),
        (given(None), "does not read as an exported program: AttributeError"),
        (edited(lambda node: node["inputs"].pop(0)), "gives conv2d no input"),
        (edited(lambda node: node["inputs"][1].update(name="w")), "an argument w, which"),
        (edited(lambda node: node["outputs"].append(MORE)), "names 2 results"),
        (edited(lambda node: node["outputs"].clear()), "nothing makes conv2d"),
        ({GRAPH: twice}, "conv2d is made twice"),
        ({GRAPH: late}, "nothing makes conv2d"),
        ({GRAPH: nested(100_000)}, "does not read as an exported program: RecursionError"),
        ({GRAPH: b'{"schema_version": ' + b"9" * 5000 + b"}"}, "does not read as an exp"),
    ],
)  # fmt: skip
def test_damage_of_the_graph_is_one_clear_line(change, members, words):
    with pytest.raises(ModelError, match=words) as error:
        read_program(change(members))
    assert "\n" not in error.value.what


def test_numbers_that_only_torch_refuses_are_told_as_it_says(change):
    with pytest.raises(ModelError, match=r"conv2d: padding is \[-1, 1\]"):
        read_program(change(given({"as_ints": [-1, 1]})))(X)
