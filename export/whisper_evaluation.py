"""Word errors before and after an export: the engine over PyTorch, and over the exported graphs.

Everything but the network is the same: guards, tokens, retries. PyTorch runs twice, over the whole
window as the checkpoint was trained, and over the short windows of the engine, so that what the
windows cost is told from what the precision costs. Only trained weights have words to err in.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_talker.asr import WhisperOptions
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.engine import Whisper as Engine
from edge_talker.asr.whisper.greedy import Greedy, Network
from edge_talker.asr.whisper.onnx_network import OnnxNetwork
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.audio import HEARING_RATE_HZ
from edge_talker.hearing.decode import decode
from edge_talker.text.knowledge import Knowledge
from export.error_rate import Recording, error_rate
from export.parity import Figures
from export.speech import transcribed
from export.whisper_reference import TorchNetwork
from models.whisper import Whisper


def evaluate(
    network: Whisper, folder: Path, recordings: Sequence[Recording], console: Console
) -> Figures:
    """Transcribe recordings with the definition and with the graphs in `folder`; show a table.

    Returns:
        word error rates of English and character error rates of Chinese, in percent.

    """
    sides: dict[str, Network] = {
        "before": TorchNetwork(network, full_window=True),
        "short_windows": TorchNetwork(network),
        "after": OnnxNetwork(folder, provider="cpu", threads=2),
    }
    figures: dict[str, float] = {}
    for side, network_ in sides.items():
        errors: Counter[str] = Counter()
        lengths: Counter[str] = Counter()
        for recording in track(recordings, f"transcribing, {side}", console=console):
            text = _transcribed(folder, network_, recording)
            wrong, length = error_rate(recording.text, text, recording.language)
            errors[recording.language] += wrong
            lengths[recording.language] += length
        network_.close()
        figures |= {
            f"error_rate_{language}_{side}": 100 * errors[language] / lengths[language]
            for language in sorted(lengths)
            if lengths[language]
        }
    table = Table("error rate, %", *(side.replace("_", " ") for side in sides))
    for language, unit in (("en", "words, English"), ("zh", "characters, Chinese")):
        rates = [figures.get(f"error_rate_{language}_{side}") for side in sides]
        table.add_row(unit, *("" if rate is None else f"{rate:.2f}" for rate in rates))
    console.print(table)
    return figures


def _transcribed(folder: Path, network: Network, recording: Recording) -> str:
    tokenizer, description = Tokenizer.read(folder), Description.read(folder)
    options = WhisperOptions(language=recording.language, prompt_tokens=0)
    model = Greedy(network, tokenizer, description)
    engine = Engine(options, model, tokenizer, description, Knowledge.packaged())
    return transcribed(engine, np.concatenate(list(decode(recording.path, HEARING_RATE_HZ))))
