import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from genprobe_lightning import GenprobeCallback
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import CSVLogger
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

import genprobe
from genprobe import open_dataset
from genprobe.architectures import MlpVae

FOREIGN = (
    "ignore:`isinstance\\(treespec, LeafSpec\\)` is deprecated:FutureWarning",
    "ignore:The 'train_dataloader' does not have many workers",
    "ignore:The number of training batches",
    "ignore:GPU available but not used",
)
pytestmark = [pytest.mark.filterwarnings(line) for line in FOREIGN]


class Vae(LightningModule):
    """A small VAE of the digits."""

    def __init__(self):
        super().__init__()
        self.net = MlpVae(data_shape=(64,), latent=4, hidden=(32,))

    def training_step(self, batch, index):
        q = Independent(Normal(**self.net.encode(batch)), 1)
        p = Independent(Bernoulli(**self.net.decode(q.rsample())), 1)
        rate = kl_divergence(q, self.net.prior_distribution())
        loss = (rate - p.log_prob(batch)).mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 3e-3)


def as_model(module):
    assert isinstance(module, Vae)
    return module.net.as_model("vae")


@pytest.fixture
def held():
    return open_dataset("digits", split="test", binarize="threshold")


@pytest.fixture
def fit(tmp_path):
    """Train for some epochs and return the rows that a logger wrote, and the module."""

    def run(*callbacks, epochs=3):
        data = open_dataset("digits", split="train", binarize="threshold")
        torch.manual_seed(0)
        module = Vae()
        loader = torch.utils.data.DataLoader(data.read(0, data.n), batch_size=256, shuffle=True)
        logger = CSVLogger(tmp_path, name="runs")
        trainer = Trainer(
            max_epochs=epochs,
            callbacks=list(callbacks),
            logger=logger,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
            log_every_n_steps=1,
        )
        trainer.fit(module, loader)
        return trainer, module

    return run


def rows(tmp_path):
    import pandas

    table = pandas.read_csv(tmp_path / "runs" / "version_0" / "metrics.csv")
    return table[table["genprobe/rate"].notna()]


def test_every_number_of_every_report_is_logged_with_its_epoch(fit, held, tmp_path):
    callback = GenprobeCallback(as_model, held, every=2, share=1e9, n=100)
    _, module = fit(callback, epochs=4)
    history = callback.watch.history
    logged = rows(tmp_path)
    assert logged["epoch"].tolist() == [1, 3] == callback.watch.frame()["epoch"].tolist()
    for (_, row), report in zip(logged.iterrows(), history, strict=True):
        for name, value in report.scalars().items():
            assert row[f"genprobe/{name}"] == pytest.approx(value, rel=1e-5, abs=1e-7), name
    assert history[-1]["elbo"].value > history[0]["elbo"].value
    # The weights have not moved since: a fresh evaluation of the same examples says the same.
    again = genprobe.callback(held, n=100)(as_model(module), 3)
    assert again["rate"].value == history[-1]["rate"].value


def test_what_is_logged_can_be_monitored(fit, held):
    callback = GenprobeCallback(as_model, held, share=1e9, n=100)
    stop = EarlyStopping("genprobe/rate", mode="max", stopping_threshold=0.0)
    trainer, _ = fit(callback, stop, epochs=5)
    assert trainer.current_epoch == 1


def test_the_training_is_as_without_it(fit, held):
    _, watched = fit(GenprobeCallback(as_model, held, share=1e9, n=50), epochs=2)
    _, alone = fit(epochs=2)
    for a, b in zip(watched.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a, b)
    assert watched.training == alone.training


def test_a_model_that_cannot_be_evaluated_does_not_end_the_training(fit, held):
    def broken(module):
        return genprobe.Model(
            name="broken",
            encode=lambda x: {"loc": x * torch.nan, "scale": x},
            posterior="diagonal-normal",
            prior="standard-normal",
        )

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer, _ = fit(GenprobeCallback(broken, held, share=1e9, n=50), epochs=2)
    assert trainer.current_epoch == 2
    assert sum("no report of epoch" in str(w.message) for w in caught) == 2


SPREAD = """
import sys, warnings
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping
from genprobe import open_dataset
from genprobe_lightning import GenprobeCallback

sys.path.insert(0, sys.argv[1])
from test_lightning import Vae, as_model

data = open_dataset("digits", split="train", binarize="threshold").read(0, 512)
watch = GenprobeCallback(as_model, data, share=1e9, n=60)
stop = EarlyStopping("genprobe/rate", mode="max", stopping_threshold=0.0)
trainer = Trainer(max_epochs=3, callbacks=[watch, stop], logger=False, accelerator="cpu", devices=2,
                  strategy="ddp", enable_progress_bar=False, enable_model_summary=False,
                  enable_checkpointing=False)
torch.manual_seed(0)
trainer.fit(Vae(), torch.utils.data.DataLoader(data, batch_size=64))
logged = float(trainer.callback_metrics["genprobe/rate"])
assert abs(logged - watch.watch.history[-1]["rate"].value) < 1e-4 * abs(logged)
# In one piece: the processes share the pipe, and torchrun lets none of them hold anything back.
print(f"STOPPED {trainer.global_rank} {trainer.current_epoch}\\n", end="", flush=True)
"""


def test_several_processes_log_one_report_without_noise(tmp_path):
    (tmp_path / "spread.py").write_text(SPREAD)
    command = [sys.executable, str(tmp_path / "spread.py"), str(Path(__file__).parent)]
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    assert found.returncode == 0, found.stderr
    assert "sync_dist" not in found.stdout + found.stderr
    lines = sorted(line for line in found.stdout.splitlines() if line.startswith("STOPPED"))
    assert lines == ["STOPPED 0 1", "STOPPED 1 1"]
