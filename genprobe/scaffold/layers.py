"""The layers of a network as code, read off the names and shapes of its weights.

What has no weights is in no checkpoint: activations, strides, paddings, reshapes and the order in
which layers run are guesses, and marked so.
"""

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isqrt

Shape = tuple[int, ...]
DEEPEST = 24
"""Levels of names that are read."""
MOST_ABSENT = 4
"""Parts of a sequence in a row that may be without weights."""
DECODES = re.compile(r"dec|gen|deconv|upsampl|(^|[._])(up|p|px|out|recon)")
"""In the name of what runs from the code to the data."""


@dataclass(kw_only=True)
class Node:
    """A module: its own weights by name, and its parts.

    Attributes:
        weights: shapes by name.
        parts: by name, in the order of the file.
    """

    weights: dict[str, Shape] = field(default_factory=dict)
    parts: dict[str, "Node"] = field(default_factory=dict)

    @property
    def numbered(self) -> bool:
        """Whether the parts are those of a sequence."""
        return bool(self.parts) and not self.weights and all(p.isdecimal() for p in self.parts)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A layer, or a sequence of layers, that runs as one.

    Attributes:
        path: dotted name.
        node: what it is.
        turned: whether convolutions are transposed of which neither name nor size says.
    """

    path: str
    node: Node
    turned: bool = False

    @property
    def call(self) -> str:
        """The code that names it: ``self.encoder["mean"]``."""
        first, *rest = self.path.split(".")
        start = f"self.{first}" if is_plain(first) else f"self.get_submodule({first!r})"
        return start + "".join(f"[{name}]" if name.isdecimal() else f"[{name!r}]" for name in rest)

    @property
    def known(self) -> bool:
        """Whether every layer within is one that can be built and called."""
        return "ParameterDict" not in code_of(self.node, self.path, "")

    @property
    def matrices(self) -> list[tuple[str, Shape, Shape | None]]:
        """The weights of two axes or more within, with their paths before and biases after."""
        return [(p, s, b) for p, s, b in walk(self.path, self.node) if len(s) > 1]

    @property
    def ends(self) -> tuple[int, int]:
        """How many values or channels go in and come out; of a norm as many as it has, or 0."""
        if not self.matrices:
            size = next((s[0] for _, s, _ in walk(self.path, self.node) if s), 0)
            return size, size
        first, last = self.matrices[0], self.matrices[-1]
        turned = [is_transposed(*each, self.turned) for each in (first, last)]
        return first[1][0 if turned[0] else 1], last[1][1 if turned[1] else 0]

    @property
    def convolves(self) -> tuple[bool, bool]:
        """Whether the first layer is of images, and the last."""
        return (
            bool(self.matrices) and len(self.matrices[0][1]) > 2,
            bool(self.matrices) and len(self.matrices[-1][1]) > 2,
        )


def fits(before: Unit, unit: Unit) -> bool:
    """Whether what one unit gives can be what the next takes, as square images if one convolves.

    Args:
        before: the last that has a matrix.
        unit: the next; one without a matrix, such as a norm, leaves the shape as it is.
    """
    given, taken = before.ends[1], unit.ends[0]
    flat_before, flat = not before.convolves[1], not unit.convolves[0]
    if not unit.matrices or flat_before == flat:
        return given == taken
    many, channels = (given, taken) if flat_before else (taken, given)
    pixels, left = divmod(many, max(1, channels))
    return left == 0 and pixels > 0 and isqrt(pixels) ** 2 == pixels


def is_plain(name: str) -> bool:
    """Whether an attribute can have a name that a file gives."""
    return name.isidentifier() and name.isascii() and not keyword.iskeyword(name)


def side(values: int, channels: int) -> Shape:
    """The shape of square images with so many values.

    >>> side(3136, 64)
    (64, 7, 7)
    """
    length = isqrt(values // max(1, channels))
    return channels, length, length


def tree_of(shapes: Mapping[str, Shape]) -> Node:
    """The modules that some weights are of.

    Args:
        shapes: of the weights by dotted name.
    """
    root = Node()
    for key, shape in shapes.items():
        *places, name = key.split(".", DEEPEST)
        node = root
        for place in places:
            node = node.parts.setdefault(place, Node())
        node.weights[name] = shape
    return root


def walk(path: str, node: Node) -> Iterator[tuple[str, Shape, Shape | None]]:
    """Every weight in a module with the path of what has it, and the bias that is with it."""
    for shape in node.weights.values():
        yield path, shape, node.weights.get("bias")
    for name, part in node.parts.items():
        yield from walk(f"{path}.{name}", part)


def units(node: Node, path: str = "") -> Iterator[Unit]:
    """The layers and sequences in a module, in the order of the file."""
    for name, part in node.parts.items():
        place = f"{path}.{name}" if path else name
        if part.weights or part.numbered:
            yield Unit(path=place, node=part)
        else:
            yield from units(part, place)


def code_of(
    node: Node, path: str, indent: str, images: bool = False, decoder: tuple[str, ...] = ()
) -> str:
    """The code that builds a module whose weights have these names and shapes.

    Args:
        node: what it is.
        path: its dotted name.
        indent: of the line that the code begins on.
        images: whether convolutions stand beside it.
        decoder: how the paths of what decodes begin.

    Example:
        >>> node = tree_of({"0.weight": (3, 2), "0.bias": (3,), "2.weight": (1, 3)})
        >>> print(code_of(node, "net", ""))
        nn.Sequential(
            nn.Linear(2, 3),
            nn.ReLU(),  # a guess: it has no weights
            nn.Linear(3, 1, bias=False),
        )
    """
    if not node.parts:
        return layer(node.weights, path, images, decoder)
    inner = f"{indent}    "
    if node.numbered:
        return "\n".join(["nn.Sequential(", *sequence(node, path, inner, decoder), f"{indent})"])
    lines = [
        f"{inner}{name!r}: {code_of(part, f'{path}.{name}', inner, images, decoder)},"
        for (name, part), images in zip(node.parts.items(), after_images(node, path), strict=True)
    ]
    lines += [f"{inner}# and {k!r} {s}, a weight beside its parts" for k, s in node.weights.items()]
    return "\n".join(["nn.ModuleDict({", *lines, f"{indent}}})"])


def sequence(node: Node, path: str, indent: str, decoder: tuple[str, ...]) -> Iterator[str]:
    """The lines of a sequence; what has no number in the file is taken for an activation."""
    following, before = 0, None
    for number, part in sorted((int(name), part) for name, part in node.parts.items()):
        unit = Unit(path=f"{path}.{number}", node=part)
        absent = min(number - following, MOST_ABSENT)
        guesses = ["nn.ReLU()"] * absent
        if guesses and before is not None and before.convolves[1] != unit.convolves[0]:
            turn = f"nn.Unflatten(1, {side(before.ends[1], unit.ends[0])})"
            guesses[-1] = "nn.Flatten()" if before.convolves[1] else turn
        yield from (f"{indent}{guess},  # a guess: it has no weights" for guess in guesses)
        # A file may name any number; more than a few without weights are no sequence.
        if number - following > absent:
            yield f"{indent}# {number - following - absent} more without weights"
        yield f"{indent}{code_of(part, unit.path, indent, has_images(node), decoder)},"
        following, before = number + 1, unit if unit.matrices else before


def after_images(node: Node, path: str) -> Iterator[bool]:
    """For every part of a module whether what comes before it in the file is images."""
    images = has_images(node)
    for name, part in node.parts.items():
        unit = Unit(path=f"{path}.{name}", node=part)
        images = unit.convolves[1] if unit.matrices else images
        yield images


def has_images(node: Node) -> bool:
    """Whether one of the parts of a module convolves images."""
    return any(len(shape) == 4 for part in node.parts.values() for shape in part.weights.values())


def layer(weights: Mapping[str, Shape], path: str, images: bool, decoder: tuple[str, ...]) -> str:
    """The code of a layer.

    Args:
        weights: their shapes by name.
        path: its dotted name.
        images: whether convolutions stand beside it.
        decoder: how the paths of what decodes begin.
    """
    weight, bias = weights.get("weight"), weights.get("bias")
    known = weights.keys() <= {"weight", "bias"}
    if len(weights.get("running_mean", ())) == 1:
        return batch_norm(weights, images)
    if known and weight is not None and len(weight) in (2, 3, 4, 5):
        return matrix(weight, bias, path, f"{path}.".startswith(decoder))
    if known and weight is not None and len(weight) == 1:
        return f"nn.LayerNorm({weight[0]})" if bias else f"nn.PReLU({weight[0]})"
    held = ", ".join(f"{k!r}: nn.Parameter(torch.zeros({s}))" for k, s in weights.items())
    return f"nn.ParameterDict({{{held}}})"


def batch_norm(weights: Mapping[str, Shape], images: bool) -> str:
    """The code of a batch normalisation; of how many axes no weight says."""
    affine = "" if "weight" in weights else ", affine=False"
    return f"nn.BatchNorm{2 if images else 1}d({weights['running_mean'][0]}{affine})"


def matrix(weight: Shape, bias: Shape | None, path: str, decodes: bool) -> str:
    """The code of a linear layer or a convolution: one that halves an image, or doubles it back."""
    end = "" if bias else ", bias=False"
    if len(weight) == 2:
        return f"nn.Linear({weight[1]}, {weight[0]}{end})"
    turned = is_transposed(path, weight, bias, decodes)
    inputs, outputs = weight[:2] if turned else (weight[1], weight[0])
    kernel = weight[2] if len(set(weight[2:])) == 1 else weight[2:]
    guess = ", stride=2, padding=1" if kernel in (3, 4) else ""
    if kernel == 3 and (turned or decodes):
        guess = f"{guess}, output_padding=1" if turned else ", padding=1"
    kind = f"Conv{'Transpose' * turned}{len(weight) - 2}d"
    return f"nn.{kind}({inputs}, {outputs}, {kernel}{guess}{end})"


def is_transposed(path: str, weight: Shape, bias: Shape | None, decodes: bool = False) -> bool:
    """Whether the weight of a convolution is of a transposed one; by its place if no size says."""
    if len(weight) < 3:
        return False
    if bias and weight[0] != weight[1]:
        return bias[0] == weight[1]
    return decodes or bool(DECODES.search(path.lower()))
