"""The tensor operations that an exported program may ask for without being trusted.

Each computes tensors from tensors and numbers. What reads or writes files, prints, packs pointers
into tensors, or sets a tensor's storage is not here; neither is anything that is not ATen.
"""

import functools
import operator
import re
from collections.abc import Callable
from typing import Any

import torch

GROUPS = {
    "elementwise": """
        abs acos acosh add addcdiv addcmul alpha_dropout angle asin asinh atan atan2 atanh
        bernoulli bitwise_and bitwise_not bitwise_or bitwise_xor ceil celu clamp clamp_max
        clamp_min clip clone contiguous copy copysign cos cosh detach detach_copy digamma div
        divide dropout elu eq erf erfc erfinv exp exp2 expm1 feature_dropout fill float_power
        floor floor_divide fmod frac ge gelu glu greater greater_equal gt hardshrink hardsigmoid
        hardswish hardtanh heaviside hypot i0 isfinite isinf isnan ldexp le
        leaky_relu lerp less less_equal lgamma lift_fresh lift_fresh_copy log log10 log1p log2
        log_sigmoid log_softmax logaddexp logaddexp2 logical_and logical_not logical_or
        logical_xor logit lt masked_fill maximum minimum mish mul multiply nan_to_num
        ne neg negative not_equal positive pow prelu reciprocal relu relu6 remainder
        round rrelu rsqrt rsub selu sgn sigmoid sign signbit silu sin sinc sinh softmax softplus
        softshrink special_bessel_j0 special_digamma special_entr special_erf special_erfc
        special_erfcx special_erfinv special_expit special_expm1 special_gammaln special_i0
        special_i0e special_i1 special_i1e special_log1p special_log_ndtr special_logit
        special_logsumexp special_ndtr special_ndtri
        special_psi special_softmax special_xlog1py special_xlogy sqrt square sub subtract tan
        tanh threshold true_divide trunc where xlogy _softmax _log_softmax
    """,
    "reductions and sorting": """
        all amax amin aminmax any argmax argmin argsort count_nonzero cummax cummin cumprod
        cumsum kthvalue logcumsumexp logsumexp max mean median min nanmean nansum norm prod sort
        std std_mean sum topk trace var var_mean linalg_norm linalg_vector_norm
        linalg_matrix_norm
    """,
    "shapes and indices": """
        alias arange as_strided atleast_1d atleast_2d atleast_3d broadcast_tensors broadcast_to
        cat chunk column_stack concat concatenate constant_pad_nd diag diag_embed diagonal
        diagonal_copy diff dstack embedding empty empty_like expand expand_as expand_copy eye
        flatten flip fliplr flipud full full_like gather hsplit hstack index index_add
        index_copy index_fill index_put index_select linspace masked_scatter masked_select
        meshgrid moveaxis movedim narrow narrow_copy new_empty new_full new_ones new_zeros
        nonzero numel numpy_T one_hot ones ones_like pad permute pixel_shuffle pixel_unshuffle ravel
        reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave
        replication_pad1d replication_pad2d replication_pad3d reshape reshape_as resolve_conj
        resolve_neg roll rot90 scatter scatter_add scatter_reduce select select_scatter slice
        slice_scatter split split_with_sizes squeeze stack swapaxes swapdims sym_numel sym_size
        sym_stride t take take_along_dim tensor_split tile transpose tril tril_indices triu
        triu_indices unbind unflatten unfold unsqueeze view view_as view_as_complex view_as_real
        vsplit vstack zeros zeros_like to type_as _to_copy _unsafe_view
    """,
    "linear algebra": """
        addbmm addmm addmv addr baddbmm bmm cdist cholesky cholesky_solve
        cosine_similarity cross det dot einsum inner inverse kron linalg_cholesky
        linalg_cholesky_ex linalg_cross linalg_det linalg_diagonal linalg_eigh
        linalg_householder_product linalg_inv linalg_inv_ex linalg_lu
        linalg_matmul linalg_matrix_exp linalg_multi_dot linalg_qr linalg_slogdet linalg_solve
        linalg_solve_triangular linalg_svd linear logdet mH mT matmul matrix_exp matrix_power mm
        mv outer pairwise_distance slogdet tensordot triangular_solve vdot
    """,
    "networks": """
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
        adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d batch_norm
        channel_shuffle conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
        convolution fft_fft fft_fft2 fft_fftn fft_ifft fft_ifft2 fft_ifftn fft_irfft fft_irfft2
        fft_irfftn fft_rfft fft_rfft2 fft_rfftn fft_fftshift fft_ifftshift grid_sampler
        grid_sampler_2d grid_sampler_3d group_norm gru im2col col2im instance_norm layer_norm
        lstm max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices
        max_pool3d_with_indices max_unpool2d max_unpool3d native_batch_norm native_dropout
        native_group_norm native_layer_norm affine_grid_generator rms_norm rnn_relu rnn_tanh
        scaled_dot_product_attention upsample_bicubic2d upsample_bilinear2d upsample_linear1d
        upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
        _adaptive_avg_pool2d _adaptive_avg_pool3d _native_batch_norm_legit
        _native_batch_norm_legit_no_training _upsample_nearest_exact1d _upsample_nearest_exact2d
        _upsample_nearest_exact3d _weight_norm _weight_norm_interface
    """,
    "checks that a program makes of itself": """
        _assert_async _assert_scalar _assert_tensor_metadata sym_constrain_range
        sym_constrain_range_for_size
    """,
}
OPERATIONS = frozenset(name for group in GROUPS.values() for name in group.split())
SUCCESSORS = {"cholesky": "linalg_cholesky"}
"""What torch has, under the same names of arguments, for what its later versions removed."""
FILLED = {
    "empty.memory_format": "zeros.default",
    "empty_like.default": "zeros_like.default",
    "new_empty.default": "new_zeros.default",
}
"""What runs in place of operations that return whatever lies in memory."""
KINDS = re.compile(
    r"(List|Optional)\[(?:List|Optional)\[(Tensor|int|float)\]\]|"
    r"(?:(?:List|Optional)\[)?(Tensor|int|float|bool|number|str|Device)\]?"
)
"""Types of arguments that a program can give."""
PLAIN = frozenset({"sym_size", "sym_numel", "sym_stride", "numel"})
"""Operations that return a number."""

