"""The graph of an exported program, from torch's JSON to steps of listed operations."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.loaders.operations import is_listed, operation
from genprobe.loaders.program_archive import untrusted
from genprobe.loaders.program_graph import Device, Name, Step, WorkingFloat
from genprobe.loaders.program_schema import DTYPES, FLOAT, INPUT, MEMORY_FORMATS, NODE, STRIDED

READERS: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda value: None,
    "as_int": int,
    "as_bool": bool,
    "as_float": float,
    "as_string": str,
    "as_name": lambda value: Name(str(value)),
    "as_tensor": lambda value: Name(str(value["name"])),
    "as_scalar_type": lambda value: WorkingFloat if value == FLOAT else DTYPES[value],
    "as_memory_format": lambda value: MEMORY_FORMATS[value],
    "as_layout": lambda value: torch.strided,
    "as_device": lambda value: Device,
}
"""How each kind of argument is read, in the terms of ``program_graph.resolve``."""
LISTS = {
    "as_ints": "as_int",
    "as_bools": "as_bool",
    "as_floats": "as_float",
    "as_strings": "as_string",
    "as_tensors": "as_tensor",
}
"""Lists of one kind."""
UNIONS = ("as_optional_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools")
"""Lists whose items each say what they are."""
SOURCES = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}


def read_inputs(
    path: Path, specs: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], str]:
    """Weights by their names in the graph, and the name of the one input.

    Raises:
        UntrustedError: if it takes anything else.
    """
    state, given = {}, []
    for spec in specs:
        ((kind, content),) = spec.items()
        if kind in SOURCES:
            state[content["arg"]["name"]] = tensors[content[SOURCES[kind]]]
        elif kind == "user_input":
            given.append(content["arg"]["as_tensor"]["name"])
        else:
            raise untrusted(path, f"takes a {kind.replace('_', ' ')}")
    if len(given) != 1:
        raise ModelError(f"{path} takes {len(given)} tensors; a part of a model takes one.")
    return state, given[0]


def read_output(path: Path, spec: Mapping[str, Any]) -> str:
    """The name of one value that a program returns.

    Raises:
        ModelError: if it changes its own weights instead.
    """
    ((kind, content),) = spec.items()
    if kind != "user_output":
        raise ModelError(
            f"{path} changes a {kind.split('_')[0]} as it runs.",
            "Export the module in evaluation mode.",
        )
    name: str = content["arg"]["as_tensor"]["name"]
    return name


def read_step(path: Path, node: Mapping[str, Any]) -> Step:
    """One node of a graph.

    Raises:
        UntrustedError: if its operation, or an argument, is not one of those listed.
        ModelError: if torch lacks its operation.
    """
    target = node["target"]
    for found, known in ((node, NODE), *((i, INPUT) for i in node["inputs"])):
        if new := [field for field in found.keys() - known if found[field]]:
            raise untrusted(path, f"sets {min(new)} of {target}, which this genprobe does not know")
    if not is_listed(target):
        raise untrusted(path, f"asks for {target}, which is not on genprobe's list of operations")
    function = operation(target)
    if function is None:
        raise ModelError(
            f"{path} asks for {target}, which torch {torch.__version__} does not have.",
            "Export it again with this version of torch.",
        )
    inputs = [(i["name"], read_argument(path, i["arg"])) for i in node["inputs"]]
    return Step(
        function=function,
        arguments={name: value for name, value in inputs if name},
        positional=[value for name, value in inputs if not name],
        outputs=[read_result(path, output) for output in node["outputs"]],
    )


def read_argument(path: Path, argument: Mapping[str, Any]) -> Any:
    """An argument of a node, in the terms of ``program_graph.resolve``.

    Raises:
        UntrustedError: if it is a function, a graph or an object.
    """
    ((kind, value),) = argument.items()
    if kind in LISTS:
        return [read_argument(path, {LISTS[kind]: item}) for item in value]
    if kind in UNIONS:
        return [read_argument(path, item) for item in value]
    if kind in READERS and (kind != "as_layout" or value == STRIDED):
        return READERS[kind](value)
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        return read_argument(path, value)
    raise untrusted(path, f"has an argument {kind.removeprefix('as_').replace('_', ' ')}")


def read_result(path: Path, output: Mapping[str, Any]) -> str | list[str]:
    """The name of a result of a node, or its names if it is a list."""
    ((kind, value),) = output.items()
    if kind == "as_tensor":
        return str(value["name"])
    if kind == "as_tensors":
        return [str(item["name"]) for item in value]
    if kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
        return str(value["as_name"])
    raise untrusted(path, f"has a result {kind.removeprefix('as_').replace('_', ' ')}")
