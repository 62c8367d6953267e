"""Quantisers of vector-quantize-pytorch as models of genprobe: VQ, residual VQ, FSQ, LFQ, BSQ.

``tokenizer`` makes a model of an encoder, a quantiser and a decoder; a function that calls it is
what ``genprobe evaluate --factory`` takes.
"""

from genprobe_vector_quantize.model import tokenizer

__all__ = ["tokenizer"]
