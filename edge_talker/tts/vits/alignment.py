"""Which letters of two strings belong together (Needleman and Wunsch 1970)."""

import numpy as np


def aligned(a: str, b: str) -> list[int]:
    """Return for each letter of `a` the index of its partner in `b`, -1 where it has none."""
    if not a or not b:
        return [-1] * len(a)
    codes_a = np.array([ord(c) for c in a])
    codes_b = np.array([ord(c) for c in b])
    costs = np.empty((len(a) + 1, len(b) + 1), np.int32)
    columns = np.arange(len(b) + 1, dtype=np.int32)
    costs[0] = columns
    for i, code in enumerate(codes_a, start=1):
        row = costs[i]
        row[0] = i
        row[1:] = np.minimum(costs[i - 1, :-1] + (codes_b != code), costs[i - 1, 1:] + 1)
        # An insertion may follow on another: the least of all that are to the left.
        row[:] = np.minimum.accumulate(row - columns) + columns
    partners = [-1] * len(a)
    i, j = len(a), len(b)
    while i and j:
        if costs[i, j] == costs[i - 1, j - 1] + (codes_a[i - 1] != codes_b[j - 1]):
            i, j = i - 1, j - 1
            partners[i] = j
        elif costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return partners
