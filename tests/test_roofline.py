"""The predictions: what is counted against counts by hand, and the greater of two times."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmarks import roofline, roofline_work
from benchmarks.roofline import Hardware, least_ms
from benchmarks.roofline_work import BITS, Work, operations
from edge_talker.errors import InputError
from models.llama import LlamaDims
from models.vits import Vits
from models.vits_dims import VitsDims
from models.wav2lip import Wav2Lip
from models.wav2lip_dims import Wav2LipDims
from models.whisper import WhisperDims

# 2 cores, each 10 operations of 8 bits or 4 of floats a cycle, 0.5 GHz: 10 G or 4 G a second.
TINY = Hardware("tiny", "cpu", 2, 10, 4, 0.5, 2.0, "made up")


@pytest.fixture
def meta():
    with torch.device("meta"):
        yield


def test_peaks_are_cores_times_operations_times_clock():
    assert TINY.peak(in_8_bits=True) == 10e9
    assert TINY.peak(in_8_bits=False) == 4e9


def test_a_stage_takes_its_operations_and_its_bytes():
    heavy = Work("heavy", operations=20_000_000, weights=1_000_000, bits=8)
    assert least_ms(heavy, TINY) == pytest.approx((2.0, 0.5))
    assert least_ms(replace(heavy, bits=32), TINY) == pytest.approx((5.0, 2.0))
    # 3 calls read 3 million weights of 4 bits, and 0.5 MB of keys and values.
    often = replace(heavy, bits=4, calls=3, kv_bytes=500_000)
    assert least_ms(often, TINY) == pytest.approx((2.0, 1.0))


def test_the_sum_is_of_the_times_that_bind():
    works = [
        Work("first", operations=20_000_000, weights=1_000_000, bits=8),
        Work("second", operations=0, weights=12_000_000, bits=8),
    ]
    tables = roofline.prediction_tables([TINY], {"cpu": works, "gpu": []})
    assert tables.splitlines()[-1] == "| tiny | **2** / 0.5 | 0 / **6** | 8 |"
    assert "| tiny, cpu | 2 x 10 / 4 x 0.5 = 0.01 / 0.004 T | 2 | made up |" in tables
    assert "**Predicted, not measured:**" in tables


def test_the_arithmetic_of_bytes_is_shown():
    work = Work("some", 3_000_000_000, 2_000_000, 8, calls=4, kv_bytes=5e6)
    table = roofline.work_table({"cpu": [work], "gpu": [replace(work, bits=16)]})
    assert "| some | 3 G | 4 x 2 M x 8 / 16 bits + 5 MB = 13 / 21 MB |" in table


def test_the_hardware_has_the_peaks_that_its_makers_name():
    peaks = {one.name: one.peak(in_8_bits=True) / 1e12 for one in roofline.read_hardware()}
    named = {  # of 8 bits, dense
        "Raspberry Pi 5": 0.614,
        "Intel N100": 0.435,
        "Jetson Orin Nano Super 8 GB": 67 / 2,
        "Jetson AGX Orin 64 GB": 170 / 2,
        "GeForce RTX 3060 12 GB": 101.9,
        "GeForce RTX 4060": 483.66 / 4,
    }
    assert peaks == pytest.approx(named, rel=0.01)


def test_multiply_adds_count_as_two(meta):
    linear, conv = nn.Linear(3, 5), nn.Conv1d(3, 4, 7, padding=3)
    assert operations(lambda: linear(torch.empty(2, 3))) == 2 * 2 * 3 * 5
    assert operations(lambda: conv(torch.empty(1, 3, 10))) == 2 * 3 * 4 * 7 * 10


def test_the_mind_reads_all_weights_in_each_call(meta):
    dims = LlamaDims("qwen2", 100, 512, 32, 3, 4, 2, 8, 48, 1e-6, 1e6, tied=True)
    question, clause = roofline_work.mind(dims)
    block = 32 * 32 * 2 + 2 * 32 * 16 + 3 * 32 * 48
    output = 100 * 32
    attention = 3 * 4 * 4 * 8  # of a token and a position that it looks at, in all layers
    assert question.weights == 3 * block + output
    assert question.operations == 2 * (20 * 3 * block + output) + 20 * 320 * attention
    assert question.kv_bytes == 320 * 3 * 2 * 2 * 8 * 2
    # The emotion's two tokens at once, then seven, one by one.
    looks = 2 * 322 + sum(range(323, 330))
    assert clause.calls == 8
    assert clause.operations == 2 * (9 * 3 * block + 8 * output) + looks * attention
    assert clause.in_8_bits


def test_the_ear_hears_over_the_window_of_its_profile(meta):
    dims = WhisperDims.of(16, 2, 2, 2, 50, 8)
    encoder, tokens = roofline_work.ear(dims, BITS["cpu"], on_cpu=True)
    on_gpu = roofline_work.ear(dims, BITS["gpu"], on_cpu=False)
    assert encoder.operations < on_gpu[0].operations
    assert tokens.calls == 13
    # 4 s and 2.56 s are 328 positions: 352 on a CPU, 500 on a GPU; K and V of two layers.
    assert tokens.kv_bytes == 13 * 352 * 2 * 2 * 16 * 4
    assert on_gpu[1].kv_bytes == 13 * 500 * 2 * 2 * 16 * 2
    # Of a layer: 4 matrices look at the text, 2 at the sound, 8 are the MLP's; and the embedding.
    assert tokens.weights == 2 * (4 + 2 + 8) * 16 * 16 + 50 * 16


def test_the_voice_makes_its_first_piece_and_what_that_depends_on(meta):
    dims = VitsDims(40, 8, 8, 16, n_layers=1, upsample_initial_channel=16)
    text, flow, vocoder = roofline_work.voice(dims, BITS["cpu"])
    assert [work.in_8_bits for work in (text, flow, vocoder)] == [False, True, False]
    network = Vits(dims)

    def piece(frames: int) -> tuple[int, int]:
        z = torch.empty(1, 8, frames)
        return operations(lambda: network.latents(z)), operations(lambda: network.vocode(z))

    least, most = piece(34), piece(34 + 2 * 32)
    assert least[0] < flow.operations < most[0]
    assert least[1] < vocoder.operations < most[1]


def test_the_face_draws_the_rows_that_are_pasted_from_features_that_are_there(meta):
    small = Wav2LipDims().scaled(0.05)
    face = roofline_work.face(small, BITS["cpu"])
    whole = Wav2Lip(small).eval()
    sound, picture = torch.empty(1, 1, 80, 16), torch.empty(1, 6, 96, 96)
    assert 0 < face.operations < operations(lambda: whole(sound, picture)) / 1.5


def test_the_readme_is_written_between_its_marks(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{roofline.BEGIN}\nold\n{roofline.END}\nafter\n")
    assert roofline.main(["--readme", str(readme)]) == 0
    text = readme.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "\nold\n" not in text
    assert text.count("Raspberry Pi 5") == 2
    readme.write_text("no marks")
    with pytest.raises(InputError):
        roofline.main(["--readme", str(readme)])
