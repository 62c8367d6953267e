"""Running the graph of an exported program (.pt2) without ``torch.export.load``.

``torch.export.load`` trusts the file in more ways than ``use_pickle``. As of torch 2.13 it

- unpickles payloads that say so, opaque constants whatever they say, legacy weights, and the sample
  inputs of every archive (it tries ``weights_only`` first, and without it next);
- loads shared libraries under ``data/aotinductor``;
- evaluates the expressions of symbolic shapes as Python (``sympy.sympify``);
- compiles ``guards_code`` and the names of graph nodes into Python source;
- imports the modules that the description of its inputs names;
- takes any attribute under ``torch`` for an operation.

None of this is needed to run a graph. Its weights are raw bytes, and each node names an ATen
operation and its arguments. Here the graph is read as data and each node must be on the list of
``genprobe.loaders.operations``; whatever else is there is refused, or is not looked at.
"""

import contextlib
import json
import math
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genprobe.errors import GenprobeError, ModelError, UntrustedError
from genprobe.loaders.operations import is_listed, operation
from genprobe.loaders.read_tensors import first_line

SCHEMA = 8
"""Major version of torch's schema of exported programs."""
WEIGHTS, CONSTANTS, GRAPH = (
    "data/weights/model_weights_config.json",
    "data/constants/model_constants_config.json",
    "models/model.json",
)
MEMBERS = re.compile(
    r"data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)"
    r"|models/model\.json|data/sample_inputs/model\.pt"
    r"|archive_format|archive_version|byteorder|\.data/(version|serialization_id)"
)
FLOAT = 7
DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    FLOAT: torch.float32,
    8: torch.float64,
    9: torch.complex32,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
}
MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
STRIDED = 7


@dataclass(frozen=True)
class Name:
    """The value of that name."""

    text: str


class Device:
    """The device of the input, whatever the program was exported on."""


