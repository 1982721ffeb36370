"""A language model run by llama.cpp: the chat, its memory and its pace."""

Tokens = tuple[int, ...]
