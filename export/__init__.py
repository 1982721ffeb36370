"""Exporters: from PyTorch checkpoints to what the runtime loads, with proof of what was lost."""
