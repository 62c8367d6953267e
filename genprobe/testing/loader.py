"""The suite of a loader: what it recognises, what it refuses to run, what it gives."""

import os
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from genprobe.analysis.report import report_from_store
from genprobe.datasets.from_array import array_dataset
from genprobe.encoding.chain import walked
from genprobe.encoding.chain_calls import discovered
from genprobe.encoding.context import context_of
from genprobe.encoding.denoiser_calls import chain_of
from genprobe.encoding.diffusion import answers
from genprobe.encoding.examples import encode_examples
from genprobe.encoding.latent_shape import latent_shape_of
from genprobe.encoding.resolve import bind_model, bind_prior
from genprobe.errors import GenprobeError, UntrustedError
from genprobe.loaders.open import load
from genprobe.runs.evaluate import evaluate
from genprobe.runtime.seeds import seeded
from genprobe.store.read import open_store
from genprobe.testing.suite import Suite, provided, require_same_estimates
from genprobe.types import Loader, Model, Params


class Trap:
    """Unpickled, it makes a folder: so one sees that it was."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.sprung),)


class LoaderTests(Suite):
    """Tests of a ``Loader``.

    Attributes:
        part: the loader.
        data: examples (n, *event) for the model that ``write`` saves.
        needs_trust: whether that checkpoint can only be loaded by running code in it.
    """

    part: Loader
    data: Tensor
    needs_trust = False

    def write(self, folder: Path) -> Path:
        """Save a small model into a folder, as its library does; the file or folder it makes."""
        raise NotImplementedError("override write(folder): save a small model, return its path")

    def loaded(self, path: Path) -> Model:
        """The model in a checkpoint, trusted only if it has to be."""
        return self.part.load(path, self.needs_trust)

    def test_scheme_can_be_typed(self) -> None:
        """It stands before the colon in ``scheme:path``, and is no drive letter."""
        assert re.fullmatch(r"[a-z][a-z0-9-]+", self.part.scheme), (
            f"the scheme {self.part.scheme!r} is not two or more of a-z, 0-9 and -"
        )

    def test_it_recognises_its_own(self, tmp_path: Path) -> None:
        """A bare path finds its way to the loader, and is left as it was."""
        path = self.write(tmp_path)
        before = contents(path)
        assert self.part.recognises(path) is True, "recognises() is not True of what write() makes"
        assert contents(path) == before, "recognises() changes the checkpoint"

    def test_it_recognises_nothing_else(self, tmp_path: Path) -> None:
        """What is not its own it leaves to others, without an error."""
        for path in strangers(tmp_path):
            assert self.part.recognises(path) is False, f"recognises() claims {path.name}"

    def test_it_gives_a_model_that_encodes(self, tmp_path: Path) -> None:
        """Its posterior parameters are valid, and the same at every call.

        Those of p(x|z) are, where the model has no encoder; of a chain of latents those of its
        first level and the rates of all, of a diffusion model what its network predicts.
        """
        model = self.loaded(self.write(tmp_path))
        assert isinstance(model, Model), f"load() returns a {type(model).__name__}, not a Model"
        first, second = self.encoded(model), self.encoded(model)
        for name in first:
            assert torch.equal(first[name], second[name]), (
                f"{name} is another at the second call: return parameters, not draws"
            )

    def encoded(self, model: Model) -> Params:
        """Checked posterior parameters of the data, or what stands for them by the model's kind."""
        if model.module is not None:
            model.module.eval()
        x = self.data.float()
        context = context_of(model, array_dataset("data", self.data), x, 0)
        calls = bind_model(model, device=torch.device("cpu"), dtype=x.dtype, batch_size=len(x))
        calls = calls.given(context)
        if model.diffusion is not None:
            rows = range(len(x))
            return {"prediction": answers(chain_of(calls), x.double(), rows, self.seed)}
        if model.chain is not None:
            with seeded(self.seed):
                calls = replace(calls, chain=discovered(calls, x))
            [walk] = walked(calls, x, 0, 1, self.seed)
            return {**walk.params, "rate": walk.rate}
        if model.encodes:
            return encode_examples(calls, x, 0)
        latent = latent_shape_of(model)
        with seeded(self.seed):
            z = bind_prior(model.prior, latent, {}).sample(len(x)).to(x.dtype)
        calls.log_px_z(x, z)
        return calls.decoder_outputs(z)

    def test_it_does_not_run_what_is_not_trusted(self, tmp_path: Path) -> None:
        """No pickle and no Python file in a checkpoint runs, in recognising or in loading."""
        for number, lay in enumerate(TRAPS):
            folder = tmp_path / str(number)
            folder.mkdir()
            path, sprung = self.write(folder), tmp_path / f"sprung-{number}"
            for file in files(path):
                original = file.read_bytes()
                lay(file, sprung)
                self.part.recognises(path)
                assert not sprung.exists(), f"recognises() runs code in {file.name}"
                error = self.refusal(path)
                assert not sprung.exists(), f"load() runs code in {file.name} without trust"
                require_sentence(error)
                file.write_bytes(original)

    def refusal(self, path: Path) -> Exception | None:
        """What loading without trust raises, if it does."""
        try:
            self.part.load(path, False)
        except Exception as error:
            return error
        return None

    def test_it_says_when_trust_is_needed(self, tmp_path: Path) -> None:
        """A checkpoint that is code is refused as such."""
        if self.needs_trust:
            with pytest.raises(UntrustedError):
                self.part.load(self.write(tmp_path), False)

    def test_a_damaged_checkpoint_is_refused_in_a_sentence(self, tmp_path: Path) -> None:
        """A missing one too: the message names the path."""
        path = self.write(tmp_path)
        for file in files(path):
            original = file.read_bytes()
            file.write_bytes(original[: len(original) // 2])
            require_sentence(self.refusal(path))
            file.write_bytes(original)
        missing = tmp_path / "missing"
        with pytest.raises(GenprobeError, match="missing"):
            self.part.load(missing, self.needs_trust)

    def test_its_model_is_evaluated_by_path(self, tmp_path: Path) -> None:
        """By a bare path and by ``scheme:path``; the report survives the store."""
        path, reports = self.write(tmp_path), []
        with provided(loaders=[self.part]):
            for number, spec in enumerate((str(path), f"{self.part.scheme}:{path}")):
                store = tmp_path / f"{number}.h5"
                model = load(spec, trust=self.needs_trust)
                assert isinstance(model, Model)
                quick: dict[str, Any] = (
                    {} if model.encodes else {"max_steps": 8, "decoder_curve": False}
                )
                report = evaluate(
                    spec, self.data, store=store, device="cpu", trust=self.needs_trust, **quick
                )
                reports += [report, report_from_store(open_store(store))]
        for other in reports[1:]:
            require_same_estimates(reports[0], other, "by scheme, or reopened")


def require_sentence(error: Exception | None) -> None:
    """Check that a checkpoint is refused by an error that says what is wrong, if at all.

    Raises:
        AssertionError: if the error is not one for the user.
    """
    assert error is None or isinstance(error, GenprobeError), (
        f"load() raises {type(error).__name__} of a checkpoint that it cannot read: "
        "raise a genprobe.errors.ModelError that names the path"
    )


def files(path: Path) -> list[Path]:
    """Every file of a checkpoint."""
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def contents(path: Path) -> dict[Path, bytes]:
    """Every file of a checkpoint with its bytes."""
    return {file: file.read_bytes() for file in files(path)}


def lay_pickle(file: Path, sprung: Path) -> None:
    """A trap as a plain pickle, or as Python where the file is Python."""
    if file.suffix == ".py":
        file.write_text(f"import os\nos.mkdir({str(sprung)!r})\n", encoding="utf-8")
    else:
        file.write_bytes(pickle.dumps(Trap(sprung)))


def lay_archive(file: Path, sprung: Path) -> None:
    """A trap as torch saves objects."""
    torch.save({"state_dict": Trap(sprung)}, file)


def lay_array(file: Path, sprung: Path) -> None:
    """A trap in an array of objects, as numpy saves them."""
    with file.open("wb") as out:
        np.save(out, np.array([Trap(sprung)], dtype=object), allow_pickle=True)


TRAPS = (lay_pickle, lay_archive, lay_array)


def strangers(folder: Path) -> Iterator[Path]:
    """What no loader of a particular kind should claim: nothing, empty, text, arrays, tensors."""
    yield folder / "missing"
    (folder / "empty").touch()
    yield folder / "empty"
    (folder / "folder").mkdir()
    yield folder / "folder"
    (folder / "notes.txt").write_text("Not a checkpoint.\n", encoding="utf-8")
    yield folder / "notes.txt"
    np.save(folder / "array.npy", np.zeros(3))
    yield folder / "array.npy"
    torch.save({"weight": torch.zeros(2, 2)}, folder / "tensors.pt")
    yield folder / "tensors.pt"
