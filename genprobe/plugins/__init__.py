"""The plugins that were found, the parts they provide, and genprobe's own parts among them."""

from genprobe.plugins.manager import KINDS, Failure, Part, Plugins, plugins

__all__ = ["KINDS", "Failure", "Part", "Plugins", "plugins"]
