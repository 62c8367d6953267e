"""log p(x) of a decoder by annealed importance sampling, and the best posterior of a family."""
