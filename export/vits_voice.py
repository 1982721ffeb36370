"""What a voice is beside its weights: Piper's .json, the original's, or a made-up one.

Knows those files and how they become a `Description`; knows no weights.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from edge_talker.errors import InputError
from edge_talker.tts.vits.description import Description
from export.piper_voice import PiperGraph
from models.checkpoint_files import read_json
from models.vits_dims import VitsDims

# In the order of their ids, as Piper's own table and the original's list have them.
PIPER_SYMBOLS = (
    "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæçðøħŋœǀǁǂǃɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾ"
    'ʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʘʙʛʜʝʟʡʢʲˈˌːˑ˞βθχᵻⱱ0123456789\u0327\u0303\u032a\u032f\u0329ʰˤε↓#"↑\u033a\u033bg'
    "ʦX\u031d\u030aɝʷ"
)
ORIGINAL_SYMBOLS = (
    '_;:,.!?¡¿—…"«»“” ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    "ɑɐɒæɓʙβɔɕçɗɖðʤəɘɚɛɜɝɞɟʄɡɠɢʛɦɧħɥʜɨɪʝɭɬɫɮʟɱɯɰŋɳɲɴøɵɸθœɶʘɹɺɾɻʀʁɽʂʃʈʧʉʊʋⱱʌɣɤʍχʎʏʑʐʒʔʡʕʢǀǁǂǃˈˌːˑʼʴʰʱʲʷˠˤ˞"
    "↓↑→↗↘'\u0329'ᵻ"
)
_PIPER_FORM = "Give the .json that was published or written beside the voice: --config FILE.json"
_ONLY_ESPEAK = (
    "Only voices of espeak-ng's phonemes can be spoken here. Piper's Chinese ones of pinyin need "
    "a model that its own package would fetch."
)


def table(symbols: str) -> dict[str, tuple[int, ...]]:
    """Return the ids of symbols that stand in their order; of two that are the same, the last."""
    return {symbol: (index,) for index, symbol in enumerate(symbols)}


def described(dims: VitsDims, settings: Mapping[str, object], rate_hz: int) -> Description:
    """Return the description of a network by what is known of its voice.

    `settings` are those of a voice's .json, empty where there is none; `rate_hz` is taken where
    they do not tell.

    Raises:
        InputError: they contradict the network, or something needed is missing.

    """
    shape = {
        "hop_samples": dims.hop_samples,
        "frame_steps": dims.frame_steps,
        "flow_reach_frames": dims.flow_reach_frames,
        "coarse_reach_frames": dims.coarse_reach_frames,
        "fine_reach_steps": dims.fine_reach_steps,
        "channels": dims.inter_channels,
        "n_vocab": dims.n_vocab,
        "speaker_vector": dims.gin_channels if dims.outside_speaker else 0,
    }
    return _described(shape, settings, rate_hz, dims.n_speakers)


def described_graph(graph: PiperGraph, settings: Mapping[str, object], rate_hz: int) -> Description:
    """Return the description of a published graph; as `described` else.

    Raises:
        InputError: as `described`.

    """
    shape = {
        "hop_samples": graph.hop_samples,
        "frame_steps": graph.frame_steps,
        "flow_reach_frames": graph.flow_reach_frames,
        "coarse_reach_frames": graph.coarse_reach_frames,
        "fine_reach_steps": graph.fine_reach_steps,
        "channels": graph.channels,
        "n_vocab": graph.n_vocab,
        "split": graph.parts is not None,
    }
    speakers = int(str(settings.get("num_speakers", 1)))
    with_speaker = any(value.name == "sid" for value in graph.whole.graph.input)
    if with_speaker != (speakers > 1):
        raise InputError(
            f"The .json tells of {speakers} speakers, and the graph "
            f"{'asks' if with_speaker else 'does not ask'} for one.",
            _PIPER_FORM,
        )
    return _described(shape, settings, rate_hz, speakers)


def _described(
    shape: Mapping[str, int], settings: Mapping[str, object], rate_hz: int, n_speakers: int
) -> Description:
    audio, data = _part(settings, "audio"), _part(settings, "data")
    said_hz = audio.get("sample_rate") or data.get("sampling_rate") or settings.get("sample_rate")
    if settings.get("phoneme_type", "espeak") not in ("espeak", "PhonemeType.ESPEAK"):
        raise InputError(f"The voice speaks {settings['phoneme_type']!r}.", _ONLY_ESPEAK)
    espeak_voice = str(_part(settings, "espeak").get("voice", "") or "")
    espeak_voice = espeak_voice or "en-us"
    spoken: Literal["en", "zh"] = "zh" if espeak_voice.startswith(("cmn", "zh")) else "en"
    ids = settings.get("phoneme_id_map") or table(
        ORIGINAL_SYMBOLS if shape["n_vocab"] == len(ORIGINAL_SYMBOLS) else PIPER_SYMBOLS
    )
    speakers = settings.get("speaker_id_map") or {
        str(i): i for i in range(n_speakers if n_speakers > 1 else 0)
    }
    how = _part(settings, "inference")
    keys: dict[str, Any] = {
        "rate_hz": said_hz or rate_hz,
        **shape,
        "language": spoken,
        "espeak_voice": espeak_voice,
        "phoneme_ids": ids,
        "speakers": speakers,
        "noise": how.get("noise_scale", 0.667),
        "length": how.get("length_scale", 1.0),
        "duration_noise": how.get("noise_w", 0.8),
    }
    try:
        found = Description.model_validate(keys)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"The voice's configuration does not suit its weights: {where}: {first['msg']}",
            _PIPER_FORM,
        ) from error
    if found.speakers and n_speakers > 1 and max(found.speakers.values()) >= n_speakers:
        raise InputError(
            f"The configuration has {len(found.speakers)} speakers, the weights {n_speakers}.",
            _PIPER_FORM,
        )
    return found


def read_settings(path: Path) -> dict[str, object]:
    """Read a voice's .json.

    Raises:
        InputError: it is missing or broken.

    """
    if not path.is_file():
        raise InputError(f"There is no {path}, which describes the voice.", _PIPER_FORM)
    return read_json(path)


def _part(settings: Mapping[str, object], key: str) -> Mapping[str, Any]:
    found = settings.get(key)
    return found if isinstance(found, dict) else {}
