"""What arguments of an operation must fulfil, where torch itself does not check it.

Each rule is here because torch reads or writes outside of its tensors without it, or leaves its
result uninitialised.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from genprobe.errors import ModelError


def require_safe(function: Any, arguments: Mapping[str, Any]) -> None:
    """Check the arguments of an operation that has a rule.

    Args:
        function: an operation.
        arguments: by name.

    Raises:
        ModelError: naming the operation and the rule.

    >>> import torch
    >>> x, short = torch.ones(4, 3), torch.ones(2)
    >>> norm = torch.ops.aten.batch_norm.default
    >>> require_safe(norm, {"input": x, "weight": short})
    Traceback (most recent call last):
    genprobe.errors.ModelError: An exported program's batch_norm: weight is not of shape (3,).
    Export it again.
    """
    if function._overloadname == "vec":  # which calls one that has the sizes
        return
    rule = RULES.get(function._opname.removesuffix("_"))
    fault = rule(arguments) if rule else None
    if fault:
        raise ModelError(f"An exported program's {function._opname}: {fault}.", "Export it again.")


LARGEST = 1 << 10
"""Of what a convolution steps, pads or spreads by."""
WIDEST = 1 << 20
"""Of what a pooling has under a window."""
Rule = Callable[[Mapping[str, Any]], str | None]
"""What is wrong with arguments, None if nothing is."""


def in_bounds(arguments: Mapping[str, Any]) -> str | None:
    """A strided view stays within the memory of its tensor."""
    x, size, stride = (arguments[name] for name in ("self", "size", "stride"))
    offset = arguments.get("storage_offset")
    offset = x.storage_offset() if offset is None else offset
    if len(size) != len(stride) or min((*size, *stride, offset)) < 0:
        return f"size is {size}, stride {stride}, storage_offset {offset}"
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    there = x.untyped_storage().nbytes() // x.element_size()
    fits = last < there or (0 in size and offset <= there)
    return None if fits else f"it ends at element {last} of {there}"


def by_channel(arguments: Mapping[str, Any]) -> str | None:
    """Statistics and weights have one value a channel."""
    x = arguments["input"]
    if x.dim() < 2:
        return "it has no channels"
    for name in ("weight", "bias", "running_mean", "running_var"):
        values = arguments.get(name)
        if values is not None and values.shape != x.shape[1:2]:
            return f"{name} is not of shape {tuple(x.shape[1:2])}"
    return None


def by_direction(arguments: Mapping[str, Any]) -> str | None:
    """A weight norm has one length for each index of its dimension."""
    v, g, dim = arguments["v"], arguments["g"], arguments.get("dim", 0)
    if not v.numel():
        return "v is empty"
    if not -1 <= dim < v.dim():
        return f"dim is {dim}"
    wanted = [n if axis == dim else 1 for axis, n in enumerate(v.shape)]
    # Over the whole tensor there is one length.
    fits = g.numel() == 1 if dim == -1 else list(g.shape) == wanted
    return None if fits else f"g is not of shape {tuple(wanted)}"


def by_direction_in_order(arguments: Mapping[str, Any]) -> str | None:
    """The part of a weight norm that takes its tensors for contiguous."""
    if not (arguments["v"].is_contiguous() and arguments["g"].is_contiguous()):
        return "v or g is not contiguous"
    return by_direction(arguments)


def by_group(arguments: Mapping[str, Any]) -> str | None:
    """The sizes of a group norm are those of its input, with one weight a channel."""
    x, group = arguments["input"], arguments["group"]
    n, c, size = (arguments[name] for name in ("N", "C", "HxW"))
    if x.dim() < 2 or (n, c) != tuple(x.shape[:2]) or size != math.prod(x.shape[2:]):
        return f"N, C and HxW are not those of a tensor of shape {tuple(x.shape)}"
    if group < 1 or c % group:
        return f"group is {group}"
    return by_channel(arguments)


def finite_grid(arguments: Mapping[str, Any]) -> str | None:
    """The places that a grid sampler reads are numbers, its modes some that there are."""
    grid, modes = arguments["grid"], 2 if arguments["input"].dim() == 5 else 3
    if arguments["interpolation_mode"] not in range(modes):
        return f"interpolation_mode is {arguments['interpolation_mode']}"
    if arguments["padding_mode"] not in range(3):
        return f"padding_mode is {arguments['padding_mode']}"
    if not grid.is_meta and not grid.isfinite().all():
        return "its grid is not finite"
    return None


def by_axis(n: int) -> Rule:
    """A pooling over n axes has n sizes, or one for all; its input is an image, or a batch."""

    def fault(arguments: Mapping[str, Any]) -> str | None:
        x = arguments["self"]
        if x.dim() not in (n + 1, n + 2):
            return f"its input is of shape {tuple(x.shape)}"
        for name in ("kernel_size", "stride", "padding", "dilation", "output_size"):
            found = arguments.get(name) or [0] * n
            if len(found) not in (1, n) or not all(0 <= k <= WIDEST for k in found):
                return f"{name} is {found}"
        return None

    return fault


def by_kernel(arguments: Mapping[str, Any]) -> str | None:
    """A convolution over one to three axes, with numbers that a model may have."""
    x, weight = arguments["input"], arguments["weight"]
    n = weight.dim() - 2
    if n not in (1, 2, 3) or x.dim() not in (n + 1, n + 2):
        return f"it has an input of shape {tuple(x.shape)}, a weight of {tuple(weight.shape)}"
    for name in ("stride", "padding", "dilation", "output_padding"):
        found = arguments.get(name) or [0]
        if not isinstance(found, str) and not all(0 <= k <= LARGEST for k in found):
            return f"{name} is {found}"
    return None if arguments.get("groups", 1) > 0 else f"groups is {arguments['groups']}"


def of_one_scale(arguments: Mapping[str, Any]) -> str | None:
    """The scales of an upsampling, where it has any, are those of its sizes."""
    x, sizes = arguments["self"], arguments["output_size"]
    for name, axis in (("scales", -1), ("scales_w", -1), ("scales_h", -2), ("scales_d", -3)):
        scale = arguments.get(name)
        if scale is not None and int(x.shape[axis] * scale) != sizes[axis]:
            return f"{name} is {scale} from {x.shape[axis]} to {sizes[axis]}"
    return None


def small_power(arguments: Mapping[str, Any]) -> str | None:
    """The power of a matrix has an end."""
    return None if abs(arguments["n"]) <= WIDEST else f"n is {arguments['n']}"


def by_gate(gates: int) -> Rule:
    """A recurrent layer has weights of the sizes of its input and its state."""

    def fault(arguments: Mapping[str, Any]) -> str | None:
        x, hx, params = arguments["input"], arguments["hx"], arguments["params"]
        states = hx if isinstance(hx, list) else [hx]
        cells = arguments["num_layers"] * (1 + arguments["bidirectional"])
        each = 2 * (1 + arguments["has_biases"])
        if x.dim() != 3 or cells < 1 or len(params) not in (cells * each, cells * (each + 1)):
            return f"it has {len(params)} weights for an input of shape {tuple(x.shape)}"
        batch = x.shape[0 if arguments["batch_first"] else 1]
        projected = len(params) > cells * each
        each += projected
        given = x.shape[2]
        for cell in range(cells):
            own = [tuple(w.shape) for w in params[cell * each : (cell + 1) * each]]
            hidden, out = own[1][0] // gates, own[1][-1]
            wide = (gates * hidden,)
            width = given if cell < 1 + arguments["bidirectional"] else out * cells_of(arguments)
            wanted = [(*wide, width), (*wide, out), wide, wide][: each - projected]
            wanted += [(out, hidden)] if projected else []
            if own != wanted or (hidden != out and not projected):
                return f"it has weights of the shapes {own}"
            shapes = [(cells, batch, out), (cells, batch, hidden)]
            if any(tuple(s.shape) != shape for s, shape in zip(states, shapes, strict=False)):
                return f"it has a state of shape {tuple(states[0].shape)}"
        return None if len(states) == (2 if gates == LSTM else 1) else "it lacks a state"

    return fault


def cells_of(arguments: Mapping[str, Any]) -> int:
    """How many cells a recurrent layer has: one a direction."""
    return 2 if arguments["bidirectional"] else 1


LSTM = 4
"""Gates of an LSTM."""
POOLINGS = {
    f"{kind}_pool{n}d": n
    for kind in ("avg", "max", "adaptive_avg", "adaptive_max")
    for n in (1, 2, 3)
}
UPSAMPLINGS = """
    upsample_linear1d upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d upsample_nearest1d
    upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d
    _upsample_nearest_exact3d
