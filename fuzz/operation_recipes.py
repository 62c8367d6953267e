"""Calls of operations: arguments that fit, of which some are replaced by hostile ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from fuzz.operation_arguments import (
    DTYPES,
    FLOATS,
    LAYOUTS,
    SIZES,
    Given,
    argument,
    sizes,
    usual,
    whole,
)
from genprobe.loaders.operations import operation


@dataclass(frozen=True)
class Call:
    """A call of an operation, by its target, with arguments by name."""

    target: str
    arguments: Mapping[str, Any]


def image(r: Random, n: int) -> tuple[int, ...]:
    """A shape (batch, channels, …) with n axes of space."""
    return (r.randint(1, 3), r.randint(1, 4), *(r.randint(1, 9) for _ in range(n)))


def picture(r: Random, shape: tuple[int, ...]) -> Given:
    """A tensor of a shape."""
    return Given(shape, layout=r.choice(LAYOUTS), gradient=r.random() < 0.4)


def norm(r: Random) -> dict[str, Any]:
    """Arguments of a batch norm or an instance norm."""
    shape = image(r, r.randint(0, 3))
    names = ("weight", "bias", "running_mean", "running_var")
    found = {name: Given(shape[1:2], gradient=r.random() < 0.3) for name in names}
    found |= {"input": picture(r, shape)}
    return {**found, "momentum": 0.1, "eps": 1e-5, "training": r.random() < 0.5}


def group(r: Random) -> dict[str, Any]:
    """Arguments of a group norm."""
    n, c, size = r.choice(SIZES), r.choice((2, 4, 6)), r.choice(SIZES)
    found = {"input": Given((n, c, size)), "weight": Given((c,)), "bias": Given((c,))}
    return {**found, "N": n, "C": c, "HxW": size, "group": 2, "num_groups": 2, "eps": 1e-5}


def layer(r: Random) -> dict[str, Any]:
    """Arguments of a layer norm."""
    shape = image(r, 1)
    own = Given(shape[1:], gradient=r.random() < 0.5)
    found = {"input": Given(shape), "normalized_shape": list(shape[1:]), "weight": own}
    return {**found, "bias": own, "eps": 1e-5}


def convolution(r: Random, n: int, transposed: bool = False) -> dict[str, Any]:
    """Arguments of a convolution."""
    shape, out, kernel = image(r, n), r.randint(1, 4), [r.randint(1, 3) for _ in range(n)]
    pair = (shape[1], out) if transposed else (out, shape[1])
    found = {"input": picture(r, shape), "weight": Given((*pair, *kernel))}
    found |= {name: usual(r, 1, n) for name in ("stride", "padding", "dilation")}
    found |= {"bias": Given((out,)), "output_padding": usual(r, 0, n), "groups": 1}
    return {**found, "transposed": transposed}


def pool(r: Random, n: int) -> dict[str, Any]:
    """Arguments of a pooling."""
    found = {name: usual(r, k, n) for name, k in (("kernel_size", 2), ("stride", 2))}
    found |= {name: usual(r, k, n) for name, k in (("dilation", 1), ("padding", 0))}
    found |= {"self": picture(r, image(r, n))}
    return {**found, "output_size": [r.randint(1, 6) for _ in range(n)]}


def unpool(r: Random, n: int) -> dict[str, Any]:
    """Arguments of what undoes a pooling."""
    found = pool(r, n)
    index = Given(found["self"].shape, torch.int64, r.choice(("index", "wild", "huge")))
    return {**found, "indices": index}


def columns(r: Random) -> dict[str, Any]:
    """Arguments of the columns of an image, and back."""
    found = pool(r, 2)
    return {**found, "self": Given((1, 4 * r.randint(1, 3), 4)), "output_size": [4, 4]}


def upsampling(r: Random, n: int) -> dict[str, Any]:
    """Arguments of an upsampling."""
    found: dict[str, Any] = {name: picture(r, image(r, n)) for name in ("self", "input")}
    names = ("scales", "scales_d", "scales_h", "scales_w")
    found |= {name: r.choice((None, None, *FLOATS)) for name in names}
    found |= {"output_size": r.choice((None, [r.randint(1, 20) for _ in range(n)]))}
    return {**found, "scale_factors": [r.choice((2.0, 0.5, *FLOATS))] * n, "align_corners": False}


def grid(r: Random, n: int) -> dict[str, Any]:
    """Arguments of a grid sampler."""
    shape = image(r, n)
    values = r.choice(("normal", "nan", "huge", "wild"))
    places = Given((shape[0], *image(r, n)[2:], n), values=values, gradient=r.random() < 0.5)
    ints = {name: r.choice((0, 1, 2, whole(r))) for name in ("interpolation_mode", "padding_mode")}
    return {"input": picture(r, shape), "grid": places, **ints, "align_corners": r.random() < 0.5}


def recurrent(r: Random, gates: int) -> dict[str, Any]:
    """Arguments of a GRU, an LSTM or a plain recurrent layer."""
    t, batch, size, hidden = (r.randint(1, 4) for _ in range(4))
    state, wide = Given((1, batch, hidden)), gates * hidden
    params = [(wide, size), (wide, hidden), (wide,), (wide,)]
    if r.random() < 0.5:
        params[r.randint(0, 3)] = r.choice(
            (sizes(r, 2), (wide + 4, size), (wide, hidden + 1), (1,))
        )
    found = {"input": Given((t, batch, size)), "hx": [state, state] if gates == 4 else state}
    found |= {"params": [Given(shape) for shape in params], "has_biases": True, "num_layers": 1}
    return {**found, "dropout": 0.0, "train": False, "bidirectional": False, "batch_first": False}


def indexed(r: Random) -> dict[str, Any]:
    """Arguments of what gathers or scatters."""
    shape = sizes(r, 3, 1)
    values = r.choice(("index", "index", "wild", "huge"))
    index = Given(shape, torch.int64, values, r.choice(LAYOUTS))
    line = Given(shape[:1], torch.int64, values)
    found = {name: Given(shape) for name in ("self", "src", "source", "values", "mask")}
    found |= {"weight": Given((4, 3)), "value": 1.0, "dim": r.randint(-1, 2), "reduce": "amax"}
    found |= {"mask": Given(shape, torch.bool), "condition": Given(shape, torch.bool)}
    return {**found, "other": Given(shape), "index": r.choice((index, line)), "indices": index}


def along(r: Random) -> dict[str, Any]:
    """Arguments of what writes some rows."""
    shape = sizes(r, 3, 1)
    index = Given(shape[:1], torch.int64, r.choice(("index", "zero", "wild")), r.choice(LAYOUTS))
    found = {name: Given(shape) for name in ("self", "source", "src")}
    return {**found, "dim": 0, "index": index, "value": 1.0}


def padded(r: Random, n: int) -> dict[str, Any]:
    """Arguments of a padding."""
    return {"self": Given(image(r, n)), "padding": usual(r, 1, 2 * n)}


def points(r: Random) -> dict[str, Any]:
    """Arguments of distances and cross products."""
    found = {name: Given((r.randint(0, 3), 3)) for name in ("x1", "x2")}
    return {**found, "self": Given((3, 3)), "other": Given((3, 3)), "dim": -1, "p": 2.0}


def classes(r: Random) -> dict[str, Any]:
    """Arguments of what makes columns of classes."""
    values = r.choice(("index", "wild"))
    return {"self": Given(sizes(r, 2), torch.int64, values), "num_classes": r.choice((5, whole(r)))}


def several(r: Random) -> dict[str, Any]:
    """Arguments of an index along several axes."""
    shape = sizes(r, 4, 1)
    index = [
        r.choice(
            (
                None,
                Given(
                    (r.choice((1, 3)),), torch.int64, r.choice(("index", "wild")), r.choice(LAYOUTS)
                ),
                Given(shape[:1], torch.bool, "normal"),
            )
        )
        for _ in shape
    ]
    return {
        "self": Given(shape),
        "indices": index,
        "values": Given(()),
        "accumulate": r.random() < 0.5,
    }


def matrix(r: Random) -> dict[str, Any]:
    """Arguments of decompositions."""
    n, dtype = r.randint(0, 6), r.choice((torch.float32, torch.float64, torch.complex64))
    values = r.choice(("normal", "nan", "huge", "zero"))
    square = Given((n, n), dtype, values, r.choice(LAYOUTS), r.random() < 0.5)
    names = ("self", "A", "B", "input", "input2", "other")
    return {**dict.fromkeys(names, square), "tau": Given((n,), dtype)}


def product(r: Random, left: str) -> dict[str, Any]:
    """Arguments of products of matrices and vectors, of which ``left`` is called self."""
    b, n, k, m = (r.choice((0, 1, 2, 3, 5)) for _ in range(4))
    dtype, gradient = r.choice(DTYPES), r.random() < 0.5

    def of(*shape: int) -> Given:
        return Given(shape, dtype, layout=r.choice(LAYOUTS), gradient=gradient)

    found = {"mat1": of(n, k), "mat": of(n, k), "batch1": of(b, n, k), "batch2": of(b, k, m)}
    found |= {"vec": of(k), "vec1": of(n), "vec2": of(m), "sum": of(n, m), "sums": of(b, n, m)}
    return {**found, "self": found[left], "mat2": of(b, k, m) if left == "batch1" else of(k, m)}


def attention(r: Random) -> dict[str, Any]:
    """Arguments of attention."""
    b, h, n, m, d = (r.randint(1, 4) for _ in range(5))
    gradient = r.random() < 0.5
    found = {"query": Given((b, h, n, d), gradient=gradient), "key": Given((b, h, m, d))}
    mask = r.choice((None, Given((n, m)), Given((m,), torch.bool), Given((n, m, 7))))
    found |= {"value": Given((b, h, m, d)), "attn_mask": mask}
    return {**found, "dropout_p": 0.0, "is_causal": mask is None}


def weights(r: Random) -> dict[str, Any]:
    """Arguments of a weight norm."""
    shape, dim = sizes(r, 4, 1), r.randint(-1, 1)
    lengths = [n if axis == dim else 1 for axis, n in enumerate(shape)]
    gradient = r.random() < 0.5
    return {"v": Given(shape, gradient=gradient), "g": Given(tuple(lengths)), "dim": dim}


def affine(r: Random) -> dict[str, Any]:
    """Arguments of a grid of affine maps."""
    n = r.randint(2, 3)
    return {"theta": Given((2, n, n + 1)), "size": [2, 1, *(r.randint(1, 4) for _ in range(n))]}


def equation(r: Random) -> dict[str, Any]:
    """Arguments of an einsum."""
    text, count = r.choice((("ij,jk->ik", 2), ("...i,...i", 2), ("ii->i", 1), ("ij,kl,mn->ikm", 3)))
    return {"equation": text, "tensors": [Given((3, 3))] * count}


def of_rank(function: Callable[..., dict[str, Any]], *more: Any) -> Callable[[Random], Any]:
    """A recipe with some of its arguments."""
    return lambda r: function(r, *more)


DECOMPOSITIONS = """
    cholesky cholesky_solve det inverse linalg_cholesky linalg_cholesky_ex linalg_det linalg_eigh
    linalg_householder_product linalg_inv linalg_inv_ex linalg_lu linalg_matrix_exp linalg_qr
    linalg_slogdet linalg_solve linalg_solve_triangular linalg_svd logdet matrix_exp slogdet
    triangular_solve matrix_power linalg_matrix_norm linalg_norm
