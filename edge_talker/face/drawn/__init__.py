"""Drawn avatars: characters in vector layers, made by the scripts in this folder."""
