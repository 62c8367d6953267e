import pytest
import torch

from genprobe.loaders.operations import GROUPS, OPERATIONS, SUCCESSORS, is_listed, operation

X = torch.ones(3)


class Lacking:
    """The operations of a torch without one of them."""

    def __init__(self, operations, removed):
        self.operations, self.removed = operations, removed

    def __getattr__(self, name):
        if name == self.removed:
            raise AttributeError(name)
        return getattr(self.operations, name)


def test_every_listed_operation_is_one_of_torch_or_has_a_successor():
    there = {name for name in OPERATIONS if hasattr(torch.ops.aten, name)}
    there |= {old for old, new in SUCCESSORS.items() if hasattr(torch.ops.aten, new)}
    assert sorted(OPERATIONS - there) == []


@pytest.mark.parametrize("upper", [False, True])
def test_a_successor_takes_the_arguments_of_what_torch_removed(monkeypatch, upper):
    with monkeypatch.context() as patch:
        patch.setattr(torch.ops, "aten", Lacking(torch.ops.aten, "cholesky"))
        found = operation("torch.ops.aten.cholesky.default")
    assert found is torch.ops.aten.linalg_cholesky.default
    factor = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    value = found(self=factor @ factor.T, upper=upper)
    torch.testing.assert_close(value, factor.T if upper else factor)


def test_an_operation_that_torch_lacks_is_listed_and_not_found(monkeypatch):
    monkeypatch.setattr(torch.ops, "aten", Lacking(torch.ops.aten, "relu"))
    assert is_listed("torch.ops.aten.relu.default")
    assert operation("torch.ops.aten.relu.default") is None


def test_no_operation_is_listed_twice():
    names = [name for group in GROUPS.values() for name in group.split()]
    assert sorted(names) == sorted(set(names))


def test_a_listed_operation_is_found_also_in_place():
    assert operation("torch.ops.aten.relu.default") is torch.ops.aten.relu.default
    assert operation("torch.ops.aten.relu_.default") is torch.ops.aten.relu_.default
    assert operation("_operator.mul")(6, 7) == 42


@pytest.mark.parametrize("values", [(2**62, 2), ("ab", 3), ([1], 9), (X, X)])
def test_arithmetic_is_of_sizes_alone(values):
    with pytest.raises(ValueError, match=r"no number|a size of"):
        operation("_operator.mul")(*values)


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("empty.memory_format", {"size": [3]}),
        ("empty_like.default", {"self": X}),
        ("new_empty.default", {"self": X, "size": [3]}),
    ],
)
def test_memory_is_not_returned_as_it_was(target, arguments):
    assert torch.equal(operation(f"torch.ops.aten.{target}")(**arguments), torch.zeros(3))


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.relu.out",
        "torch.ops.aten.add.str",
        "torch.ops.aten.mul.left_t",
        "torch.ops.aten.copy.Dict_int",
        "torch.ops.aten.bmm.dtype",
        "torch.ops.aten.to.prim_Device",
        "torch.ops.aten.bernoulli.p_generator",
        "torch.ops.aten._reshape_alias.default",
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.save.default",
        "torch.ops.aten.set_.source_Storage",
        "torch.ops.aten.fbgemm_pack_gemm_matrix_fp16.default",
        "torch.ops.aten.relu.overloads",
        "torch.ops.aten.relu.__class__",
        "torch.ops.aten.__class__.default",
        "torch.ops.aten.relu.nothing",
        "torch.ops.higher_order.cond",
        "torch.ops.mylib.relu.default",
        "torch.os.system",
        "torch.hub.load",
        "_operator.attrgetter",
        "_operator.methodcaller",
        "math.exp",
        "#mine:call",
        "",
    ],
)
def test_anything_else_is_not(target):
    assert operation(target) is None


def test_no_listed_operation_takes_a_file_or_a_storage():
    for name in OPERATIONS:
        for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
            if any(str(a.type) in ("Storage", "Stream") for a in schema.arguments):
                raise AssertionError(schema)
            assert "filename" not in {a.name for a in schema.arguments}
