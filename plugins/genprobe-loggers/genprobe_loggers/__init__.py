"""Every report in TensorBoard, Weights & Biases or MLflow: one plugin a file, none needs another.

A logger does something only where its library is asked to: a run is active in this process, or an
environment variable names a place. It fails alone: genprobe warns, and the report stands.
"""
