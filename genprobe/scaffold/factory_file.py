"""Writing the file of a factory: one to edit, or one whose network fits a checkpoint's weights."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from genprobe.errors import GenprobeError, ModelError
from genprobe.scaffold.layers import (
    DECODES,
    Node,
    Unit,
    after_images,
    code_of,
    fits,
    is_plain,
    side,
    tree_of,
    units,
)

PLAIN = '''"""For: genprobe evaluate weights.pt --factory {module}:build --data test.npy."""
import genprobe
from torch import nn

def build():  # the network as it was trained; genprobe loads the weights into `module`
    encoder = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 2 * 10))
    decoder = nn.Sequential(nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 784))
    return genprobe.Model(
        name="{module}", module=nn.ModuleDict({{"encoder": encoder, "decoder": decoder}}),
        encode=lambda x: encoder(x.flatten(1)).chunk(2, -1),  # mean and log-variance
        decode=lambda z: {{"logits": decoder(z).reshape(-1, 28, 28)}},  # as the data; or "probs"
        posterior="diagonal-normal", prior="standard-normal", likelihood="bernoulli")
'''
FITTED = '''"""Build the model of {checkpoint}.

    genprobe evaluate {checkpoint} --factory {module}:build --data test.npy

Layers are read off the names and shapes of the weights. What has no weights is a guess:
activations, strides, reshapes, and the order in which layers run. Compare each line with the code
that trained it.

