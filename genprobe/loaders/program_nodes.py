"""The graph of an exported program, from torch's JSON to steps of listed operations."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.loaders.operations import LARGEST, is_listed, operation
from genprobe.loaders.program_archive import AGAIN, untrusted
from genprobe.loaders.program_graph import Device, Name, Step, WorkingFloat
from genprobe.loaders.program_schema import DTYPES, FLOAT, INPUT, MEMORY_FORMATS, NODE, STRIDED


def whole(value: Any) -> int:
    """A number that fits into 64 bits.

    >>> whole(7)
    7
    >>> whole(2**63)
    Traceback (most recent call last):
    ValueError: 9223372036854775808 is no whole number of 64 bits
    """
    if type(value) is not int or not -LARGEST <= value < LARGEST:
        raise ValueError(f"{str(value)[:40]} is no whole number of 64 bits")
    return value


def of_type(kind: type) -> Callable[[Any], Any]:
    """How what must be of a type is read.

    >>> of_type(bool)(1)
    Traceback (most recent call last):
    ValueError: 1 is no bool
    """

    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{str(value)[:40]} is no {kind.__name__}")
        return value

    return read


READERS: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda value: None,
    "as_int": whole,
    "as_bool": of_type(bool),
    "as_float": float,
    "as_string": of_type(str),
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
            name = content["arg"]["name"]
            if name in state:
                raise ModelError(f"{path} is no program: {name} is made twice.", AGAIN)
            state[name] = tensors[content[SOURCES[kind]]]
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
            f"{path} asks for {target}, which torch {torch.__version__} does not have for tensors.",
            "Export it again with this version of torch.",
        )
    inputs = [(i["name"], read_argument(path, i["arg"])) for i in node["inputs"]]
    step = Step(
        function=function,
        arguments={name: value for name, value in inputs if name},
        positional=[value for name, value in inputs if not name],
        outputs=[read_result(path, output) for output in node["outputs"]],
    )
    require_schema_of(path, step)
    return step


def require_schema_of(path: Path, step: Step) -> None:
    """Check that a step has the arguments and results of its operation.

    Raises:
        ModelError: naming one that is too many or too few.
    """
    if not isinstance(step.function, torch._ops.OpOverload):
        return
    schema, name = step.function._schema, step.function._opname
    known = [argument.name for argument in schema.arguments]
    given = [*known[: len(step.positional)], *step.arguments]
    needed = {a.name for a in schema.arguments if not a.has_default_value()}
    if len(step.positional) > len(known) or len(set(given)) < len(given):
        raise ModelError(f"{path} gives {name} an argument twice, or too many.", AGAIN)
    for argument in sorted(set(given) - set(known)):
        raise ModelError(f"{path} gives {name} an argument {argument}, which it has not.", AGAIN)
    for argument in sorted(needed - set(given)):
        raise ModelError(f"{path} gives {name} no {argument}.", AGAIN)
    if step.outputs and len(step.outputs) != len(schema.returns):
        raise ModelError(
            f"{path} names {len(step.outputs)} results of {name}, which has {len(schema.returns)}.",
            AGAIN,
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
        if any(item.keys() & {*LISTS, *UNIONS} for item in value):
            raise untrusted(path, "has a list of lists")
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
