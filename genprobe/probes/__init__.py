"""Probes: numbers per example that need the model, one a file, computed while encoding.

A probe is a function whose parameter names are what it needs, out of PROBE_INPUTS. It returns a
float tensor (draw, batch), or (1, batch) where draws do not enter, and is stored under its name.
"""

PROBE_INPUTS = {
    "model": "the Model",
    "posterior": "the Family of q(z|x)",
    "prior": "the Prior",
    "likelihood": "the Likelihood, or None",
    "x": "the examples (batch, *event)",
    "params": "parameters of q(z|x), each (batch, ...)",
    "z": "draws (draw, batch, *latent)",
    "log_qz_x": "log q(z|x) (draw, batch), nats, float64",
    "log_pz": "log p(z) (draw, batch), nats, float64",
    "log_px_z": "log p(x|z) (draw, batch), nats, float64; None without a decoder",
}
