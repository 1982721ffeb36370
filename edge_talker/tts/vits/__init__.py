"""VITS without PyTorch: from text to phonemes to a streaming voice with the time of each sound."""
