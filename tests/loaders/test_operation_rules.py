import pytest
import torch

from fuzz.operations import FAULTS, run
from genprobe.errors import ModelError
from genprobe.loaders.operation_rules import RULES, require_safe
from genprobe.loaders.operations import OPERATIONS, operation, overloads

X = torch.ones(2, 6, 4, 4)
W = [torch.ones(8, 3), torch.ones(8, 2), torch.ones(8), torch.ones(8)]
H = torch.ones(1, 5, 2)
LSTM = {
    "input": torch.ones(4, 5, 3), "hx": [H, H], "params": W, "has_biases": True, "num_layers": 1,
    "dropout": 0.0, "train": False, "bidirectional": False, "batch_first": False,
}  # fmt: skip
GROUPS = {
    "input": X,
    "weight": None,
    "bias": None,
    "N": 2,
    "C": 6,
    "HxW": 16,
    "group": 3,
    "eps": 1e-5,
}
GRID = {
    "input": X, "grid": torch.zeros(2, 4, 4, 2), "interpolation_mode": 0, "padding_mode": 1,
    "align_corners": False,
}  # fmt: skip
VIEW = {"self": X, "size": [2], "stride": [1]}
POOL = {"self": X, "output_size": [2, 2]}
UP = {"self": X, "output_size": [6, 6], "align_corners": False, "scales_w": 1.5}
STEPS = {"input": X, "weight": torch.ones(1, 6, 1, 1), "stride": [1, 1]}
NORM = {
    "input": X, "weight": None, "bias": None, "running_mean": torch.zeros(6),
    "running_var": torch.ones(6), "momentum": 0.1, "eps": 1e-5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "fitting", "changed", "words"),
    [
        ("_native_batch_norm_legit_no_training.default", NORM, {"running_mean": H}, "mean"),
        ("native_group_norm.default", GROUPS, {"N": 9}, "N, C and HxW"),
        ("native_group_norm.default", GROUPS, {"group": 4}, "group is 4"),
        ("native_group_norm.default", GROUPS, {"weight": torch.ones(2)}, "weight is not of shape"),
        ("_weight_norm.default", {"v": X[0, 0], "g": X[0, 0, :, :1]}, {"g": X[0, 0]}, "g is"),
        ("as_strided.default", VIEW, {"stride": [192]}, "192 of 192"),
        ("as_strided.default", VIEW, {"size": [-1]}, "size is"),
        ("grid_sampler.default", GRID, {"grid": GRID["grid"] + torch.nan}, "grid is not finite"),
        ("grid_sampler.default", GRID, {"interpolation_mode": 3}, "interpolation_mode is 3"),
        ("adaptive_avg_pool2d.default", POOL, {"self": X[0, 0, 0]}, "of shape"),
        ("upsample_bilinear2d.default", UP, {"scales_w": 1e-300}, "scales_w is 1e-300 from 4 to 6"),
        ("conv2d.default", STEPS, {"stride": [1, 10**6]}, "stride is"),
        ("conv2d.default", STEPS, {"weight": torch.ones(1)}, "a weight of"),
        ("lstm.input", LSTM, {"params": [W[1], *W[1:]]}, "weights of the shapes"),
        ("lstm.input", LSTM, {"hx": [H, H[:, :2]]}, "a state of shape"),
        ("lstm.input", LSTM, {"params": W[:3]}, "it has 3 weights"),
    ],
)  # fmt: skip
def test_arguments_that_torch_would_not_check_are_refused(name, fitting, changed, words):
    function = operation(f"torch.ops.aten.{name}")
    require_safe(function, fitting)
    function(**fitting)
    with pytest.raises(ModelError, match=words):
        require_safe(function, {**fitting, **changed})


def test_every_rule_is_of_an_operation_that_is_listed():
    assert RULES.keys() <= OPERATIONS


def test_hostile_arguments_crash_nothing_and_read_nothing_else():
    faults = []
    counts = run(2, 0, sorted(overloads())[::6], faults.append)
    assert {fault: counts[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0), faults
    assert counts["ran"] > counts["operations"] / 2