class WorkingFloat:
    """The dtype of the input where the program says float32, so that it runs in float64 too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One operation of a graph.

    Attributes:
        function: what is called.
        arguments: by name, in the terms of ``resolve``.
        positional: those without a name.
        outputs: names of its results; a list of names is a result that is a list.
        last: names that no later step needs.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    positional: Sequence[Any]
    outputs: Sequence[str | Sequence[str]]
    last: Sequence[str] = ()


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
"""How each kind of argument is read, in the terms of ``resolve``."""
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


class Program(nn.Module):
    """A graph of tensor operations with its weights.

    Args:
        state: weights and constants by their names in the graph.
        given: the name of its one input.
        steps: in order.
        outputs: names of what it returns.
    """

    def __init__(
        self, state: Mapping[str, Tensor], given: str, steps: Sequence[Step], outputs: Sequence[str]
    ) -> None:
        super().__init__()
        for name, values in state.items():
            self.register_buffer(name, values)
        self.given = given
        self.steps = steps
        self.outputs = outputs

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """What the graph makes of x (batch, ...)."""
        values: dict[str, Any] = {**dict(self.named_buffers()), self.given: x}
        for step in self.steps:
            positional = [resolve(argument, values, x) for argument in step.positional]
            named = {k: resolve(argument, values, x) for k, argument in step.arguments.items()}
            bind(step.outputs, step.function(*positional, **named), values)
            for name in step.last:
                del values[name]
        return tuple(values[name] for name in self.outputs)


def resolve(argument: Any, values: Mapping[str, Any], x: Tensor) -> Any:
    """An argument of a step with its names replaced by values."""
    if isinstance(argument, Name):
        return values[argument.text]
    if isinstance(argument, list):
        return [resolve(item, values, x) for item in argument]
    if argument is Device:
        return x.device
    if argument is WorkingFloat:
        return x.dtype if x.is_floating_point() else torch.float32
    return argument


def bind(names: Sequence[str | Sequence[str]], result: Any, values: dict[str, Any]) -> None:
    """Give the results of a step their names."""
    if not names:
        return
    if len(names) == 1:
        result = [result]
    for name, value in zip(names, result, strict=True):
        if isinstance(name, str):
            values[name] = value
        else:
            values.update(zip(name, value, strict=True))


def read_program(path: Path) -> Program:
    """The program in a .pt2 archive, of which nothing runs but listed operations.

    Raises:
        UntrustedError: if it needs more than that.
        ModelError: if it does not read.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        root = require_members(path, archive)
        graph_module = require_schema(path, json.loads(archive.read(root + GRAPH)))
        tensors = {
            **read_payloads(path, archive, root, WEIGHTS),
            **read_payloads(path, archive, root, CONSTANTS),
        }
        state, given = read_inputs(path, graph_module["signature"]["input_specs"], tensors)
        steps = [read_step(path, node) for node in graph_module["graph"]["nodes"]]
        outputs = [read_output(path, spec) for spec in graph_module["signature"]["output_specs"]]
        require_names(path, {*state, given}, steps, outputs)
        return Program(state, given, forget(steps, {*state, *outputs}), outputs)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what damaged bytes raise into one clear line."""
    try:
        yield
    except GenprobeError:
        raise
    except Exception as error:  # almost anything
        raise ModelError(
            f"{path} does not read as an exported program: {type(error).__name__}: "
            f"{first_line(error)}.",
            "Export it again.",
        ) from error


def untrusted(path: Path, reason: str) -> UntrustedError:
    """The error for a program that asks for more than listed operations."""
    return UntrustedError(
        f"{path} {reason}.", "Say that it may: --trust loads it with torch.export.load."
    )


def require_members(path: Path, archive: zipfile.ZipFile) -> str:
    """Check what an archive holds; returns the folder inside it that holds all.

    Raises:
        UntrustedError: naming a member that no program of tensors has.
    """
    names = archive.namelist()
    root = names[0].split("/")[0] + "/"
    for name in names:
        if not name.startswith(root) or not MEMBERS.fullmatch(name.removeprefix(root)):
            raise untrusted(path, f"holds {name}, which torch.export.load may run")
    if len(set(names)) < len(names):
        raise untrusted(path, "holds two members of one name")
    for name, wanted in (("archive_format", b"pt2"), ("byteorder", b"little")):
        if archive.read(root + name) != wanted:
            raise ModelError(f"{path} is not an exported program of this layout: {name}.")
    return root


def require_schema(path: Path, program: Mapping[str, Any]) -> Any:
    """The graph of a program whose schema is the one read here.

    Raises:
        ModelError: if it is another.
    """
    major = program["schema_version"]["major"]
    if major != SCHEMA:
        raise ModelError(
            f"{path} has version {major} of torch's schema; this genprobe reads {SCHEMA}.",
            "Export it again with another version of torch, or upgrade genprobe.",
        )
    return program["graph_module"]


def read_payloads(
    path: Path, archive: zipfile.ZipFile, root: str, config: str
) -> dict[str, Tensor]:
    """The tensors that a config names, from their raw bytes.

    Raises:
        UntrustedError: if one would be unpickled.
    """
    folder = root + config.rpartition("/")[0]
    flat: dict[str, bytearray] = {}
    found = {}
    for name, payload in json.loads(archive.read(root + config))["config"].items():
        member, meta = f"{folder}/{payload['path_name']}", payload["tensor_meta"]
        if payload["use_pickle"] is not False or meta is None:
            raise untrusted(path, f"holds {name} as a pickle, which torch.export.load would run")
        if member not in flat:
            flat[member] = bytearray(archive.read(member))
        found[name] = tensor_of(flat[member], meta)
    return found


def tensor_of(content: bytearray, meta: Mapping[str, Any]) -> Tensor:
    """A strided tensor over raw bytes; torch checks that it stays inside them."""
    sizes, strides = ([int(n["as_int"]) for n in meta[k]] for k in ("sizes", "strides"))
    dtype = DTYPES[meta["dtype"]]
    if meta["layout"] != STRIDED:
        raise ValueError("its tensors are not strided")
    if not math.prod(sizes):
        return torch.empty(sizes, dtype=dtype)
    flat = torch.frombuffer(content, dtype=dtype)
    return flat.as_strided(sizes, strides, int(meta["storage_offset"]["as_int"]))


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
    """An argument of a node, in the terms of ``resolve``.

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


def names_in(argument: Any) -> Iterator[str]:
    """Every name in an argument."""
    if isinstance(argument, Name):
        yield argument.text
    elif isinstance(argument, list):
        for item in argument:
            yield from names_in(item)


def used(step: Step) -> set[str]:
    """Every name that a step needs."""
    arguments = [*step.positional, *step.arguments.values()]
    return {name for argument in arguments for name in names_in(argument)}


def made(step: Step) -> set[str]:
    """Every name that a step gives."""
    return {
        name
        for output in step.outputs
        for name in ([output] if isinstance(output, str) else output)
    }


def require_names(path: Path, known: set[str], steps: Sequence[Step], outputs: list[str]) -> None:
    """Check that every name is given before it is used.

    Raises:
        ModelError: naming one that is not.
    """
    for step in steps:
        if missing := used(step) - known:
            raise ModelError(f"{path} is no program: nothing makes {min(missing)}.")
        known |= made(step)
    if missing := set(outputs) - known:
        raise ModelError(f"{path} is no program: nothing makes {min(missing)}.")


def forget(steps: Sequence[Step], kept: set[str]) -> list[Step]:
    """The steps, each with the names that may go after it, so that memory stays that of eager."""
    needed, lean = set(kept), []
    for step in reversed(steps):
        last = (used(step) | made(step)) - needed
        lean.append(
            Step(
                function=step.function,
                arguments=step.arguments,
                positional=step.positional,
                outputs=step.outputs,
                last=tuple(last),
            )
        )
        needed |= last
    return lean[::-1]
