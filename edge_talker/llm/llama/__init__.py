"""A language model run by llama.cpp: the chat, the memory of what was said, and the pace of speech."""
