"""Wav2Lip in PyTorch: the published checkpoints' names, and seeded weights that heed the sound."""

import copy

import pytest
import torch

from edge_talker.errors import InputError
from models.random_wav2lip import made_up_faces, made_up_mels, random_wav2lip
from models.wav2lip import Wav2Lip
from models.wav2lip_checkpoint import load_wav2lip
from models.wav2lip_dims import SIZES
from tests.exported_wav2lip import small_network

# Some of the published wav2lip.pth, 96 x 96: names and shapes of its first and last tensors.
PUBLISHED = {
    "face_encoder_blocks.0.0.conv_block.0.weight": (16, 6, 7, 7),
    "face_encoder_blocks.2.3.conv_block.1.running_var": (64,),
    "face_encoder_blocks.6.1.conv_block.0.weight": (512, 512, 1, 1),
    "audio_encoder.0.conv_block.0.weight": (32, 1, 3, 3),
    "audio_encoder.12.conv_block.0.weight": (512, 512, 1, 1),
    "face_decoder_blocks.0.0.conv_block.0.weight": (512, 512, 1, 1),
    "face_decoder_blocks.1.0.conv_block.0.weight": (1024, 512, 3, 3),
    "face_decoder_blocks.4.0.conv_block.0.weight": (512, 256, 3, 3),
    "face_decoder_blocks.6.2.conv_block.1.num_batches_tracked": (),
    "output_block.0.conv_block.0.weight": (32, 80, 3, 3),
    "output_block.1.weight": (3, 32, 1, 1),
    "output_block.1.bias": (3,),
}


def saved(path, content, *, zipped=True):
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def test_names_and_shapes_are_those_that_were_published():
    with torch.device("meta"):
        state = Wav2Lip(SIZES["96"]).state_dict()
    assert {name: tuple(state[name].shape) for name in PUBLISHED} == PUBLISHED
    learnt = [name for name in state if "running" not in name and "tracked" not in name]
    assert sum(state[name].numel() for name in learnt) == 36_298_035


@pytest.mark.parametrize("size", list(SIZES))
def test_a_picture_of_every_size_is_drawn(size):
    network = small_network(size)
    assert network.dims.size == int(size)
    generator = torch.Generator().manual_seed(3)
    mel, face = made_up_mels(2, generator), made_up_faces(int(size), 2, generator)
    assert face[:, :3, int(size) // 2 :].abs().max() == 0
    with torch.no_grad():
        drawn = network(mel, face)
    assert drawn.shape == (2, 3, int(size), int(size))
    assert 0 <= drawn.min() < drawn.max() <= 1


def test_seeded_weights_heed_the_sound_and_the_face_and_are_not_chaotic():
    network = small_network()
    generator = torch.Generator().manual_seed(4)
    mel, face = made_up_mels(8, generator), made_up_faces(96, 8, generator)
    with torch.no_grad():
        of_mels = network(mel, face[:1].expand(8, -1, -1, -1))
        of_faces = network(mel[:1].expand(8, -1, -1, -1), face)
        precise = copy.deepcopy(network).double()(
            mel.double(), face[:1].double().expand(8, -1, -1, -1)
        )
    assert of_mels.std() >= 0.15
    assert of_mels.std(0).mean() >= 0.02
    assert of_faces.std(0).mean() >= 0.01
    assert (precise - of_mels).abs().max() < 2e-5


def test_weights_follow_from_the_seed():
    dims = SIZES["96"].scaled(1 / 16)
    one, same, other = (random_wav2lip(dims, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    name = "face_decoder_blocks.3.1.conv_block.0.weight"
    assert not torch.equal(one[name], other[name])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("size", ["96", "256"])
def test_checkpoints_are_read_in_every_form(size, zipped, tmp_path):
    network = small_network(size)
    state = network.state_dict()
    optimizer = torch.optim.Adam(copy.deepcopy(network).parameters()).state_dict()
    trained = {
        "state_dict": {f"module.{name}": tensor for name, tensor in state.items()},
        "optimizer": optimizer,
        "global_step": 7,
        "global_epoch": 1,
    }
    for content in (state, {"state_dict": state, "optimizer": None}, trained):
        loaded = load_wav2lip(saved(tmp_path / "wav2lip.pth", content, zipped=zipped))
        assert loaded.network.dims == network.dims
        assert not loaded.network.training
        found = loaded.network.state_dict()
        assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
        assert len(loaded.sha256) == 64


def test_half_precision_becomes_float32(tmp_path):
    state = {name: tensor.half() for name, tensor in small_network().state_dict().items()}
    loaded = load_wav2lip(saved(tmp_path / "half.pth", state))
    weight = loaded.network.output_block[1].weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, state["output_block.1.weight"].float())


def without(name):
    return lambda state: state.pop(name)


def put(name, tensor):
    return lambda state: state.update({name: tensor})


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (without("output_block.1.bias"), "nothing for output_block.1.bias; expected"),
        (without("audio_encoder.3.conv_block.0.weight"), "audio_encoder.3"),
        (without("face_encoder_blocks.3.0.conv_block.0.weight"), "no Wav2Lip"),
        (put("output_block.1.weight", torch.ones(3, 99, 1, 1)), "99"),
        (put("output_block.1.bias", torch.full((3,), torch.nan)), "not finite"),
        (put("sam.sa.conv1.weight", torch.ones(1)), "sam.sa.conv1.weight, which no Wav2Lip has"),
        (put("epoch", 3), "'epoch' in it is no tensor"),
    ],
)
def test_what_is_no_such_checkpoint_is_refused(fault, hint, tmp_path):
    state = dict(small_network().state_dict())
    fault(state)
    with pytest.raises(InputError, match=hint) as caught:
        load_wav2lip(saved(tmp_path / "wav2lip.pth", state))
    assert caught.value.remedy


def test_foreign_and_damaged_files_are_refused(tmp_path):
    path = saved(tmp_path / "wav2lip.pth", small_network().state_dict(), zipped=False)
    data = path.read_bytes()
    for share in (0.01, 0.5, 0.99):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(InputError, match="cut off or damaged"):
            load_wav2lip(path)
    whisper = {"dims": {"n_mels": 80}, "model_state_dict": {"decoder.ln.weight": torch.ones(3)}}
    for content, hint in ((whisper, "no Wav2Lip"), ([1, 2], "no checkpoint"), ({}, "no Wav2Lip")):
        with pytest.raises(InputError, match=hint) as caught:
            load_wav2lip(saved(path, content))
        assert "wav2lip_gan.pth" in caught.value.remedy
    with pytest.raises(InputError, match="There is no file"):
        load_wav2lip(tmp_path / "none.pth")
