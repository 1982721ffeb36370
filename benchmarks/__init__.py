"""Benchmarks: run from a clone; each ends in one line of JSON."""
