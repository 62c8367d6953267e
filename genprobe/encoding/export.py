"""Writing a model as exported programs, which evaluate anywhere without its code.

The format is that of ``genprobe.loaders.exported``.
"""

import io
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genprobe._version import __version__
from genprobe.encoding.calls import Calls
from genprobe.encoding.examples import encode_examples
from genprobe.encoding.placement import in_evaluation
from genprobe.encoding.resolve import bind_model, bind_prior
from genprobe.encoding.user_errors import memory_errors
from genprobe.errors import GenprobeError, ModelError, PluginError, UntrustedError, reason_of
from genprobe.loaders.exported import (
    DECODER,
    ENCODER,
    FILES,
    MARK,
    METADATA,
    PRIOR,
    VERSION,
    hash_file,
    load_exported,
)
from genprobe.loaders.facts import require_facts
from genprobe.loaders.open import load, open_dataset, own_data
from genprobe.runtime.output_file import reason
from genprobe.runtime.output_folder import write_folder
from genprobe.types import Model, Params, Prior

log = logging.getLogger("genprobe")

ROWS = 4
CPU = torch.device("cpu")
DRAWS = 16
ROUNDING = 1e-4
"""Relative difference between a model and its export that rounding may make in float32."""
METAS = ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn")
"""Where the graph says what source files it came from."""


def export(model: Model | str | Path, path: str | Path, *, example: Any = None) -> None:
    """Write a model as a folder of programs that evaluates with no code of the user's.

    Encoder and decoder are traced by ``torch.export`` in evaluation mode and float32, for any
    number of examples, and compared with the model afterwards. The example itself is not kept.

    Args:
        model: a Model whose encoder and decoder torch can trace, or a path of one.
        path: of the folder; one that was exported before is replaced.
        example: a few examples (batch, *event), or data to take them from; by default the data
            that the model says it was trained on.

    Raises:
        ModelError: if torch cannot trace it for any number of examples, a part is not a registered
            one, or the program says other than the model (as one that draws random numbers does).

    Example:
        >>> import tempfile, torch
        >>> from genprobe.architectures import MlpVae
        >>> from genprobe.loaders.open import load
        >>> model = MlpVae(data_shape=(4,), latent=2, hidden=(3,)).as_model("small")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export(model, f"{folder}/small", example=torch.rand(3, 4))
        ...     load(f"{folder}/small").likelihood
        'bernoulli'
    """
    model = model if isinstance(model, Model) else load(model)
    target = Path(os.path.realpath(path))
    require_free(target)
    require_facts(dict(model.training), f"The model {model.name!r}")
    if model.condition is not None or model.teacher_forced:
        kind = "teacher-forced" if model.teacher_forced else "conditional"
        raise ModelError(
            f"The model {model.name} is {kind}, and a program has no place for its context.",
            "Evaluate the model itself.",
        )
    if model.chain is not None or model.diffusion is not None:
        what = f"The model {model.name} has a chain of latents, which is no program of one piece."
        raise ModelError(what, "Evaluate the model itself.")
    if not model.encodes:
        what = f"The model {model.name} has no encoder, and an export is of both parts."
        raise ModelError(what, "Evaluate the model itself.")
    x = few(model, example)
    calls = bind_model(model, device=CPU, dtype=torch.float32, batch_size=len(x))
    with in_evaluation(model, CPU, torch.float32):
        params = encode_examples(calls, x, 0)
        prior = require_prior(model, calls.posterior.event_shape(params))
        z = calls.posterior.distribution(params).sample().to(x.dtype)
        try:
            with write_folder(target) as folder:
                write_programs(folder, calls, prior, x, z)
                require_same(calls, folder, x, z)
        except OSError as error:
            raise ModelError(
                f"The exported model cannot be written at {target}: {reason(error)}.",
                "Name another folder, or make room.",
            ) from error


