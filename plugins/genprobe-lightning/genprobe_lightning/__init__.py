"""A callback of Lightning that evaluates a model while it trains."""

from collections.abc import Callable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

import genprobe


class GenprobeCallback(Callback):
    """Logs rate, distortion, I(n;z), marginal KL and the rest as ``genprobe/NAME`` after an epoch.

    ``genprobe.callback`` decides after which epochs, and keeps to its share of the training's time.

    Args:
        model: the LightningModule to a ``genprobe.Model`` of it as it is now.
        data: held out from the training; whatever ``genprobe.evaluate`` takes.
        options: those of ``genprobe.callback``, such as ``every``, ``share`` and ``n``.

    Attributes:
        watch: what ``genprobe.callback`` returned, with the history of reports.
    """

    def __init__(self, model: Callable[[Any], genprobe.Model], data: Any, **options: Any) -> None:
        self.watch = genprobe.callback(data, **options)
        self._model = model

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Evaluate, if it is time, and log every number that is known."""
        report = self.watch(self._model(pl_module), trainer.current_epoch)
        if report is not None:
            found = {f"genprobe/{name}": value for name, value in report.scalars().items()}
            # Every rank has the same report: their mean is its numbers, and all can monitor them.
            pl_module.log_dict(found, on_epoch=True, sync_dist=True)
