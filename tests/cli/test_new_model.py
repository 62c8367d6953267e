"""The file of a factory: it works as it is, fits a checkpoint's weights, and replaces nothing."""

import pytest
import torch
from torch import nn

import genprobe
from genprobe.errors import GenprobeError
from genprobe.scaffold.factory_file import begin_factory, factory_text


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(16, 9), nn.Linear(9, 3), nn.Linear(9, 3)
        self.fc3, self.fc4 = nn.Linear(3, 9), nn.Linear(9, 16)


class Halves(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 9), nn.ReLU(), nn.Linear(9, 6))
        self.decoder = nn.Sequential(nn.Linear(3, 9, bias=False), nn.Tanh(), nn.Linear(9, 16))
        self.log_scale = nn.Parameter(torch.zeros(1))


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.net = nn.Sequential(
            nn.Conv2d(1, 2, 4, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 7)
        )
        self.encoder.fc_mu, self.encoder.fc_logvar = nn.Linear(7, 3), nn.Linear(7, 3)
        self.decoder_input = nn.Linear(3, 8)
        self.decoder = nn.Sequential(nn.ConvTranspose2d(2, 1, 4, 2, 1))


def images():
    """Two layers that halve an image of 8 × 8, and two that double it back; 4 × 2 × 2 between."""
    down = nn.Conv2d(1, 3, 3, 2, 1), nn.Conv2d(3, 4, 4, 2, 1, bias=False)
    return down, (nn.ConvTranspose2d(4, 3, 4, 2, 1, bias=False), nn.ConvTranspose2d(3, 1, 4, 2, 1))


def generic():
    """Names that say nothing, with norms between the layers."""
    (a, b), (c, d) = images()
    norms = {"bn1": nn.BatchNorm2d(3), "bn2": nn.BatchNorm2d(4), "bn3": nn.BatchNorm2d(3)}
    fcs = nn.Linear(16, 7), nn.Linear(7, 5), nn.Linear(7, 5), nn.Linear(5, 7), nn.Linear(7, 16)
    first = {"conv1": a, "bn1": norms["bn1"], "conv2": b, "bn2": norms["bn2"]}
    between = {f"fc{i}": fc for i, fc in enumerate(fcs, 1)}
    return {**first, **between, "conv3": c, "bn3": norms["bn3"], "conv4": d}


def named(names, *, heads=("fc_mu", "fc_logvar")):
    """Convolutions, heads and the layer after the code, by these names in this order."""
    (a, b), (c, d) = images()
    parts = [a, b, nn.Linear(16, 5), nn.Linear(16, 5), nn.Linear(5, 16), c, d]
    by_role = dict(zip(("conv1", "conv2", *heads, "fc", "deconv1", "deconv2"), parts, strict=True))
    return {name: by_role[name] for name in names}


def final_layer():
    """A decoder that ends in a part whose name is of neither side."""
    (a, b), (c, _) = images()
    last = nn.Sequential(
        nn.ConvTranspose2d(3, 3, 3, 2, 1, output_padding=1), nn.ReLU(), nn.Conv2d(3, 1, 3, 1, 1)
    )
    heads = {"fc_mu": nn.Linear(16, 5), "fc_var": nn.Linear(16, 5)}
    between = {"decoder_input": nn.Linear(5, 16), "decoder": nn.Sequential(c)}
    return {"encoder": nn.Sequential(a, nn.ReLU(), b), **heads, **between, "final_layer": last}


LAYERS = ("conv1", "conv2", "fc_mu", "fc_logvar", "fc", "deconv1", "deconv2")
NETWORKS = {
    "a layer after the heads": lambda: named(LAYERS),
    "the decoder first": lambda: named([*LAYERS[4:], *LAYERS[:4]]),
    "generic": generic,
    "a final layer": final_layer,
    "halves": lambda: {
        "a": nn.Sequential(nn.Linear(64, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 10)),
        "b": nn.Sequential(nn.Linear(5, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 64)),
    },
    "numbers": lambda: {
        "l1": nn.Linear(64, 9),
        "l2": nn.Linear(9, 10),
        "l3": nn.Linear(5, 9),
        "l4": nn.Linear(9, 64),
    },
}


def built(network):
    """The factory made for a network's weights, with these weights in it."""
    weights = network.state_dict()
    shapes = {k: tuple(v.shape) for k, v in weights.items() if v.dim()}
    text, namespace = factory_text("made", "w.pt", shapes), {}
    exec(text, namespace)  # what was made of weights of our own
    model = namespace["build"]()
    model.module.load_state_dict(weights)
    model.module.eval()
    return model, text


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_go_where_their_shapes_fit_whatever_they_are_called(name):
    model, text = built(nn.ModuleDict(NETWORKS[name]()))
    mean, log_variance = model.encode(torch.rand(2, 8, 8))
    assert mean.shape == log_variance.shape == (2, 5)
    assert model.decode(mean)["logits"].shape == (2, 8, 8)
    assert "TODO" not in text