"""
INDEXED = """
    gather scatter scatter_add scatter_reduce index_select take take_along_dim embedding masked_fill
    masked_select masked_scatter where
"""
POOLINGS = ("avg_pool", "max_pool", "adaptive_avg_pool", "adaptive_max_pool", "_adaptive_avg_pool")
UPSAMPLINGS = (
    *(("upsample_linear1d", 1), ("upsample_bilinear2d", 2), ("upsample_trilinear3d", 3)),
    *(
        (f"{name}{n}d", n)
        for name in ("upsample_nearest", "_upsample_nearest_exact")
        for n in (1, 2, 3)
    ),
    ("upsample_bicubic2d", 2),
)
NORMS = (
    *("native_batch_norm", "_native_batch_norm_legit", "batch_norm", "instance_norm"),
    "_native_batch_norm_legit_no_training",
)
LEFT = (
    *(("mm", "mat1"), ("mv", "mat"), ("bmm", "batch1"), ("addmm", "sum"), ("addmv", "vec1")),
    *(("addr", "sum"), ("baddbmm", "sums"), ("addbmm", "sum"), ("matmul", "batch1")),
)
RECIPES: Mapping[str, Callable[[Random], dict[str, Any]]] = {
    **dict.fromkeys(NORMS, norm),
    **dict.fromkeys(("native_group_norm", "group_norm"), group),
    **dict.fromkeys(("native_layer_norm", "layer_norm", "rms_norm"), layer),
    **{f"conv{n}d": of_rank(convolution, n) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": of_rank(convolution, n, True) for n in (1, 2, 3)},
    "convolution": lambda r: convolution(r, r.randint(1, 3), r.random() < 0.5),
    **{f"{name}{n}d": of_rank(pool, n) for name in POOLINGS for n in (1, 2, 3)},
    **{f"max_pool{n}d_with_indices": of_rank(pool, n) for n in (1, 2, 3)},
    **{f"max_unpool{n}d": of_rank(unpool, n) for n in (2, 3)},
    **dict.fromkeys(("im2col", "col2im"), columns),
    **{name: of_rank(upsampling, n) for name, n in UPSAMPLINGS},
    **dict.fromkeys(("grid_sampler", "grid_sampler_2d"), of_rank(grid, 2)),
    "grid_sampler_3d": of_rank(grid, 3),
    "affine_grid_generator": affine,
    "gru": of_rank(recurrent, 3),
    "lstm": of_rank(recurrent, 4),
    **dict.fromkeys(("rnn_tanh", "rnn_relu"), of_rank(recurrent, 1)),
    **dict.fromkeys(INDEXED.split(), indexed),
    **dict.fromkeys(("index", "index_put"), several),
    **dict.fromkeys(DECOMPOSITIONS.split(), matrix),
    **{name: of_rank(product, left) for name, left in LEFT},
    **dict.fromkeys(("_weight_norm", "_weight_norm_interface"), weights),
    "einsum": equation,
    **dict.fromkeys(("index_add", "index_copy", "index_fill"), along),
    **{
        f"{k}_pad{n}d": of_rank(padded, n) for k in ("reflection", "replication") for n in (1, 2, 3)
    },
    **dict.fromkeys(("cdist", "cross", "linalg_cross"), points),
    "one_hot": classes,
    "scaled_dot_product_attention": attention,
}
"""Arguments that fit, of which one or two are then replaced."""


def call(r: Random, target: str) -> Call:
    """A hostile call of an operation."""
    function = operation(target)
    base = sizes(r, least=1)
    dtype = torch.float32 if r.random() < 0.6 else r.choice(DTYPES)
    recipe = RECIPES.get(function._opname.removesuffix("_"))
    known = recipe(r) if recipe and r.random() < 0.8 else {}
    if known and r.random() < 0.6:
        for name in r.sample(sorted(known), r.randint(1, 2)):
            del known[name]
    found = {}
    for a in function._schema.arguments:
        unfit = isinstance(known.get(a.name), Given) and "Tensor" not in str(a.type)
        if a.name in known and not unfit:
            plain = str(a.type) == "Tensor" and isinstance(known[a.name], float)
            found[a.name] = Given(()) if plain else known[a.name]
        elif not a.has_default_value() or r.random() < 0.4:
            found[a.name] = argument(r, str(a.type), a.name, base, dtype)
    return Call(target, found)
