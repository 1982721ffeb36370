"""How a voice sounds and is understood, before and after an export.

The engine speaks texts over the network that was the source, and over the exported graphs, with
everything else the same. DNSMOS tells how the speech sounds; a recogniser writes it down, and the
errors in that are a measure of how well it is understood, its own mistakes among them. Only trained
weights have something to be understood.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_talker.asr import ENGINES, Asr
from edge_talker.audio import HEARING_RATE_HZ, Resampler
from edge_talker.errors import InputError
from edge_talker.messages import Clause, Language, Samples
from edge_talker.store import Store
from edge_talker.text.knowledge import Answer, Entry, Knowledge
from edge_talker.tts import VitsOptions
from edge_talker.tts.vits.description import Description
from edge_talker.tts.vits.engine import Vits, speaker_of
from edge_talker.tts.vits.network import Network, SplitNetwork
from edge_talker.tts.vits.reading import Reader
from edge_talker.tts.vits.whole_network import WholeNetwork
from edge_talker.tts.word_spans import tokens
from export.dnsmos import Dnsmos
from export.error_rate import error_rate
from export.parity import Figures
from export.speech import transcribed

_FORM = "Give a text file in UTF-8 with a sentence on each line, numbers written as words."
_ROWS = {
    "dnsmos_sig": "DNSMOS SIG",
    "dnsmos_bak": "DNSMOS BAK",
    "dnsmos_ovrl": "DNSMOS OVRL",
    "error_rate_en": "word errors, %",
    "error_rate_zh": "character errors, %",
}


@dataclass(frozen=True, slots=True)
class Jury:
    """What judges a voice: texts to speak, a recogniser, and DNSMOS if there is one."""

    texts: tuple[str, ...]
    language: Language
    speaker: NDArray[np.generic] | None
    ear: Asr
    ear_name: str
    dnsmos: Dnsmos | None

    def close(self) -> None:
        """Release the recogniser and DNSMOS."""
        self.ear.close()
        if self.dnsmos:
            self.dnsmos.close()


def jury(
    texts: Path, description: Description, ear: str, dnsmos: Path | None, embedding: Path | None
) -> Jury:
    """Open all that an evaluation needs, before any long work.

    `ear` is the name of a Whisper in the store; if "", the first one there. Without any, it is
    pocketsphinx, whose errors compare the two sides and say nothing of a person's.
    The first speaker of several speaks, or the vector in the file `embedding`.

    Raises:
        InputError: a file is missing or not what it should be, or nothing can hear the language.
        StoreError: there is no such model, or it cannot be trusted.

    """
    lines, language = read_texts(texts), description.language
    speaker = speaker_of(VitsOptions(embedding=embedding), description)
    network = Dnsmos(dnsmos) if dnsmos else None
    artefact = Store().open(ear, "asr.whisper") if ear else Store().open_first("asr.whisper")
    if artefact is None and language != "en":
        raise InputError(
            "No Whisper is in the store, and pocketsphinx hears English only.",
            "Export one: python -m export whisper SOURCE -o NAME",
        )
    knowledge = Knowledge.packaged()
    if artefact is None:
        # It hears nothing that it does not expect: of espeak-ng's speech of these texts 6 % of the
        # words, where the packaged questions are expected.
        answer = Answer("en", lines, "", "")
        expected = {"texts": Entry("texts", "neutral", {"en": answer}, 0)}
        entry = ENGINES["pocketsphinx"]
        heard = entry.load()(entry.options(), replace(knowledge, entries=expected, synonyms=()))
    else:
        entry = ENGINES["whisper-onnx"]
        options = entry.options.model_validate({"language": language, "prompt_tokens": 0})
        heard = entry.load()(options, knowledge, artefact.folder)
    name = artefact.folder.name if artefact else "pocketsphinx, which expects them"
    return Jury(lines, language, speaker, heard, name, network)


def read_texts(path: Path) -> tuple[str, ...]:
    """Read the lines of a text file that hold words.

    Raises:
        InputError: it is missing, no text, or empty.

    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", _FORM) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8: {error}.", _FORM) from error
    if "\0" in text:
        raise InputError(f"{path} is no text: it holds a zero byte.", _FORM)
    lines = tuple(line for each in text.splitlines() if (line := each.strip()) and tokens(line))
    if not lines:
        raise InputError(f"{path} holds no sentence.", _FORM)
    return lines


def evaluate(
    before: Network, folder: Path, description: Description, judges: Jury, console: Console
) -> Figures:
    """Let the source and the graphs in `folder` speak, and show a table; closes `before`.

    Returns:
        DNSMOS where it was given, and word (Chinese: character) errors in percent, of each side.

    """
    after = SplitNetwork if description.split else WholeNetwork
    sides: dict[str, Network] = {
        "before": before,
        "after": after(folder, description, judges.speaker, provider="cpu", threads=2),
    }
    figures: dict[str, float] = {}
    for side, network in sides.items():
        voice = Vits(VitsOptions(), network, description, Reader(description))
        wrong = length = 0
        opinions = []
        for text in track(judges.texts, f"speaking, {side}", console=console):
            sound = spoken(voice, text, judges.language)
            heard = transcribed(judges.ear, sound)
            errors, words = error_rate(text, heard, judges.language)
            wrong, length = wrong + errors, length + words
            if judges.dnsmos:
                opinions.append(judges.dnsmos.scores(sound))
        voice.close()
        means = np.mean(opinions, axis=0) if opinions else ()
        for name, mean in zip(_ROWS, means, strict=False):
            figures[f"{name}_{side}"] = float(mean)
        figures[f"error_rate_{judges.language}_{side}"] = 100 * wrong / length
    console.print(_table(figures, sides, f"{len(judges.texts)} texts, heard by {judges.ear_name}"))
    return figures


def spoken(voice: Vits, text: str, language: Language) -> Samples:
    """Return a text as the engine speaks it, at HEARING_RATE_HZ."""
    clause = Clause(0, 0, text, language, "neutral", last=True)
    pieces = list(voice.stream(clause, lambda: False))
    sound = np.concatenate([piece.samples for piece in pieces])
    return Resampler(pieces[0].rate_hz, HEARING_RATE_HZ).push(sound, last=True)


def _table(figures: Figures, sides: Iterable[str], title: str) -> Table:
    table = Table(title, *sides)
    for name, words in _ROWS.items():
        found = [figures.get(f"{name}_{side}") for side in sides]
        if any(value is not None for value in found):
            table.add_row(words, *("" if value is None else f"{value:.2f}" for value in found))
    return table