def write_programs(folder: Path, calls: Calls, prior: Prior, x: Tensor, z: Tensor) -> None:
    """Write encoder, decoder, the prior's tensors, and what says how they go together.

    Args:
        folder: empty.
        calls: of the model.
        prior: of the model.
        x: examples (batch, *event) to trace the encoder with.
        z: codes (batch, *latent) to trace the decoder with.
    """
    model, likelihood = calls.model, calls.likelihood
    metadata = {
        "format": MARK,
        "version": VERSION,
        "genprobe": __version__,
        "torch": torch.__version__,
        "name": model.name,
        "family": calls.posterior.name,
        "prior": prior.name,
        "likelihood": None if likelihood is None else likelihood.name,
        "event_shape": list(x.shape[1:]),
        "latent_shape": list(z.shape[1:]),
        "encoder": write_program(folder / ENCODER, calls, "encode", x),
        "decoder": model.decode and write_program(folder / DECODER, calls, "decode", z),
        "training": dict(model.training),
    }
    if prior.params:
        arrays: dict[str, Any] = {k: v.detach().cpu().numpy() for k, v in prior.params.items()}
        np.savez(folder / PRIOR, **arrays)
    write_metadata(folder, metadata)


def require_free(target: Path) -> None:
    """Check that nothing but an earlier export would be replaced.

    Raises:
        ModelError: if there is a file, or a folder with other files.
    """
    if not target.parent.is_dir():
        raise ModelError(f"There is no folder {target.parent}.", "Make it first.")
    if os.path.lexists(target) and not is_replaceable(target):
        raise ModelError(
            f"{target} is there and is not an exported model.", "Name a folder that is not there."
        )


