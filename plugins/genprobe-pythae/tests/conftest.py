"""Models that pythae itself trained and saved, and the data they were trained on."""

import json
import warnings

import pytest
import torch
from click.testing import CliRunner

from genprobe import open_dataset

SHAPE = (1, 8, 8)
LATENT = 4
TRAINED = {
    "VAE": {"reconstruction_loss": "bce"},
    "BetaVAE": {"reconstruction_loss": "mse", "beta": 0.05},
    "BetaTCVAE": {"reconstruction_loss": "bce", "beta": 2.0},
    "IWAE": {"reconstruction_loss": "bce", "number_samples": 3},
    "VAMP": {"reconstruction_loss": "bce", "number_components": 7},
    "SVAE": {"reconstruction_loss": "bce"},
    "VAE_LinNF": {"reconstruction_loss": "bce", "flows": ["Radial", "Planar", "Radial"]},
    "VAE_IAF": {"reconstruction_loss": "bce"},
    "VQVAE": {"num_embeddings": 5},
}


def untrained_model(name, **settings):
    """A model of pythae with its first weights, its planar layers made bijections."""
    import pythae.models

    kind = getattr(pythae.models, f"{name}Config", None) or getattr(pythae.models, f"{name}_Config")
    model = getattr(pythae.models, name)(kind(input_dim=SHAPE, latent_dim=LATENT, **settings))
    for layer in getattr(model, "net", []):
        if hasattr(layer, "w") and (layer.w * layer.u).sum() < 0:
            layer.u.data.neg_()
    return model


@pytest.fixture
def untrained():
    """A function of a class's name and settings to a model with its first weights."""
    torch.manual_seed(0)
    return untrained_model


@pytest.fixture(scope="session")
def binary():
    """The 360 test digits, thresholded, in float64."""
    return open_dataset("digits", split="test", binarize="threshold").read(0, 360).double()


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A final_model folder by the name of its class, each trained for a few epochs by pythae."""
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    x = open_dataset("digits", split="train", binarize="threshold").read(0, 1437)
    root, found = tmp_path_factory.mktemp("pythae"), {}
    for name, settings in TRAINED.items():
        torch.manual_seed(1)
        model = untrained_model(name, **settings)
        training = BaseTrainerConfig(
            output_dir=str(root / name),
            num_epochs=6,
            per_device_train_batch_size=64,
            learning_rate=3e-3,
            seed=1,
            no_cuda=True,
        )
        with warnings.catch_warnings():
            # pythae's SVAE draws in a way that torch advises against.
            warnings.filterwarnings("ignore", "To copy construct", UserWarning)
            train = TrainingPipeline(training_config=training, model=model)
            train(train_data=x.reshape(-1, *SHAPE))
        (found[name],) = (root / name).glob("*/final_model")
    return found


@pytest.fixture(scope="session")
def reports(folders, tmp_path_factory):
    """The JSON of ``genprobe evaluate`` by the name of the class."""
    from genprobe.cli import main

    folder, found = tmp_path_factory.mktemp("reports"), {}
    for name, path in folders.items():
        wanted = folder / f"{name}.json"
        options = ["--data", "digits", "--split", "test", "--binarize", "threshold", "--draws", "8"]
        result = CliRunner().invoke(
            main, ["evaluate", str(path), *options, "--quiet", "--json", str(wanted)]
        )
        assert result.exit_code == 0, result.output
        found[name] = json.loads(wanted.read_text())
    return found


@pytest.fixture(scope="session")
def reloaded(folders):
    """The same models as pythae reloads them, in float64; of a VQVAE it has float32 only."""
    from pythae.models import AutoModel

    found = {name: AutoModel.load_from_folder(str(path)).eval() for name, path in folders.items()}
    return {n: model if n == "VQVAE" else model.double() for n, model in found.items()}
