"""Four small bundles trained on the binarised digits; ``make_bundles`` beside this made them."""

BUNDLES = {"beta-6": 6.0, "beta-3.3": 3.3, "beta-0.9": 0.9, "beta-0.05": 0.05}
"""Name and β of each, from autodecoder to autoencoder."""
