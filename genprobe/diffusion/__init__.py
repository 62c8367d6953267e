"""What the states of a diffusion model cost, and how far each is from the data: functions alone.

No model is called here. Everything is float64, in nats and in the units of the chain.
"""