def is_replaceable(folder: Path) -> bool:
    """Whether a folder is empty, or an export of any version and nothing besides."""
    try:
        names = {entry.name for entry in folder.iterdir()}
        if not names or not names <= {METADATA, *FILES}:
            return not names
        content = json.loads((folder / METADATA).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("format") == MARK


def few(model: Model, example: Any) -> Tensor:
    """A few examples (batch, *event) to trace with, at least two.

    Raises:
        GenprobeError: if nothing says where to take them from, or they do not read.
    """
    source = own_data(model) if example is None else example
    if source is None:
        raise ModelError(
            f"The model {model.name} does not say what data it is for.",
            "Give a few examples: genprobe.export(…, example=x).",
        )
    dataset = open_dataset(source)
    x = dataset.read(0, min(ROWS, dataset.n)).float()
    return x if len(x) > 1 else torch.cat([x, x])


def require_prior(model: Model, latent: torch.Size) -> Prior:
    """The model's prior, if it can be rebuilt from its name and tensors.

    Raises:
        ModelError: if it cannot, or what is rebuilt is another density.
    """
    prior = bind_prior(model.prior, latent, {})
    z = prior.sample(DRAWS).double()
    try:
        rebuilt = bind_prior(prior.name, latent, prior.params)
    except (PluginError, ModelError):
        rebuilt = None
    if rebuilt is None or not torch.allclose(rebuilt.log_prob(z), prior.log_prob(z), rtol=ROUNDING):
        raise ModelError(
            f"The prior {prior.name} of {model.name} cannot be rebuilt from its name and tensors.",
            "Use a registered prior; its tensors go into Prior.params.",
        )
    return prior


class Part(nn.Module):
    """Encoder or decoder as a module of its own, for torch to trace.

    Args:
        function: of a batch, to what the model returns.
        module: whose weights it uses.
        read: what was returned to tensors by name.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Any],
        module: nn.Module | None,
        read: Callable[[Any], Params],
    ) -> None:
        super().__init__()
        self.function = function
        self.module = module
        self.read = read

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The tensors in the order of their names; a program that changed x would not be pure."""
        found = self.read(self.function(x.clone()))
        return tuple(found[name] for name in sorted(found))


def write_program(path: Path, calls: Calls, part: str, x: Tensor) -> list[str]:
    """Trace one part of a model and write it; returns the outputs' names.

    Args:
        path: of the file.
        calls: of the model.
        part: ``encode`` or ``decode``.
        x: what it is traced with (batch, ...).

    Raises:
        ModelError: with what torch says, if it cannot be traced for any number of examples.
    """
    model = calls.model
    names = sorted(outputs_of(calls, part, x))
    with tracing(model, part), memory_errors(f"{part} of {model.name}", x.shape), torch.no_grad():
        program = torch.export.export(
            Part(getattr(model, part), model.module, lambda y: calls.read(part, y)).eval(),
            (x,),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            strict=False,
        )
        strip(program)
        content = io.BytesIO()  # torch's own writer does not say that a disk is full
        torch.export.save(program, content)
    path.write_bytes(content.getvalue())
    return names


def outputs_of(calls: Calls, part: str, x: Tensor) -> Params:
    """What ``encode`` or ``decode`` returns for x (batch, ...), by name."""
    return calls.encode(x) if part == "encode" else calls.decoder_outputs(x)


@contextmanager
def tracing(model: Model, part: str) -> Iterator[None]:
    """Turn what torch.export raises into one clear line."""
    try:
        yield
    except GenprobeError:
        raise
    except Exception as error:  # torch.export raises almost anything
        if "specialized it to be a constant" in str(error):
            raise ModelError(
                f"{part} of {model.name} fixes the number of examples, so torch cannot export it.",
                "Use x.shape[0] where it says len(x), int(…) or a number of its own.",
            ) from error
        raise ModelError(
            f"torch cannot export {part} of {model.name}: {reason_of(error)}.",
            "See the documentation of torch.export; without it, save a bundle (genprobe.save).",
        ) from error


def strip(program: torch.export.ExportedProgram) -> None:
    """Take out weights that the part does not use, the example, and paths of source files."""
    nodes = {node.name: node for node in program.graph.nodes}
    for spec in list(program.graph_signature.input_specs):
        if spec.target is not None and not nodes[spec.arg.name].users:
            program.graph.erase_node(nodes[spec.arg.name])
            program.graph_signature.input_specs.remove(spec)
            program.state_dict.pop(spec.target, None)
            program.constants.pop(spec.target, None)
    for node in program.graph.nodes:
        for key in METAS:
            node.meta.pop(key, None)
    program.graph_module.recompile()
    program.example_inputs = None


def write_metadata(folder: Path, metadata: dict[str, Any]) -> None:
    """Write what the folder says of itself, with the hashes of its files."""
    hashes = {file.name: hash_file(file) for file in sorted(folder.iterdir())}
    text = json.dumps({**metadata, "files": hashes}, indent=2)
    (folder / METADATA).write_text(text + "\n", encoding="utf-8")


def require_same(calls: Calls, folder: Path, x: Tensor, z: Tensor) -> None:
    """Check that what was written says what the model says, of any number of examples.

    Args:
        calls: of the model.
        folder: that was written.
        x: examples (batch, *event).
        z: codes (batch, *latent).

    Raises:
        ModelError: naming the part that does not.
    """
    try:
        written = load_exported(folder, trust=False)
    except UntrustedError as error:
        log.warning("It will need --trust: %s", error.what.replace(f"{folder}/", ""))
        written = load_exported(folder, trust=True)
    there = replace(calls, model=written)
    for part, whole in (("encode", x), ("decode", z)) if calls.decodes else (("encode", x),):
        for rows in (whole, whole[:1]):
            require_same_part(calls, there, part, rows)


def require_same_part(calls: Calls, written: Calls, part: str, x: Tensor) -> None:
    """Check that one part of a model and of its export agree about x (batch, ...).

    Raises:
        ModelError: naming the output that differs.
    """
    here, there = outputs_of(calls, part, x), outputs_of(written, part, x)
    for name, values in here.items():
        if values.shape != there[name].shape or not torch.allclose(
            values, there[name], rtol=ROUNDING, atol=ROUNDING
        ):
            raise ModelError(
                f"The exported {part} of {calls.model.name} gives another {name} than the model, "
                f"for {len(x)} examples.",
                "It may draw random numbers, or its graph may depend on the values of its input.",
            )
