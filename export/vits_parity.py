"""What a VITS lost on its way to ONNX, measured against the PyTorch definition at fixed noise.

Durations are compared as predicted; z and the sound at the definition's own durations, so that one
frame more does not shift all that comes after it. The vocoder in chunks is compared with itself in
one piece, through the very code that the engine runs.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from edge_talker.tts.vits.description import Description
from edge_talker.tts.vits.network import Manner, Plan, SplitNetwork, noises
from edge_talker.tts.vits.whole_network import WholeNetwork
from export.parity import Figures, Floats, Limit, snr_db
from models.random_vits import made_up
from models.vits import Scales, Vits

TEXTS = 8  # made-up ones, of different lengths
_CHUNKS = (1, 7, 20, 33)  # frames

_CHUNKED = {"chunked_max_abs": Limit(1e-4)}
_EXACT = {
    "z_max_abs": Limit(1e-3),
    "pcm_max_abs": Limit(1e-3),
    "durations_equal": Limit(0.995, at_least=True),
}
LIMITS: Mapping[str, Mapping[str, Limit]] = {
    "fp32": {**_EXACT, **_CHUNKED},
    "fp16": {
        "pcm_snr_db": Limit(30, at_least=True),
        "durations_equal": Limit(0.995, at_least=True),
        "chunked_max_abs": Limit(5e-3),
    },
    "int8": {
        "z_snr_db": Limit(25, at_least=True),
        "durations_equal": Limit(0.98, at_least=True),
        **_CHUNKED,
    },
}
"""What each precision may lose."""


def measure(
    network: Vits,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Figures:
    """Compare the graphs in `folder` with the definition on made-up ids.

    Returns:
        largest absolute differences, signal to noise ratios, the share of ids of equal durations,
        and how much durations and sound depend on the text at all.

    """
    description = Description.read(folder)
    found: dict[str, list[float]] = defaultdict(list)
    scales = Scales()
    _, _, speaker = made_up(network.dims, 1, torch.Generator().manual_seed(0))
    exported = SplitNetwork(
        folder, description, None if speaker is None else speaker.numpy(),
        provider="cpu", threads=2,
    )  # fmt: skip
    for seed in range(TEXTS):
        count = 21 + 20 * seed
        ids, _, _ = made_up(network.dims, count, torch.Generator().manual_seed(seed))
        lengths, free = torch.tensor([count]), torch.full((1, count), -1)
        rhythm, noise = map(torch.from_numpy, noises(description.channels))
        with torch.inference_mode():
            prior, durations, mask = network.text(
                ids, lengths, rhythm[:, :, :count], noise, torch.tensor(scales), free, speaker
            )
            z = network.latents(prior, mask, speaker)
            pcm = network.vocode(z, speaker)[0, 0].numpy()
        plan = exported.plan(ids[0].numpy(), Manner(*scales), _never)
        forced = durations[0].long().numpy()
        same = exported.plan(ids[0].numpy(), Manner(*scales), _never, forced)
        assert plan is not None
        assert same is not None
        frames = z.shape[2]
        sound = same.sound(0, frames, _never)
        assert sound is not None
        found["durations_equal"] += (plan.durations == forced).tolist()
        found_z = same.z.get(0, frames, _never)
        assert found_z is not None
        found["z_max_abs"].append(float(np.abs(found_z - z.numpy()).max()))
        found["z_snr_db"].append(snr_db(z.numpy(), found_z))
        found["pcm_max_abs"].append(float(np.abs(sound - pcm).max()))
        found["pcm_snr_db"].append(snr_db(pcm, sound))
        again = exported.plan(ids[0].numpy(), Manner(*scales), _never, forced)
        chunked = _in_chunks(again, frames, _CHUNKS[seed % len(_CHUNKS)])
        found["chunked_max_abs"].append(float(np.abs(chunked - sound).max()))
        found["frames_per_id"].append(frames / count)
        found["durations_spread"].append(float(forced.std()))
        found["pcm_rms"].append(float(np.sqrt(np.mean(np.square(pcm)))))
        progress(seed + 1, TEXTS)
    exported.close()
    worst = {"z_max_abs", "pcm_max_abs", "chunked_max_abs"}
    least = {"z_snr_db", "pcm_snr_db"}
    return {
        name: max(values) if name in worst else min(values) if name in least else _mean(values)
        for name, values in found.items()
    }


PARTS_LIMITS = {
    "durations_equal": Limit(1, at_least=True),
    "pcm_max_abs": Limit(1e-3),
    **_CHUNKED,
}
"""What may be lost when a published graph is split: nothing but rounding."""


def measure_parts(folder: Path, description: Description) -> Figures:
    """Compare the parts of a published voice in `folder` with its whole graph, without noise."""
    speaker = np.zeros(1, np.int64) if description.speakers else None
    parts = SplitNetwork(folder, description, speaker, provider="cpu", threads=2)
    whole = WholeNetwork(folder, description, speaker, provider="cpu", threads=2)
    quiet = Manner(0.0, 1.0, 0.0)
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(TEXTS):
        ids = np.random.default_rng(seed).integers(1, description.n_vocab, 21 + 20 * seed)
        split, published = parts.plan(ids, quiet, _never), whole.plan(ids, quiet, _never)
        assert split is not None
        assert published is not None
        found["durations_equal"] += (split.durations == published.durations).tolist()
        frames = int(split.durations.sum())
        ours, theirs = split.sound(0, frames, _never), published.sound(0, frames, _never)
        chunked = _in_chunks(parts.plan(ids, quiet, _never), frames, 20)
        assert ours is not None
        assert theirs is not None
        found["pcm_max_abs"].append(float(np.abs(ours - theirs).max()))
        found["chunked_max_abs"].append(float(np.abs(chunked - ours).max()))
    parts.close()
    whole.close()
    return {
        name: _mean(values) if name == "durations_equal" else max(values)
        for name, values in found.items()
    }


def _in_chunks(plan: Plan | None, frames: int, size: int) -> Floats:
    """Return the sound of a plan that nothing was asked of before."""
    assert plan is not None
    pieces = [plan.sound(at, min(frames, at + size), _never) for at in range(0, frames, size)]
    return np.concatenate([piece for piece in pieces if piece is not None])


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _never() -> bool:
    return False
