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

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genprobe.errors import UntrustedError
from genprobe.loaders.program_archive import (
    CONSTANTS,
    GRAPH,
    WEIGHTS,
    read_payloads,
    reading,
    require_members,
)
from genprobe.loaders.program_graph import Program, forget, require_names
from genprobe.loaders.program_nodes import read_inputs, read_output, read_step
from genprobe.loaders.program_schema import VERSIONS


def read_program(path: Path) -> Program:
    """The program in a .pt2 archive, of which nothing runs but listed operations.

    Args:
        path: of the archive, of a program with one input.

    Returns:
        A module that returns a tuple of tensors.

    Raises:
        UntrustedError: if it needs more than that.
        ModelError: if it does not read.

    Example:
        >>> import tempfile, torch
        >>> x = torch.tensor([[-3.0, 4.0]])
        >>> program = torch.export.export(torch.nn.ReLU(), (x,))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.export.save(program, f"{folder}/positive.pt2")
        ...     read_program(Path(folder) / "positive.pt2")(x)
        (tensor([[0., 4.]]),)
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


def require_schema(path: Path, program: Mapping[str, Any]) -> Any:
    """The graph of a program whose schema is one of those read here.

    Raises:
        UntrustedError: if it is another, which torch alone reads.
    """
    version = program["schema_version"]
    if version["major"] in VERSIONS:
        return program["graph_module"]
    raise UntrustedError(
        f"{path} was exported by torch {program.get('torch_version')}, with version "
        f"{version['major']}.{version['minor']} of its schema, which this genprobe does not read.",
        f"Export it again with torch {' or '.join(VERSIONS.values())}, or upgrade genprobe; "
        "--trust loads it with torch.export.load.",
    )
