import pickle
from dataclasses import replace

import pytest
import torch

import genprobe
from genprobe.architectures import MlpVae
from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.bundle import bundle
from genprobe.testing import LoaderTests
from genprobe.types import Loader, Model

RUNS = "test_it_does_not_run_what_is_not_trusted"
OTHERS = "test_it_recognises_nothing_else"
DAMAGED = "test_a_damaged_checkpoint_is_refused_in_a_sentence"
PATH = "test_its_model_is_evaluated_by_path"


def write_bundle(folder):
    network = MlpVae(data_shape=(4,), latent=2, hidden=(3,))
    genprobe.save(network.as_model("example"), folder / "model.pt")
    return folder / "model.pt"


class TestOfBundles(LoaderTests):
    part = bundle
    data = torch.eye(4).repeat(3, 1)

    def write(self, folder):
        return write_bundle(folder)


class TestOfTwoFiles(LoaderTests):
    """A folder with settings and weights."""

    data = torch.randn(12, 3)

    def write(self, folder):
        path = folder / "run"
        path.mkdir()
        (path / "line.txt").write_text("line 1\n")
        torch.save({"scale": torch.ones(3)}, path / "weights.pt")
        return path

    @staticmethod
    def recognises(path):
        settings = path / "line.txt"
        return settings.is_file() and settings.read_bytes().startswith(b"line 1")

    @staticmethod
    def load(path, trust):
        try:
            assert TestOfTwoFiles.recognises(path)
            scale = torch.load(path / "weights.pt", weights_only=True)["scale"]
            assert scale.shape == (3,)
        except Exception as error:
            raise ModelError(f"{path} is no line.") from error
        return line(scale)

    part = Loader(scheme="line-run", recognises=recognises, load=load)


def line(scale):
    return Model(
        name="line",
        encode=lambda x: {"loc": x, "scale": scale.expand_as(x)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )


class TestOfAChain(TestOfTwoFiles):
    """The same file, of a model with two levels."""

    @staticmethod
    def load(path, trust):
        return levels(TestOfTwoFiles.load(path, trust))

    part = Loader(scheme="level-run", recognises=TestOfTwoFiles.recognises, load=load)


class TestOfADiffusion(TestOfTwoFiles):
    """The same file, of a diffusion model."""

    @staticmethod
    def load(path, trust):
        TestOfTwoFiles.load(path, trust)
        kept = torch.linspace(0.95, 0.05, 8, dtype=torch.float64)
        chain = genprobe.Diffusion(
            alpha=kept.sqrt(),
            sigma=(1 - kept).sqrt(),
            denoise=lambda x, t: 0.5 * x,
            predicts="noise",
        )
        return Model(name="steps", diffusion=chain, likelihood="normal")

    part = Loader(scheme="step-run", recognises=TestOfTwoFiles.recognises, load=load)


def levels(flat, noise=0.0):
    """A model of two levels whose encoder may be noisy."""

    def walk(x):
        q = flat.encode(x)
        z = yield q, {"loc": torch.zeros(3), "scale": torch.ones(3)}
        loc = z[:, :1] + noise * torch.randn(len(x), 1)
        yield {"loc": loc, "scale": torch.full((1,), 0.5)}, {"loc": z[:, :1], "scale": 1.0}

    return Model(name="levels", chain=walk, decode=None, posterior="diagonal-normal")


def suite(part, base=TestOfTwoFiles, **members):
    return type("TestPart", (base,), {"part": part, **members})


RIGHT = TestOfTwoFiles.part


def runs_pickles(path, trust):
    torch.load(path / "weights.pt", weights_only=False)
    return RIGHT.load(path, trust)


def runs_to_recognise(path):
    settings = path / "weights.pt"
    if settings.is_file():
        try:
            pickle.loads(settings.read_bytes())
        except pickle.UnpicklingError:
            return RIGHT.recognises(path)
    return RIGHT.recognises(path)


def raw(path, trust):
    return line(torch.load(path / "weights.pt", weights_only=True)["scale"])


def draws(path, trust):
    model = RIGHT.load(path, trust)
    return replace(model, encode=lambda x: {"loc": x + torch.randn_like(x), "scale": 1 + 0 * x})


WRONG = {
    "runs code in the file without trust": (
        replace(RIGHT, load=runs_pickles),
        {RUNS: "load() runs code in weights.pt without trust"},
    ),
    "runs code to recognise": (
        replace(RIGHT, recognises=runs_to_recognise),
        {RUNS: "recognises() runs code in weights.pt"},
    ),
    "errors of torch": (
        replace(RIGHT, load=raw),
        {RUNS: "raise a genprobe.errors.ModelError", DAMAGED: "raise a genprobe.errors.ModelError"},
    ),
    "claims every path": (replace(RIGHT, recognises=lambda path: True), {OTHERS: "claims missing"}),
    "claims nothing": (
        replace(RIGHT, recognises=lambda path: False),
        {"test_it_recognises_its_own": "not True", PATH: "no plugin reads it"},
    ),
    "encodes to draws": (
        replace(RIGHT, load=draws),
        {"test_it_gives_a_model_that_encodes": "not draws", PATH: "depends on chance"},
    ),
    "a scheme that is a drive": (replace(RIGHT, scheme="c"), {"test_scheme_can_be_typed": "'c'"}),
}


@pytest.mark.parametrize(("part", "failures"), WRONG.values(), ids=WRONG)
def test_a_wrong_loader_fails_in_its_own_test(failing, part, failures):
    found = failing(suite(part))
    assert failures.keys() <= found.keys(), found
    for name, words in failures.items():
        assert words in found[name]
    assert found.keys() - failures.keys() <= {DAMAGED}, found


def test_a_chain_that_draws_by_itself_is_found(failing):
    def noisy(path, trust):
        return levels(RIGHT.load(path, trust), noise=1.0)

    found = failing(suite(replace(TestOfAChain.part, load=noisy)))
    assert "depends on chance" in found[PATH]


def trusting(path, trust):
    if not trust:
        raise UntrustedError(f"{path} would run code.", "Trust it.")
    return RIGHT.load(path, trust)


def test_a_loader_may_need_trust_and_must_then_say_so(failing):
    part = replace(RIGHT, load=trusting)
    assert failing(suite(part, needs_trust=True)) == {}
    found = failing(suite(RIGHT, needs_trust=True))
    assert list(found) == ["test_it_says_when_trust_is_needed"]


def test_a_loader_may_give_a_decoder_alone_whose_outputs_are_the_same_at_every_call(tmp_path):
    half = Model(
        name="half",
        encode=None,
        decode=lambda z: {"loc": z, "scale": torch.ones(3)},
        prior="standard-normal",
        likelihood="normal",
        latent_shape=(3,),
    )
    part = replace(RIGHT, load=lambda path, trust: half)
    (tmp_path / "right").mkdir()
    suite(part)().test_it_gives_a_model_that_encodes(tmp_path / "right")
    noisy = replace(half, decode=lambda z: {"loc": torch.randn(len(z), 3), "scale": torch.ones(3)})
    part = replace(RIGHT, load=lambda path, trust: noisy)
    (tmp_path / "wrong").mkdir()
    with pytest.raises(AssertionError, match="not draws"):
        suite(part)().test_it_gives_a_model_that_encodes(tmp_path / "wrong")
