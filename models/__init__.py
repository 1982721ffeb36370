"""PyTorch definitions of the networks, state-dict compatible with the public checkpoints."""
