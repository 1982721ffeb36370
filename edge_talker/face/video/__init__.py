"""A film of a person as an avatar: read, tracked, kept, and shown in a loop."""
