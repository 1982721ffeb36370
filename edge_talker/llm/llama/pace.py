"""How much is said: people speak a few clauses and then wait; a model would go on and on."""

from edge_talker.text.clauses import ClauseSplitter


class Pace:
    """Lets a reply pass up to the end of its last allowed clause.

    That one is held back until it is complete, so that nothing of a further one is ever said.
    """

    def __init__(self, max_clauses: int) -> None:
        self._left = max_clauses
        self._splitter = ClauseSplitter()
        self._said = 0  # characters of the last clause that have passed
        self.ended = False

    def push(self, text: str) -> str:
        """Take the next piece; return what may be said now."""
        holding = self._left == 1
        clauses = self._splitter.push(text)
        self._left -= len(clauses)
        if self._left <= 0:
            self.ended = True
            return clauses[-1 + self._left][self._said :] if holding else text
        if holding:
            return ""
        if self._left == 1:
            self._said = len(self._splitter.pending)
        return text

    def finish(self) -> str:
        """Return what was held back, when the reply ends by itself."""
        held = self._splitter.pending if self._left == 1 and not self.ended else ""
        return held[self._said :]
