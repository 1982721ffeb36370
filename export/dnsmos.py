"""How good speech sounds to people, as a network foretells it: DNSMOS P.835.

Reddy et al., "DNSMOS P.835", 2022. The network (`sig_bak_ovr.onnx` of microsoft/DNS-Challenge) is
not part of the project; it hears 9.01 s at 16 kHz, and a polynomial for each score turns its raw
numbers into opinions. What is shorter is repeated; what is longer is heard once for each second.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.errors import EngineError, InputError
from edge_talker.messages import Samples
from edge_talker.onnx import Session

_WINDOW_SAMPLES = 144_160
_INPUT = "input_1"
_POLYNOMIALS = (  # highest power first
    (-0.08397278, 1.22083953, 0.0052439),
    (-0.13166888, 1.60915514, -0.39604546),
    (-0.06766283, 1.11546468, 0.04602535),
)
_REMEDY = "Give sig_bak_ovr.onnx of microsoft/DNS-Challenge."


class Scores(NamedTuple):
    """Mean opinions, from 1 to 5."""

    signal: float  # SIG: the speech itself
    background: float  # BAK: how little disturbs it
    overall: float  # OVRL


class Dnsmos:
    """The network.

    Raises:
        InputError: the file is missing, damaged, or another network.

    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"There is no file {path}.", _REMEDY)
        try:
            self._session = Session(path)
        except EngineError as error:
            raise InputError(error.message, _REMEDY) from error
        [*inputs] = self._session.native.get_inputs()
        if [(i.name, i.shape[-1]) for i in inputs] != [(_INPUT, _WINDOW_SAMPLES)]:
            self.close()
            raise InputError(f"{path} is not the network of DNSMOS.", _REMEDY)
        self._output = self._session.native.get_outputs()[0].name

    def scores(self, samples: Samples) -> Scores:
        """Return the opinions on samples at HEARING_RATE_HZ, at least one.

        Raises:
            EngineError: ONNX Runtime failed.

        """
        sound = np.resize(samples, max(_WINDOW_SAMPLES, len(samples)))  # repeated if shorter
        raw = [
            self._raw(sound[start : start + _WINDOW_SAMPLES])
            for start in range(0, len(sound) - _WINDOW_SAMPLES + 1, HEARING_RATE_HZ)
        ]
        opinions = [
            np.polyval(polynomial, values)
            for polynomial, values in zip(_POLYNOMIALS, np.transpose(raw), strict=True)
        ]
        return Scores(*(float(np.mean(values)) for values in opinions))

    def close(self) -> None:
        """Release the network; safe to call twice."""
        self._session.close()

    def _raw(self, window: Samples) -> list[float]:
        value = self._session.value(np.ascontiguousarray(window[None], np.float32))
        found = self._session.run({_INPUT: value}, [self._output], lambda: False)
        assert found is not None
        raw: list[float] = found[0].numpy().reshape(-1).tolist()
        return raw
