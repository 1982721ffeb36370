"""Profiles: TOML files read into checked models.

Knows every key of a profile; an unknown one is an error that names the nearest key. Durations end
in _ms, rates in _hz, levels in _db or _dbfs.
"""

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge_talker import asr, face, llm, tts
from edge_talker.engines import EngineOptions, find
from edge_talker.errors import ConfigError
from edge_talker.safety.guard import Guard
from edge_talker.safety.lists import NO_LISTS, load_lists, only

M = TypeVar("M", bound=BaseModel)

# What AAC, and so a recording, can have.
AacRate = Literal[8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000]

STAGES = {"asr": asr.ENGINES, "llm": llm.ENGINES, "tts": tts.ENGINES, "face": face.ENGINES}


class Section(BaseModel):
    """Base of a profile's sections."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Hearing(Section):
    """The microphone, voice activity, the end of a turn, and who is listened to."""

    device: int | str = ""  # of the microphone: its number, a part of its name, "" for the default
    echo_cancellation: bool = True  # of what is played; only sound from a room has an echo
    noise_suppression: int = Field(default=0, ge=0, le=4)  # 6, 12, 18, 21 dB
    gain_control: bool = False
    trigger: Literal["open", "key", "wake"] = "open"  # what begins a conversation
    wake_phrase: str = "hello captain"
    conversation_ends_ms: int = Field(default=30_000, ge=2000, le=3_600_000)  # of silence
    barge_in_ms: int = Field(default=320, ge=250, le=2000)  # of speech that stop a reply
    preroll_ms: int = Field(default=300, ge=0, le=2000)
    energy_floor_dbfs: float = Field(default=-58.0, ge=-120, le=0)
    speech_probability: float = Field(default=0.5, gt=0, lt=1)
    silence_probability: float = Field(default=0.35, gt=0, lt=1)
    onset_ms: int = Field(default=64, ge=32, le=1000)
    speculate_ms: int = Field(default=96, ge=32, le=2000)
    wait_whole_question_ms: int = Field(default=320, ge=64, le=10_000)
    wait_likely_question_ms: int = Field(default=560, ge=64, le=10_000)
    likely_score: float = Field(default=0.6, ge=0, le=1)  # of the knowledge search
    wait_sentence_ms: int = Field(default=1060, ge=64, le=10_000)
    wait_ms: int = Field(default=1400, ge=64, le=10_000)
    wait_unfinished_ms: int = Field(default=1800, ge=64, le=10_000)
    utterance_limit_ms: int = Field(default=30_000, ge=1000, le=120_000)


class Output(Section):
    """Picture and sound of the reply."""

    device: int | str = ""  # the loudspeaker: its number, a part of its name, "" for the default
    width: int = Field(default=720, ge=64, le=4096, multiple_of=2)
    height: int = Field(default=1280, ge=64, le=4096, multiple_of=2)
    rate_hz: AacRate = 24_000
    buffer_ms: int = Field(default=1000, ge=200, le=5000)  # rendered ahead of playback
    av_offset_ms: int = Field(default=0, ge=-500, le=500)  # how late the screen shows a picture


class Screen(Section):
    """The window."""

    display: int = Field(default=0, ge=0, le=15)  # the screen's number
    fullscreen: bool = False
    captions: bool = True
    escape: bool = True  # Esc ends the program; False locks a kiosk


class Reporting(Section):
    """What a report may hold."""

    text: bool = True


class Safety(Section):
    """What is neither answered nor said."""

    filter: bool = True
    refuse: tuple[str, ...] = ()  # topics of the lists: politics, religion, medical, ...
    lists: Path | None = None  # a file that adds to the packaged ones, see safety/en.toml

    def guard(self) -> Guard:
        """Return the filter.

        Raises:
            ConfigError: the lists cannot be read, or lack a topic.

        """
        return Guard(only(load_lists(self.lists), self.refuse)) if self.filter else Guard(NO_LISTS)


_PATHS = (("llm", "documents"), ("tts", "lexicon"), ("tts", "embedding"), ("safety", "lists"))
"""Options that are paths, which begin at the profile."""


class EngineChoice(Section):
    """An engine and its own options, which lie in the same table of the profile."""

    engine: str
    options: EngineOptions


class Config(Section):
    """A whole profile."""

    name: str = "custom"
    knowledge: Path | None = None  # None: the packaged museum
    avatar: str = "marlow"
    hearing: Hearing = Hearing()
    asr: EngineChoice
    llm: EngineChoice
    tts: EngineChoice
    face: EngineChoice
    output: Output = Output()
    screen: Screen = Screen()
    safety: Safety = Safety()
    report: Reporting = Reporting()

    @classmethod
    def load(cls, profile: str | Path = "starter") -> Self:
        """Read a packaged profile by its name, or a TOML file by its path.

        Raises:
            ConfigError: no such profile, broken TOML, an unknown key, a value out of range.

        """
        packaged = resources.files("edge_talker") / "profiles"
        names = sorted(f.name.removesuffix(".toml") for f in packaged.iterdir())
        if str(profile) in names:
            return cls.parse(
                tomllib.loads((packaged / f"{profile}.toml").read_text("utf-8")),
                f"profile {profile}",
            )
        path = Path(profile)
        if not path.is_file():
            raise ConfigError(
                f"There is no profile {str(profile)!r}.",
                f"Use one of: {', '.join(names)}; or the path of a TOML file.",
            )
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ConfigError(f"{path}: {error}", "Mend the file at that place.") from error
        if "knowledge" in table:
            table["knowledge"] = path.parent / str(table["knowledge"])
        for section, key in _PATHS:
            part = table.get(section)
            if isinstance(part, dict) and key in part:
                part[key] = path.parent / str(part[key])
        own = table.get("face")
        if isinstance(own, dict):
            file = face.background_file(str(own.get("background", "avatar")))
            if file:
                own["background"] = str(path.parent / file)
        return cls.parse(table, str(path))

    @classmethod
    def parse(cls, table: dict[str, Any], origin: str) -> Self:
        """Check a table as TOML gives it; `origin` names it in errors.

        Raises:
            ConfigError: an unknown key, a value out of range, an unknown engine.

        """
        table = dict(table)
        try:
            for stage, engines in STAGES.items():
                if isinstance(table.get(stage), dict):
                    own = dict(table[stage])
                    entry = find(engines, stage, str(own.pop("engine", "")))
                    options = _checked(entry.options, own, origin, f"{stage}.")
                    table[stage] = {"engine": entry.name, "options": options}
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error.message}", error.remedy) from error
        return _checked(cls, table, origin, "")

    def resized(self, width: int, height: int) -> Self:
        """Return this profile with another picture size, in pixels.

        Raises:
            ConfigError: a size that is odd or out of range.

        """
        table = self.output.model_dump() | {"width": width, "height": height}
        output = _checked(Output, table, "picture size", "output.")
        return self.model_copy(update={"output": output})

    def on_background(self, background: str) -> Self:
        """Return this profile with another background of the face, see `FaceOptions`.

        Raises:
            ConfigError: no background, or the face engine knows none.

        """
        table = self.face.options.model_dump() | {"background": background}
        options = _checked(type(self.face.options), table, "background", "face.")
        return self.model_copy(update={"face": self.face.model_copy(update={"options": options})})

    @property
    def is_transparent(self) -> bool:
        """Whether pictures have transparency, which only some formats can hold."""
        return face.is_transparent(getattr(self.face.options, "background", ""))


def _checked(model: type[M], table: dict[str, Any], origin: str, prefix: str) -> M:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        key = prefix + ".".join(str(part) for part in first["loc"])
        if first["type"] != "extra_forbidden":
            missing = first["type"] == "missing"
            remedy = "Add it." if missing else f"It is {first['input']!r} now."
            raise ConfigError(f"{origin}: {key}: {first['msg']}", remedy) from error
        known = _keys(model, prefix)
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
        raise ConfigError(
            f"{origin}: there is no key {key!r}.", f"Did you mean {near[0]!r}?" if near else ""
        ) from error


def _keys(model: type[BaseModel], prefix: str) -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            found += _keys(inner, f"{prefix}{name}.")
        else:
            found.append(prefix + name)
    return found