LARGEST = 1 << 63
"""Numbers of a program are below this."""


def number(function: Callable[..., Any]) -> Callable[..., Any]:
    """Arithmetic of numbers alone, whose results stay below 2⁶³.

    Raises:
        ValueError: for anything else: the product of strings, or of numbers without end.

    >>> number(operator.mul)(6, 7)
    42
    >>> number(operator.mul)(2**62, 2)
    Traceback (most recent call last):
    ValueError: a size of 9223372036854775808
    """

    @functools.wraps(function)
    def call(*values: Any) -> Any:
        if not all(isinstance(value, int | float) for value in values):
            raise ValueError("arithmetic of what is no number")
        found = function(*values)
        if isinstance(found, int) and abs(found) >= LARGEST:
            raise ValueError(f"a size of {found}")
        return found

    return call


NUMBERS: dict[str, Callable[..., Any]] = {
    name: number(function)
    for name, function in {
        **{
            f"_operator.{name}": getattr(operator, name)
            for name in (
                *("add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "pos"),
                *("eq", "ne", "lt", "le", "gt", "ge", "and_", "or_", "not_"),
            )
        },
        "torch.sym_max": max,
        "torch.sym_min": min,
        "torch.sym_int": int,
        "torch.sym_float": float,
        "torch.sym_not": operator.not_,
    }.items()
}
"""Arithmetic of sizes, which are plain numbers once the input is known."""

TARGET = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)")


def is_listed(target: str) -> bool:
    """Whether a program may ask for the function of that name.

    An operation whose name ends in ``_`` works in place.
    """
    match = TARGET.fullmatch(target)
    return target in NUMBERS or (
        match is not None and bool({match[1], match[1].removesuffix("_")} & OPERATIONS)
    )


def operation(target: str) -> Callable[..., Any] | None:
    """The function of that name; None if it is not listed, or the torch that is installed lacks it.

    Args:
        target: as a program names it, such as ``torch.ops.aten.relu.default``.
    """
    if target in NUMBERS or not is_listed(target):
        return NUMBERS.get(target)
    name, overload = target.split(".")[-2:]
    name, overload = FILLED.get(f"{name}.{overload}", f"{name}.{overload}").split(".")
    name = name if hasattr(torch.ops.aten, name) else SUCCESSORS.get(name, name)
    found = getattr(getattr(torch.ops.aten, name, None), overload, None)
    return found if isinstance(found, torch._ops.OpOverload) and is_of_tensors(found) else None


def is_of_tensors(function: torch._ops.OpOverload) -> bool:
    """Whether an overload computes tensors from what a program can give.

    Not, then, those of TorchScript's interpreter, which check nothing; those that write into a
    tensor that they are given (``out=``), work on strings and lists, or take a generator of random
    numbers; and the products of matrices in another dtype, which crash on the CPU.
    """
    schema = function._schema
    if not torch._C._dispatch_has_kernel(str(function._name)):
        return False
    given = all(
        KINDS.fullmatch(str(a.type)) and not a.is_out and a.name != "out_dtype"
        for a in schema.arguments
    )
    returned = [str(a.type) for a in schema.returns]
    plain = function._opname in PLAIN and returned == ["int"]
    return given and (plain or all(kind in ("Tensor", "List[Tensor]") for kind in returned))


def overloads() -> dict[str, torch._ops.OpOverload]:
    """Every function of tensors that a program may ask for, by its target."""
    names = sorted(name for base in OPERATIONS for name in (base, f"{base}_"))
    targets = [
        f"torch.ops.aten.{name}.{overload}"
        for name in names
        if hasattr(torch.ops.aten, name)
        for overload in getattr(torch.ops.aten, name).overloads()
    ]
    found = {target: operation(target) for target in targets}
    return {k: v for k, v in found.items() if isinstance(v, torch._ops.OpOverload)}