A generator alone, as of a GAN, has no run_encoder: name what is left forward, let build return the
network itself, and evaluate with --observation-scale optimal.
"""

import genprobe
import torch
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
{layers}

    def run_encoder(self, x):  # a guess
        self.shape = x.shape[1:]  # of one example
{encode}

    def run_decoder(self, z):  # a guess
{decode}


def build():
    network = Network()
    return genprobe.Model(
        name={name},
        encode=network.run_encoder,
        decode=network.run_decoder,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",  # or "normal": what the loss was minus the log of
        module=network,
    )
'''
MEAN = re.compile(r"(^|[._])(\w*_)?(mu|mean|loc|means)(_\w+)?$")
SPREAD = re.compile(r"log_?(var|std|sigma|scale)|(^|[._])(var|std|sigma|scale)$|_(var|std)$")
IN_LOGS = re.compile("log_?var|var$")


def begin_factory(path: Path, checkpoint: Path | None = None) -> None:
    """Write the file of a factory, where there is none yet.

    Args:
        path: of the file, ``NAME.py``.
        checkpoint: whose weights its network is to fit; by default a small one to be edited.

    Raises:
        GenprobeError: if the name cannot be that of a module, a file is there, or it cannot be
            written; or if the checkpoint has no weights.
    """
    from genprobe.runtime.output_file import ResultKind, require_writable, write_result

    if not path.stem.isidentifier() or path.suffix != ".py":
        raise GenprobeError(
            f"{path} cannot be imported: it is no name of a module.",
            f"Name it {path.name}.py."
            if path.name.isidentifier()
            else "Name it like mymodel.py: letters, digits and _.",
        )
    # Nobody can tell a factory from any other code, so none that is there is replaced.
    kind = ResultKind(name="empty", wrote=lambda _: False)
    require_writable(path, kind)
    text = PLAIN.format(module=path.stem) if checkpoint is None else fitted(path, checkpoint)
    write_result(path, bytes(text, "utf-8", "backslashreplace"), kind)


def fitted(path: Path, checkpoint: Path) -> str:
    """The text of a factory whose network has the weights of a checkpoint.

    Args:
        path: of the file to be written.
        checkpoint: that is read; nothing in it runs.

    Raises:
        ModelError: if it holds no weights.
    """
    from genprobe.loaders.state_dicts import describe, is_average, state_dicts
    from genprobe.loaders.tensors import read_weights
    from genprobe.runtime.untrusted import require_readable

    require_readable(checkpoint, "checkpoint", folder=True, error=ModelError)
    content = read_weights(checkpoint)
    found = sorted(state_dicts(content), key=lambda s: (is_average(s.key), -len(s.tensors)))
    if not found:
        raise ModelError(
            f"{checkpoint} holds no weights: {describe(content)}.", "Name a checkpoint."
        )
    shapes = {k: tuple(v.shape) for k, v in found[0].tensors.items() if hasattr(v, "shape")}
    shapes = {k: s for k, s in shapes.items() if not k.endswith("num_batches_tracked")}
    plain = re.sub(r"[^\w./ ~+-]", "?", str(checkpoint))
    return factory_text(path.stem, plain, shapes)


def factory_text(module: str, checkpoint: str, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """The text of a factory.

    Args:
        module: that it will be.
        checkpoint: as it is shown.
        shapes: of the weights, by dotted name.
    """
    root = tree_of(shapes)
    encoder, heads, decoder = parts_of(list(units(root)))
    return FITTED.format(
        module=module,
        name=repr(module),
        checkpoint=checkpoint,
        layers="\n".join(
            attributes(root, tuple(f"{unit.path}." for unit in decoder if unit.turned))
        ),
        encode="\n".join(f"        {line}" for line in encode_lines(encoder, heads, decoder)),
        decode="\n".join(f"        {line}" for line in decode_lines(decoder)),
    )


def attributes(root: Node, decoder: tuple[str, ...]) -> Iterator[str]:
    """The lines that build the network's parts.

    Args:
        root: of the network.
        decoder: how the paths of what decodes begin.
    """
    for (name, part), images in zip(root.parts.items(), after_images(root, ""), strict=True):
        code = code_of(part, name, "        ", images, decoder)
        start, end = (f"{name} =", "") if is_plain(name) else (f"add_module({name!r},", ")")
        yield f"        self.{start} {code}{end}"
    for name, shape in root.weights.items():
        yield f"        self.register_parameter({name!r}, nn.Parameter(torch.zeros({shape})))"


def parts_of(every: Sequence[Unit]) -> tuple[list[Unit], list[Unit], list[Unit]]:
    """Which units encode, which give mean and spread, and which decode: as their shapes allow.

    Of all ways to divide them that make two runs, the one by name comes first, then those by order.
    Where none does, the one by name is given, and whoever writes it out stops where it breaks.
    """
    every = [unit for unit in every if unit.known]
    with_weights = [unit for unit in every if unit.matrices]
    heads = [next((u for u in with_weights if p.search(u.path)), None) for p in (MEAN, SPREAD)]
    if None in heads or heads[0] is heads[1]:
        twins = [
            [a, b]
            for a, b in pairwise(with_weights)
            if a.ends == b.ends
            and a.matrices[0][1] == b.matrices[0][1]
            and any(u.ends[0] == a.ends[1] for u in with_weights[with_weights.index(b) + 1 :])
        ]
        heads = [*twins[0]] if twins else []
    pair = [unit for unit in heads if unit is not None]
    rest = [unit for unit in every if unit not in pair]
    decoder = [unit for unit in rest if DECODES.search(unit.path.lower())]
    if not decoder and pair:
        decoder = rest[sum(every.index(u) < every.index(pair[-1]) for u in rest) :]
    by_name = ([unit for unit in rest if unit not in decoder], decoder)
    halves = [(rest[:i], rest[i:]) for i in range(len(rest) + 1)]
    ways = [by_name, *halves, *((last, first) for first, last in halves)]
    ways = [(a, [replace(u, turned=t) for u in b]) for t in (True, False) for a, b in ways]
    able = [way for way in ways if agrees(way[0], pair, way[1])]
    # A decoder gives as much as the encoder takes, but for likelihoods of several parameters.
    round_trips = [way for way in able if way[1][-1].ends[1] == (way[0] or pair)[0].ends[0]]
    encoder, decoder = min(
        round_trips or able or ways[:1],
        key=lambda way: sum(bool(DECODES.search(unit.path.lower())) for unit in way[0]),
    )
    return encoder, pair, decoder


def agrees(encoder: Sequence[Unit], heads: Sequence[Unit], decoder: Sequence[Unit]) -> bool:
    """Whether the shapes of two runs go together, and the decoder takes what the encoder gives."""
    codes = [u for u in decoder if u.matrices][:1]
    coded = [u for u in [*encoder, *heads[:1]] if u.matrices][-1:]
    if not codes or not coded or not unbroken([*encoder, *heads[:1]]) or not unbroken(decoder):
        return False
    size, latent = coded[0].ends[1], codes[0].ends[0]
    return size == latent if heads else size == 2 * latent


def unbroken(run: Sequence[Unit]) -> bool:
    """Whether each unit takes what the one before gives, from the first that has a matrix on."""
    return bool(run) and bool(run[0].matrices) and break_of(run) is None


def break_of(run: Sequence[Unit]) -> int | None:
    """The place of the first unit that does not take what comes before; None if all do."""
    before = None
    for i, unit in enumerate(run):
        if before is not None and not fits(before, unit):
            return i
        before = unit if unit.matrices else before
    return None


def encode_lines(
    encoder: Sequence[Unit], heads: Sequence[Unit], decoder: Sequence[Unit]
) -> Iterator[str]:
    """The lines from x to the parameters of q(z|x)."""
    if not encoder and not heads:
        yield 'raise NotImplementedError("say how x becomes a mean and a log-variance")'
        return
    run = [*encoder, *heads[:1]]
    yield from run_lines("x", run, stop=len(encoder))
    if break_of(run) is not None:
        return
    if len(heads) == 2:
        mean, spread = (f"{unit.call}(h)" for unit in heads)
        if IN_LOGS.search(heads[1].path) or not SPREAD.search(heads[1].path):
            yield f"return {mean}, {spread}  # mean and log-variance"
        else:
            yield f'return {{"loc": {mean}, "scale": {spread}.exp()}}  # if it is a log'
        return
    wide, latent = encoder[-1].ends[1], decoder[0].ends[0] if decoder else 0
    known = f" of {latent}" if latent and wide == 2 * latent else ""
    yield f"return h.chunk(2, 1)  # mean and log-variance{known}"


def decode_lines(decoder: Sequence[Unit]) -> Iterator[str]:
    """The lines from z to the parameters of p(x|z)."""
    if not decoder:
        yield 'raise NotImplementedError("say how z becomes the logits of x")'
        return
    yield from run_lines("z", decoder, stop=len(decoder))
    if break_of(decoder) is not None:
        return
    yield 'return {"logits": h.reshape(-1, *self.shape)}  # or "probs", after a sigmoid'


def run_lines(given: str, run: Sequence[Unit], stop: int) -> Iterator[str]:
    """The lines that run some units one after the other, the result in ``h``.

    Where a unit does not take what comes before, they stop: what runs there is not in the file.

    Args:
        given: to the first.
        run: the units, perhaps with one that only says what comes after.
        stop: how many are to run.
    """
    channels = run[0].ends[0]
    if given == "z":
        yield "h = z"
    elif run[0].convolves[0]:
        yield f"h = x.reshape(-1, {channels}, *x.shape[-2:])"
    else:
        yield "h = x.flatten(1)"
    before, broken = None, break_of(run)
    for i, unit in enumerate(run):
        if i == broken and before is not None:
            left = ", ".join(u.call for u in run[i:])
            yield f"# TODO: {before.call} gives {before.ends[1]}, {unit.call} takes {unit.ends[0]}."
            yield f"# Say what runs here, and after it in which order: {left}"
            yield f'raise NotImplementedError("say what follows {before.path}")'
            return
        if before is not None and unit.matrices:
            if before.convolves[1] and not unit.convolves[0]:
                yield "h = h.flatten(1)"
            if not before.convolves[1] and unit.convolves[0]:
                yield f"h = h.reshape{(-1, *side(before.ends[1], unit.ends[0]))}"
        if i >= stop:
            return
        before = unit if unit.matrices else before
        # A norm comes between a layer and its activation.
        active = i + 1 < len(run) and bool(run[i + 1].matrices)
        yield f"h = {unit.call}(h)" + (".relu()  # a guess" if active else "")
