"""Reference architectures: networks that genprobe itself can build, train and reload."""

from genprobe.architectures.mlp_vae import MlpVae

ARCHITECTURES = {"mlp-vae": MlpVae}
"""Architectures a bundle may name. Each class is built from its plain ``config``."""

__all__ = ["ARCHITECTURES", "MlpVae"]
