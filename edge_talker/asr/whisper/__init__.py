"""Whisper without PyTorch: its sound front end, its tokens and the engines that run it."""
