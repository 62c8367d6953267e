"""What a probe may ask for: the names of its parameters, and what each is."""

PROBE_INPUTS = {
    "model": "the Model",
    "posterior": "the Family of q(z|x)",
    "prior": "the Prior",
    "likelihood": "the Likelihood, or None",
    "x": "the examples (batch, *event)",
    "context": "what a conditional model is given besides x and z, by name, each (batch, ...); its "
    "encode and decode take it as keywords; empty for other models",
    "params": "parameters of q(z|x), each (batch, ...)",
    "z": "draws (draw, batch, *latent)",
    "log_qz_x": "log q(z|x) (draw, batch), nats, float64",
    "log_pz": "log p(z) (draw, batch), nats, float64",
    "log_px_z": "log p(x|z) (draw, batch), nats, float64; None without a decoder",
    "index": "positions of the examples in the data set (batch,)",
    "chosen": "positions in this batch of the examples of a random subset (some,), the same ones "
    "however the run is cut; a probe that asks for them returns (draw, some) of these alone, is "
    "not called where there are none, and is stored as ``subset/NAME``",
    "n": "the number of examples in the data set",
    "device": "the device of the model; what a probe is given lies on the CPU",
    "batch_size": "the most examples for one call of the model",
    "calls": "encoder and decoder with all of that dealt with: encode, decode, log_px_z and "
    "log_px_z_gradient of ``genprobe.probes.Calls``",
}
