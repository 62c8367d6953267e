"""The HDF5 store of what a model said about each example: the seam of genprobe.

Everything before the store needs the model; everything after it needs only the store. The format
is specified in docs/store-format.md.
"""
