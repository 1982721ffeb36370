"""Engines of seeded random weights at true size that follow the dialogue: every step is computed.

Random weights understand nothing and say nothing, so what they choose is replaced: the ear's tokens
by those of the words that had been said by then, the mind's by those of the reply, the voice's
durations and sound by espeak-ng's. Knows the script; what a loop does with it is its own matter.
"""

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.dialogue import Said, Script
from edge_talker.asr import Asr, WhisperOnnxOptions
from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.engine import Whisper
from edge_talker.asr.whisper.greedy import Greedy
from edge_talker.asr.whisper.model import Decoded, Model, Request
from edge_talker.asr.whisper.onnx_network import OnnxNetwork
from edge_talker.asr.whisper.tokens import Tokenizer
from edge_talker.child_process import module_command
from edge_talker.config import STAGES, Config, EngineChoice
from edge_talker.engines import Stop
from edge_talker.face import Face, Wav2LipOptions
from edge_talker.face.wav2lip.engine import open_wav2lip
from edge_talker.llm import LlamaOptions
from edge_talker.llm.llama.gguf_file import GGUF_FILE
from edge_talker.llm.llama.process import LlamaProcess
from edge_talker.messages import AudioBlock, Clause, Transcript
from edge_talker.opening import chosen, provider_of
from edge_talker.text.clauses import ClauseSplitter
from edge_talker.text.knowledge import Knowledge
from edge_talker.text.language import language_of
from edge_talker.tts import Tts, VitsOptions
from edge_talker.tts.vits.engine import open_vits

TOKENS_PER_WORD = 1.1  # of OpenAI's multilingual vocabulary, for an English word or a hanzi

Factories = Mapping[str, Callable[..., Any]]


def weights_of(config: Config, *, is_forced: bool) -> str:
    """Say which weights a run has, for its report."""
    if is_forced:
        return "random, seeded, at true size; script forced"
    kinds = [chosen(config, stage)[0].kind for stage in STAGES]
    return "of the store; unforced" if any(kinds) else "packaged; unforced"


def with_lips(config: Config) -> Config:
    """Return a profile whose face is Wav2Lip's, the fourth network."""
    options = Wav2LipOptions(provider=provider_of(config.asr))
    return config.model_copy(update={"face": EngineChoice(engine="wav2lip", options=options)})


def artefacts() -> dict[str, Path]:
    """Return the folders of the random models by stage, made once by the exporters.

    In a process of its own: PyTorch is not to be a part of the loop's memory.
    """
    command = [sys.executable, "-m", "benchmarks.random_models"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    folders: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return {stage: Path(folder) for stage, folder in folders.items()}


def factories(config: Config, script: Script, replies: Iterable[str]) -> Factories:
    """Return what opens the forced engines, for an `Agent`; the voice rehearses `replies`."""
    folders = artefacts()

    def ear(options: WhisperOnnxOptions, knowledge: Knowledge) -> Asr:
        folder = folders["asr"]
        tokenizer, description = Tokenizer.read(folder), Description.read(folder)
        network = OnnxNetwork(folder, provider=options.provider, threads=options.threads)
        model = _ForcedModel(Greedy(network, tokenizer, description), tokenizer, script)
        return _ForcedEar(Whisper(options, model, tokenizer, description, knowledge), model)

    def mind(options: LlamaOptions, knowledge: Knowledge) -> LlamaProcess:
        command = module_command("benchmarks.forced_llm_child")
        return LlamaProcess(options, knowledge, folders["llm"] / GGUF_FILE, command)

    def voice(options: VitsOptions) -> Tts:
        engine = open_vits(options.model_copy(update={"forced": True}), folders["tts"])
        _rehearse(engine, replies)
        return engine

    def lips(options: Wav2LipOptions, _: Path, width: int, height: int) -> Face:
        return open_wav2lip(options, folders["avatar"], width, height, folders["face"])

    made: dict[str, Callable[..., Any]] = {"asr": ear, "llm": mind, "tts": voice}
    return made | ({"face": lips} if config.face.engine == "wav2lip" else {})


class _ForcedModel:
    """A `Model` that understands what was said by the end of the sound that it is given."""

    def __init__(self, model: Model, tokenizer: Tokenizer, script: Script) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._script = script
        self.origin = 0  # first sample of the utterance, in the source

    def window(self, positions: int) -> int:
        return self._model.window(positions)

    def decode(self, request: Request, stop: Stop) -> Decoded | None:
        said = self._script.heard(self.origin, self.origin + len(request.samples))
        tokens = tuple(self._tokenizer.encode(said.text))
        script = script_of(said, self._tokenizer, request.max_tokens)
        request = dataclasses.replace(request, script=script, language=said.language)
        decoded = self._model.decode(request, stop)
        if decoded is None:
            return None
        sure = (0.0,) * len(tokens)
        return dataclasses.replace(decoded, tokens=tokens, logprobs=sure, no_speech=0.0)

    def close(self) -> None:
        self._model.close()


class _ForcedEar:
    """An `Asr` that tells its model where in the source an utterance begins."""

    def __init__(self, engine: Whisper, model: _ForcedModel) -> None:
        self._engine = engine
        self._model = model
        self.warm_up = engine.warm_up
        self.close = engine.close

    def stream(
        self, turn_id: int, blocks: Iterator[AudioBlock], stop: Stop
    ) -> Iterator[Transcript]:
        return self._engine.stream(turn_id, self._noted(blocks), stop)

    def _noted(self, blocks: Iterator[AudioBlock]) -> Iterator[AudioBlock]:
        for i, block in enumerate(blocks):
            if not i:
                self._model.origin = block.start_sample
            yield block


def script_of(said: Said, tokenizer: Tokenizer, most: int = 200) -> list[int]:
    """Return tokens to force an ear along, as many as a real vocabulary has, and the end."""
    tokens = tokenizer.encode(said.text)
    words = len(said.text.split()) if said.language == "en" else len(said.text)
    count = min(round(TOKENS_PER_WORD * words), most)
    return [*([*tokens] * (1 + count // max(1, len(tokens))))[:count], tokenizer.end]


def _rehearse(voice: Tts, replies: Iterable[str]) -> None:
    """Have espeak-ng's share of every clause made before it could count."""
    for reply in replies:
        splitter = ClauseSplitter()
        for text in (*splitter.push(reply), *splitter.finish()):
            for _ in voice.stream(
                Clause(0, 0, text, language_of(text), "neutral", last=True), lambda: False
            ):
                pass
