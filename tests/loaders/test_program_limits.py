import pytest
import torch
from torch import nn
from torch.nn import functional as F

from genprobe.errors import ModelError
from genprobe.loaders import program_limits
from genprobe.loaders.operations import operation
from genprobe.loaders.program import read_program
from genprobe.loaders.program_graph import Name, Program, Step
from genprobe.loaders.program_limits import Limits, Watch, limits_of, require_affordable

SMALL = Limits(memory=1 << 20, work=1 << 30, calls=1 << 10, pieces=1 << 8)
ONE, BIG = torch.ones(4, 4), torch.ones(16, 16)


class Layers(nn.Module):
    """What networks are made of."""

    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.SiLU(inplace=True),
            nn.Upsample(scale_factor=2.0), nn.Conv2d(4, 4, 3, stride=2, padding=1, groups=2),
            nn.MaxPool2d(2), nn.ConvTranspose2d(4, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.AvgPool2d(2),
            nn.Upsample(size=(8, 8), mode="bilinear"), nn.AdaptiveAvgPool2d(4),
            nn.InstanceNorm2d(4),
        )  # fmt: skip
        self.gru = nn.GRU(16, 3, bidirectional=True, batch_first=True)
        self.lstm = nn.LSTM(6, 2, batch_first=True)
        self.tied = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
        self.places = nn.Embedding(9, 3)
        self.norm = nn.LayerNorm(3)

    def forward(self, x):
        rows, _ = self.lstm(self.gru(self.image(x).flatten(2))[0])
        keys = self.norm(self.tied(rows)) + self.places(torch.arange(4, device=x.device))
        found = F.scaled_dot_product_attention(keys, keys, keys).clone()
        a, b = torch.meshgrid(torch.linspace(-1, 1, 4), torch.linspace(-1, 1, 3), indexing="ij")
        found[found > 2] = 2.0
        found = torch.where(found > 0, found, torch.einsum("bij,kj->bik", found, b.T @ a))
        return (found.flatten(1).softmax(-1), torch.cat(found.unbind(1), -1).cumsum(-1))


@pytest.mark.filterwarnings("ignore")  # torch warns of its own layers
def test_what_networks_are_made_of_runs(tmp_path):
    torch.manual_seed(0)
    network, path = Layers().eval(), tmp_path / "network.pt2"
    x = torch.rand(5, 1, 8, 8)
    shapes = ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(network, (x,), dynamic_shapes=shapes, strict=False), path)
    program = read_program(path)
    for rows in (x, x[:1], x):
        for found, truth in zip(program(rows), network(rows), strict=True):
            assert torch.equal(found, truth)
    assert len(program.affordable) == 2


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("full.default", {"size": [2**40], "fill_value": 1}, "bytes"),
        ("arange.default", {"end": 2**40}, "bytes"),
        ("expand.default", {"self": torch.ones(1), "size": [2**40]}, "bytes"),
        ("repeat.default", {"self": ONE, "repeats": [2**20, 2**20]}, "bytes"),
        ("one_hot.default", {"self": torch.tensor([1]), "num_classes": 2**40}, "bytes"),
        ("upsample_nearest1d.default", {"self": ONE[None], "output_size": [2**40]}, "bytes"),
        ("constant_pad_nd.default", {"self": ONE, "pad": [2**40, 0]}, "bytes"),
        ("replication_pad2d.default", {"self": ONE[None], "padding": [-2, -1, 2**31, 4]}, "bytes"),
        ("einsum.default", {"equation": "ab,cd,ef->abcdef", "tensors": [BIG] * 3}, "bytes"),
        ("mm.default", {"self": ONE.expand(4, 4), "mat2": torch.ones(4, 2**19)}, "bytes"),
        ("linalg_svd.default", {"A": torch.ones(290, 290)}, "multiplications"),
        ("unbind.int", {"self": torch.ones(2**12)}, "tensors"),
        ("chunk.default", {"self": torch.ones(0), "chunks": 2**40}, "tensors"),
        ("tensor_split.sections", {"self": torch.ones(0), "sections": 2**40}, "tensors"),
        ("diff.default", {"self": torch.ones(400), "n": 2**40}, "operations"),
    ],
)  # fmt: skip
def test_what_costs_too_much_is_refused_before_it_runs(name, arguments, words):
    with pytest.raises(ModelError, match=rf"{name.split('.')[0]} .*{words}"):
        require_affordable(operation(f"torch.ops.aten.{name}"), [], arguments, SMALL)


