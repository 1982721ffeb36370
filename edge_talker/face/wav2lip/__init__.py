"""Wav2Lip without PyTorch: the lips of a photo or a film, drawn anew for what is said."""
