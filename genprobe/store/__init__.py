"""The HDF5 store of what a model said about each example: the seam of genprobe.

Everything before the store needs the model; everything after it needs only the store. The format
is specified in docs/store-format.md.
"""

from genprobe.store.format import Header
from genprobe.store.read import Store, open_store
from genprobe.store.write import StoreWriter

__all__ = ["Header", "Store", "StoreWriter", "open_store"]