def test_what_depends_on_values_is_bounded_by_what_it_may_be():
    mask, tensor = torch.zeros(300, dtype=torch.bool), torch.ones(300, 2000)
    for name, arguments in (
        ("index.Tensor", {"self": tensor, "indices": [mask]}),
        ("masked_select.default", {"self": tensor, "mask": mask[:, None]}),
        ("nonzero.default", {"self": tensor}),
    ):
        function = operation(f"torch.ops.aten.{name}")
        require_affordable(function, [], arguments, limits_of(torch.device("cpu")))
        with pytest.raises(ModelError, match="bytes"):
            require_affordable(function, [], arguments, SMALL)


def program(*steps, outputs=("y",), **state):
    def step(name, outputs, **arguments):
        function = operation(f"torch.ops.aten.{name}")
        return Step(function=function, arguments=arguments, positional=[], outputs=outputs)

    return Program(state, "x", [step(n, o, **a) for n, o, a in steps], outputs)


def test_results_that_are_alive_add_up(monkeypatch):
    monkeypatch.setattr(program_limits, "limits_of", lambda device: Limits(memory=3 * 4096))
    steps = [("exp.default", [f"y{k}"], {"self": Name("x")}) for k in range(4)]
    for count, enough in ((2, True), (4, False)):
        found = program(*steps[:count], outputs=[f"y{k}" for k in range(count)])
        if enough:
            found(torch.ones(1024))
        else:
            with pytest.raises(ModelError, match=r"exp needs \d+ bytes; 12288 are allowed"):
                found(torch.ones(1024))


@pytest.mark.parametrize("view", ["alias", "t", "detach"])
def test_no_weight_is_changed(view):
    steps = [
        (f"{view}.default", ["v"], {"self": Name("w")}),
        ("mul_.Tensor", ["y"], {"self": Name("v"), "other": Name("x")}),
    ]
    found = program(*steps, w=torch.ones(3, 3))
    with pytest.raises(ModelError, match="mul_ changes a weight"):
        found(torch.full((3, 3), 2.0))
    assert torch.equal(found.w, torch.ones(3, 3))


def test_a_shape_is_checked_once_and_again_in_another_dtype(monkeypatch):
    seen = []

    class Counting(Watch):
        def __init__(self, x, weights):
            super().__init__(x, weights)
            seen.append(x.dtype)

    monkeypatch.setattr("genprobe.loaders.program_graph.Watch", Counting)
    found = program(("exp.default", ["y"], {"self": Name("x")}))
    for x in (ONE, ONE, ONE[:2], ONE[:2], ONE.double()):
        found(x)
    assert seen == [torch.float32, torch.float32, torch.float64]
    found.double()(ONE)
    assert len(seen) == 4


def test_a_mask_is_checked_at_every_call():
    found = program(
        ("gt.Scalar", ["m"], {"self": Name("x"), "other": 0.5}),
        ("index.Tensor", ["y"], {"self": Name("x"), "indices": [Name("m")]}),
    )
    assert found(ONE)[0].shape == (16,)
    assert not found.affordable


def test_a_result_that_is_no_tensor_or_has_another_number_is_told():
    size = ("sym_size.int", ["y"], {"self": Name("x"), "dim": 0})
    with pytest.raises(ModelError, match="returns y, which is no tensor"):
        program(size)(ONE)
    halves = ("chunk.default", [["a", "b", "c"]], {"self": Name("x"), "chunks": 2})
    with pytest.raises(ModelError, match="names 3 results where there are 2"):
        program(halves, outputs=["a"])(ONE)