def test_where_no_shapes_fit_the_file_says_what_to_fill_in_and_runs_no_wrong_layer():
    layers = {"a": (100, 64), "b": (50, 333), "mu": (5, 50), "logvar": (5, 50), "c": (64, 5)}
    modules = {name: nn.Linear(*reversed(shape)) for name, shape in layers.items()}
    model, text = built(nn.ModuleDict(modules))
    assert "# TODO: self.a gives 100, self.b takes 333." in text
    with pytest.raises(NotImplementedError, match="say what follows a"):
        model.encode(torch.rand(2, 8, 8))


@pytest.mark.parametrize("network", [Plain, Halves, Convolutional])
def test_the_network_fits_the_weights_and_codes_and_decodes(run, folder, network):
    module = f"made_{network.__name__.lower()}"
    torch.save({"epoch": 1, "model": network().state_dict()}, folder / "w.pt")
    result = run("new-model", f"{module}.py", "--for", "w.pt")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"genprobe evaluate w.pt --factory {module}:build --data" in result.stderr
    assert "a guess" in (folder / f"{module}.py").read_text()
    model = genprobe.load("w.pt", factory=f"{module}:build")
    assert model.module.state_dict().keys() == network().state_dict().keys()
    model.module.eval()
    mean, log_variance = model.encode(torch.rand(2, 4, 4))
    assert mean.shape == log_variance.shape == (2, 3)
    assert model.decode(mean)["logits"].shape == (2, 4, 4)


def test_without_weights_it_is_twelve_lines_that_work(run, folder):
    assert run("new-model").exit_code == 0
    text = (folder / "mymodel.py").read_text()
    assert len(text.splitlines()) == 12
    assert max(map(len, text.splitlines())) <= 100
    assert run("new-model", "own_model_3.py").exit_code == 0
    from genprobe.loaders.user_function import user_function

    model = user_function("own_model_3:build", "--factory", GenprobeError)()
    mean, _ = model.encode(torch.rand(2, 28, 28))
    assert model.decode(mean)["logits"].shape == (2, 28, 28)


def test_a_file_that_is_there_is_kept(run, folder):
    (folder / "mine.py").write_text("x = 1\n")
    assert run("new-model").exit_code == 0
    written = (folder / "mymodel.py").read_text()
    for name, content in {"mine.py": "x = 1\n", "mymodel.py": written}.items():
        result = run("new-model", name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 2
        assert (folder / name).read_text() == content


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["my model.py"], "no name of a module"),
        (["mine"], "Name it mine.py."),
        (["no/mine.py"], "There is no folder no"),
        (["mine.py", "--for", "absent.pt"], "There is no checkpoint at absent.pt"),
        (["mine.py", "--for", "notes.txt"], "notes.txt"),
        (["mine.py", "--for", "empty.pt"], "holds no weights"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_in_two_lines_and_nothing_is_written(run, folder, arguments, words):
    (folder / "notes.txt").write_text("mine")
    torch.save({"epoch": 3}, folder / "empty.pt")
    result = run("new-model", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert not list(folder.glob("mine*"))


def test_names_in_a_checkpoint_are_text_and_never_code(folder):
    marks = ["a\nopen('ran','w')", "x = open('ran', 'w') #", "'''", '"""', "lambda", "build", "{0}"]
    weights = {f"{mark}.weight": torch.zeros(2, 2) for mark in marks}
    weights |= {f"deep.{mark}.0.weight": torch.zeros(2, 2) for mark in marks}
    weights |= {"far.1000000000.weight": torch.zeros(2, 2), "b.running_mean": torch.zeros(())}
    torch.save(weights, folder / 'w\'\n""".pt')
    begin_factory(folder / "odd_9.py", folder / 'w\'\n""".pt')
    text = (folder / "odd_9.py").read_text()
    assert len(text) < 9000
    namespace = {}
    exec(compile(text, "odd_9.py", "exec"), namespace)  # the text that was made, to see what runs
    assert not (folder / "ran").exists()
    assert {"Network", "build"} <= namespace.keys()


def test_weights_without_an_architecture_are_answered_with_the_command(run, folder):
    torch.save(Plain().state_dict(), folder / "w.pt")
    result = run("evaluate", "w.pt")
    assert "(begin one: genprobe new-model mymodel.py --for w.pt)" in result.stderr
    assert len(result.stderr.splitlines()) == 2
