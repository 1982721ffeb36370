"""The shapes that TensorRT builds the engines of the networks for; not yet run on hardware.

Knows the two graphs of `whisper_graph` by their inputs, and two ways to build engines from them:

- ONNX Runtime's TensorRT provider builds them when a session is opened. It takes several profiles
  for an input, but its context stays with the first one, so inputs that only another one covers
  fail (microsoft/onnxruntime, pull request 31624). `plan` therefore spans all windows by one.
- trtexec builds them offline, with a profile for every window: `commands`. The files cannot be put
  in the place of the provider's own; they serve to try and to time the graphs.

The graphs must be of float16 weights and `GPU_OPSET`: engines have the types of the graph, and
TensorRT 11 has no others.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from edge_talker.asr.whisper.description import Description
from edge_talker.asr.whisper.onnx_network import (
    DECODER_FILE,
    ENCODER_FILE,
    TENSORRT_FILE,
    buckets,
)
from edge_talker.face.wav2lip.description import MEL_BINS, MEL_FRAMES, Wav2LipDescription
from edge_talker.face.wav2lip.network import BATCHES as PICTURES
from edge_talker.face.wav2lip.network import FACE_FILE, LIPS_FILE
from edge_talker.tts.vits.network import BUCKETS as VOCODER_BUCKETS
from export.whisper_graph import cross_names, self_names

COMMANDS_FILE = "trtexec.txt"
USUAL_WINDOW = 500  # an utterance of 5 s, a margin of 2.6 s, and the rest of the bucket

Shape: TypeAlias = tuple[int, ...]


class Extent(NamedTuple):
    """The shapes that one input may have."""

    smallest: Shape
    usual: Shape  # that the kernels are chosen for
    largest: Shape


Profile: TypeAlias = Mapping[str, Extent]
"""The extents of all inputs that have a symbolic dimension, by name."""


def profiles(description: Description) -> dict[str, list[Profile]]:
    """Return the profiles of each graph by its file, one for every window."""
    lengths = buckets(description.n_audio_ctx)
    return {
        ENCODER_FILE: [_encoder_profile(description, window) for window in lengths],
        DECODER_FILE: [_decoder_profile(description, window) for window in lengths],
    }


def plan(description: Description) -> dict[str, dict[str, str]]:
    """Return the options of ONNX Runtime's TensorRT provider by graph file.

    One profile from the shortest to the longest window. Not yet run on hardware.
    """
    lengths = buckets(description.n_audio_ctx)
    usual = max(i for i, window in enumerate(lengths) if window <= USUAL_WINDOW)
    options = {}
    for file, found in profiles(description).items():
        spanning = {
            name: Extent(found[0][name].smallest, found[usual][name].usual, found[-1][name].largest)
            for name in found[0]
        }
        options[file] = _options(spanning)
    return options


def vocoder_plan(channels: int, speaker: int = 0) -> dict[str, str]:
    """Return the options of the TensorRT provider for a voice's vocoder; not yet run on hardware.

    One profile from the smallest bucket of frames to the largest. The text side stays with CUDA:
    its shapes follow from the durations, and TensorRT fails on the flow that draws them.
    `speaker` is the length of a speaker's vector, 0 where the graph takes none.
    """
    sizes = (VOCODER_BUCKETS[0], VOCODER_BUCKETS[0], VOCODER_BUCKETS[-1])
    extents = {"z": Extent(*((1, channels, frames) for frames in sizes))}
    if speaker:
        extents["speaker"] = Extent(*([(1, speaker)] * 3))
    return _options(extents)


def wav2lip_plan(description: Wav2LipDescription) -> dict[str, dict[str, str]]:
    """Return the options of the TensorRT provider by graph file; not yet run on hardware.

    One profile from one picture to the most that are drawn at once, usually four. The graphs of
    float16 and those of QuantizeLinear and DequantizeLinear have the same shapes; their types are
    in the graphs.
    """
    faces = {"face": (6, description.size, description.size)}
    mouths = {"mel": (1, MEL_BINS, MEL_FRAMES), **description.features}
    options = {}
    for file, shapes in ((FACE_FILE, faces), (LIPS_FILE, mouths)):
        profile = {
            name: Extent(*((count, *shape) for count in PICTURES)) for name, shape in shapes.items()
        }
        options[file] = _options(profile)
    return options


def write_plan(folder: Path) -> None:
    """Write the plan of an artefact, next to its `whisper.json`, and the commands.

    Raises:
        StoreError: `whisper.json` is missing or broken.

    """
    description = Description.read(folder)
    text = json.dumps(plan(description), indent=1)
    (folder / TENSORRT_FILE).write_text(text + "\n", "utf-8")
    (folder / COMMANDS_FILE).write_text(commands(description), "utf-8")


def commands(description: Description) -> str:
    """Return a shell script for an artefact's folder that builds its engines by trtexec."""
    lines = [
        "# Not yet run on hardware. For trtexec of TensorRT 10 and 11, in the folder of the graphs."
    ]
    for file, found in profiles(description).items():
        words = [
            "trtexec",
            f"--onnx={file}",
            f"--saveEngine={Path(file).with_suffix('.engine')}",
            "--stronglyTyped",  # what TensorRT 11 always does and 10 must be told
            "--skipInference",
        ]
        lines.append(" ".join([*words, *_profile_options(found)]))
    return "\n".join(lines) + "\n"


def _profile_options(found: list[Profile]) -> Iterator[str]:
    for index, profile in enumerate(found):
        smallest, usual, largest = _specifications(profile)
        yield f"--profile={index}"
        yield f"--minShapes={smallest}"
        yield f"--optShapes={usual}"
        yield f"--maxShapes={largest}"


def _encoder_profile(description: Description, window: int) -> Profile:
    return {"mel": _fixed(1, description.n_mels, 2 * window)}


def _decoder_profile(description: Description, window: int) -> Profile:
    heads, layers = description.n_text_head, description.n_text_layer
    slots, width = description.n_text_ctx, description.n_text_state // heads
    return {
        "tokens": Extent((1, 1), (1, 1), (1, slots)),  # a prompt once, then one by one
        **dict.fromkeys(self_names(layers), _fixed(slots, 2 * description.n_text_state)),
        **dict.fromkeys(cross_names(layers), _fixed(1, heads, window, width)),
    }


def _fixed(*shape: int) -> Extent:
    return Extent(shape, shape, shape)


def _options(profile: Profile) -> dict[str, str]:
    smallest, usual, largest = _specifications(profile)
    return {
        "trt_profile_min_shapes": smallest,
        "trt_profile_opt_shapes": usual,
        "trt_profile_max_shapes": largest,
    }


def _specifications(profile: Profile) -> tuple[str, str, str]:
    """Return the smallest, usual and largest shapes, each as "mel:1x80x500,...".

    The provider and trtexec read the same form.
    """
    smallest, usual, largest = (
        ",".join(f"{name}:{'x'.join(map(str, extent[which]))}" for name, extent in profile.items())
        for which in range(3)
    )
    return smallest, usual, largest