"""
RULES: Mapping[str, Rule] = {
    "as_strided": in_bounds,
    "matrix_power": small_power,
    **dict.fromkeys(UPSAMPLINGS.split(), of_one_scale),
    **dict.fromkeys(("native_batch_norm", "batch_norm", "_native_batch_norm_legit"), by_channel),
    "_native_batch_norm_legit_no_training": by_channel,
    "native_group_norm": by_group,
    "_weight_norm": by_direction,
    "_weight_norm_interface": by_direction_in_order,
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d", "grid_sampler_3d"), finite_grid),
    **{name: by_axis(n) for name, n in POOLINGS.items()},
    **{f"max_pool{n}d_with_indices": by_axis(n) for n in (1, 2, 3)},
    **{f"_adaptive_avg_pool{n}d": by_axis(n) for n in (2, 3)},
    **{f"conv{n}d": by_kernel for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": by_kernel for n in (1, 2, 3)},
    "convolution": by_kernel,
    **{"gru": by_gate(3), "lstm": by_gate(LSTM), "rnn_tanh": by_gate(1), "rnn_relu": by_gate(1)},
}
"""By the name of the operation."""
BY_VALUES = frozenset({"grid_sampler", "grid_sampler_2d", "grid_sampler_3d"})
"""Operations whose rule looks at values, so at every call."""
