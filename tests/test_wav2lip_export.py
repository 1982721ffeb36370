"""The exporter: every saving exact, 8 bits within their bounds, faults that are told."""

import json

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from edge_talker.errors import EdgeTalkerError, StoreError
from edge_talker.face.wav2lip.description import DESCRIPTION_FILE, Wav2LipDescription
from edge_talker.face.wav2lip.network import FACE_FILE, LIPS_FILE, Network
from edge_talker.store import Store
from export import wav2lip_sensitivity
from export.__main__ import app
from export.parity import ParityError, judge
from export.wav2lip import PUBLISHED_LICENCE, Precision, quantized
from export.wav2lip_fold import folded, phases
from export.wav2lip_graph import Plan, Wav2LipGraphs
from export.wav2lip_material import material
from export.wav2lip_parity import LIMITS, RANDOM_LIMITS, TRAINED_LIMITS, measure, opening
from models.random_wav2lip import made_up_faces, made_up_mels
from models.wav2lip import TransposedBlock
from tests.exported_wav2lip import small_artefact, small_material, small_network

NETWORK = small_network()


def run(model, feed):
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def drawn(graphs, mel, face):
    features = run(graphs.face(), {"face": face.numpy()})
    assert {name: value.shape[1:] for name, value in features.items()} == graphs.features
    return run(graphs.lips(), {"mel": mel.numpy(), **features})["mouth"]


@pytest.mark.parametrize(
    ("size", "plan"),
    [
        *(("96", Plan(row)) for row in (0, 1, 31, 48, 49, 80)),
        *(("96", Plan(48, summed)) for summed in (1, 2, 7)),
        ("96", Plan(0, 7)),
        ("96", Plan(0, phased=True)),
        ("96", Plan(48, phased=True)),
        ("96", Plan(47, 3, phased=True)),
        ("192", Plan(96, phased=True)),
        ("256", Plan(128, 2, phased=True)),
    ],
)
def test_every_saving_draws_the_same_rows(size, plan):
    network = small_network(size)
    generator = torch.Generator().manual_seed(6)
    mel, face = made_up_mels(3, generator), made_up_faces(int(size), 3, generator)
    with torch.no_grad():
        expected = network(mel, face).numpy()[:, :, plan.first_row :]
    graphs = Wav2LipGraphs(network, plan)
    onnx.checker.check_model(graphs.lips(), full_check=True)
    found = drawn(graphs, mel, face)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 2e-5


def test_one_graph_of_both_is_the_same():
    generator = torch.Generator().manual_seed(6)
    mel, face = made_up_mels(2, generator), made_up_faces(96, 2, generator)
    graphs = Wav2LipGraphs(NETWORK, Plan(48))
    both = run(graphs.whole(), {"mel": mel.numpy(), "face": face.numpy()})["mouth"]
    np.testing.assert_allclose(both, drawn(graphs, mel, face), atol=1e-6)


def test_no_normalisation_is_left_and_no_row_too_many_is_made():
    model = Wav2LipGraphs(NETWORK, Plan(48, phased=True)).lips()
    kinds = {node.op_type for node in model.graph.node}
    assert kinds == {"Concat", "Conv", "Add", "Relu", "Reshape", "Sigmoid", "Slice", "Transpose"}
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim][1:]
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    # Of 96, 48 and 24 rows: the lower half, and one more for each convolution after it.
    rows = {name: shapes[name][1] for name in ("decoder.6.2", "decoder.5.2", "decoder.4.2")}
    assert rows == {"decoder.6.2": 49, "decoder.5.2": 26, "decoder.4.2": 14}


def test_phases_are_the_transposed_convolution_without_a_wasted_place():
    torch.manual_seed(0)
    block = TransposedBlock((5, 3), 3, 2).eval()
    block.norm.running_mean.normal_()
    block.norm.running_var.uniform_(0.5, 2)
    x = torch.randn(2, 5, 4, 6)
    made = torch.zeros(2, 3, 8, 12, dtype=torch.float64)
    parts = phases(folded("up", block))
    for row, pair in enumerate(parts):
        for column, part in enumerate(pair):
            _, _, below, beside = part.pads
            padded = torch.nn.functional.pad(x.double(), (0, beside, 0, below))
            made[:, :, row::2, column::2] = torch.nn.functional.conv2d(
                padded, torch.from_numpy(part.weight.copy()), torch.from_numpy(part.bias)
            )
    with torch.no_grad():
        expected = block(x)
    assert (made.relu() - expected).abs().max() < 1e-6
    assert sum(part.weight.size for pair in parts for part in pair) == block.conv.weight.numel()


@pytest.mark.parametrize("precision", list(Precision))
def test_graphs_draw_as_the_definition(precision, tmp_path):
    folder = small_artefact(tmp_path, precision)
    figures = measure(NETWORK, folder, small_material())
    limits = {**LIMITS[precision], **RANDOM_LIMITS}
    judge(figures, limits, Console())
    assert figures["opening_correlation"] > 0.97
    for name, limit in {**limits, **TRAINED_LIMITS}.items():
        beyond = limit.value * (0.9 if limit.at_least else 1.1)
        with pytest.raises(ParityError, match=name):
            judge({**figures, name: beyond}, {name: limit}, Console())


def test_a_graph_of_other_weights_fails_every_gate(tmp_path):
    folder = small_artefact(tmp_path)
    model = onnx.load(folder / LIPS_FILE)
    [weight] = [t for t in model.graph.initializer if t.name == "audio.12.weight"]
    values = onnx.numpy_helper.to_array(weight)[::-1]
    weight.CopyFrom(onnx.numpy_helper.from_array(values.copy(), weight.name))
    onnx.save(model, folder / LIPS_FILE)
    figures = measure(NETWORK, folder, small_material())
    for limits in (*LIMITS.values(), TRAINED_LIMITS):
        with pytest.raises(ParityError):
            judge(figures, limits, Console())


def test_parts_stay_in_float32_until_the_sound_is_heard(monkeypatch):
    graphs = Wav2LipGraphs(NETWORK, Plan(48, phased=True))

    def exported(wanted_db):
        monkeypatch.setattr(wav2lip_sensitivity, "WANTED_DB", wanted_db)
        steps = []
        model, alone, kept = quantized(
            graphs.face(), graphs.lips(), small_material(), lambda *step: steps.append(step)
        )
        assert steps[-1][0] == steps[-1][1] == len(steps)
        int8 = onnx.TensorProto.INT8
        small = {t.name for t in model.graph.initializer if t.data_type == int8}
        return small, alone, kept

    every, alone, kept = exported(1.0)
    assert kept == ()
    assert "only_audio.first_int8_snr_db" in alone
    assert len(alone) == 10
    some, _, kept = exported(min(alone.values()) + 1)
    assert kept
    assert some < every
    assert not any(name.startswith(part) for name in some for part in kept if "audio" not in part)
    none, _, kept = exported(200.0)
    assert len(kept) == 10
    assert not none


def test_an_open_mouth_is_darker_than_a_shut_one():
    mouths = np.full((3, 3, 48, 96), 0.6, np.float32)
    mouths[1, :, 15:20, 40:56] = 0.1
    mouths[2, :, 12:26, 40:56] = 0.1
    shut, ajar, wide = opening(mouths)
    assert shut == 0
    assert wide > 2 * ajar > 0


def test_the_network_gives_bytes_and_stops(tmp_path):
    network = Network(small_artefact(tmp_path, Precision.INT8), threads=1)
    used = small_material()
    features = network.features(used.faces[:2])
    assert {value.dtype for value in features.values()} == {np.dtype(np.float16)}
    mouths = network.mouths(used.measured[:2], features)
    assert (mouths.shape, mouths.dtype) == ((2, 43, 96, 3), np.uint8)
    shares = network.shares(used.measured[:2], features)
    np.testing.assert_allclose(mouths / 255, shares.transpose(0, 2, 3, 1), atol=0.51 / 255)
    network.close()
    network.close()


def invoked(*arguments):
    return CliRunner().invoke(app, ["wav2lip", *map(str, arguments)])


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Return an empty store; exports into it are measured with little."""
    monkeypatch.setattr("export.wav2lip.material", lambda *_: small_material())
    monkeypatch.setenv("EDGE_TALKER_HOME", str(tmp_path / "home"))
    return Store()


def test_the_command_keeps_a_model_and_what_was_measured(store):
    done = invoked("random:96x0.125", "-o", "mine")
    assert done.exit_code == 0, (done.output, done.exception)
    manifest = store.open("mine", "face.wav2lip").manifest
    assert manifest.parity["sound_snr_db"] >= 20
    assert manifest.parity["only_decoder.3_int8_snr_db"] > 10
    assert manifest.precision.startswith("int8")
    assert (manifest.source, manifest.licence) == ("random:96x0.125, seed 0", "unknown")


def test_a_checkpoint_is_exported_with_faces_and_its_licence(store, tmp_path):
    state = {f"module.{name}": tensor for name, tensor in NETWORK.state_dict().items()}
    path = tmp_path / "wav2lip_gan.pth"
    torch.save({"state_dict": state, "optimizer": {"state": {}}}, path)
    done = invoked(path, "-o", "mine", "--precision", "fp32")
    assert "--faces" in done.exception.remedy
    done = invoked(path, "-o", "mine", "--precision", "fp32", "--faces", tmp_path)
    assert done.exit_code == 0, (done.output, done.exception)
    manifest = store.open("mine", "face.wav2lip").manifest
    assert manifest.licence == PUBLISHED_LICENCE
    assert not manifest.commercial_use
    assert manifest.parity["opening_correlation"] >= 0.98


def test_what_lost_too_much_is_not_kept(store, monkeypatch):
    strict = {"fp32": {"mouth_max_abs": RANDOM_LIMITS["picture_std"]}}
    monkeypatch.setattr("export.wav2lip.LIMITS", strict)
    done = invoked("random:96x0.125", "-o", "mine", "--precision", "fp32")
    assert isinstance(done.exception, ParityError)
    assert store.names() == []


@pytest.mark.parametrize("source", ["random:100", "random:96x9", "random:", "none.pth"])
def test_an_unknown_source_is_told(source, store):
    done = invoked(source, "-o", "mine")
    assert isinstance(done.exception, EdgeTalkerError)
    assert done.exception.exit_code == 2
    assert done.exception.remedy
    assert store.names() == []


def test_material_of_folders_is_told_where_it_lacks(tmp_path):
    walls = tmp_path / "walls"
    walls.mkdir()
    for speech, faces, hint in ((walls, None, "no sound"), (None, walls, "no photo")):
        with pytest.raises(EdgeTalkerError, match=hint):
            material(speech, faces, 96)
    Image.new("RGB", (300, 300), "grey").save(walls / "wall.png")
    with pytest.raises(EdgeTalkerError, match="No face was found"):
        material(None, walls, 96)
    used = material(None, None, 96)
    assert not np.array_equal(used.calibration, used.measured)
    assert used.measured.shape == (32, 1, 80, 16)
    assert -4 <= used.measured.min() < used.measured.max() <= 4


def change(folder, **keys):
    found = json.loads((folder / DESCRIPTION_FILE).read_text())
    (folder / DESCRIPTION_FILE).write_text(json.dumps({**found, **keys}))


@pytest.mark.parametrize(
    ("fault", "hint"),
    [
        (lambda f: (f / DESCRIPTION_FILE).unlink(), "cannot be read"),
        (lambda f: change(f, rows=40), "do not make size"),
        (lambda f: change(f, size=100), "size"),
        (lambda f: change(f, features={}), "features is empty"),
        (lambda f: change(f, features={"skip.0": [4, 400, 400]}), "larger than the picture"),
        (lambda f: change(f, features={"skip.0": [4, 1, 1]}), "does not fit wav2lip.json in skip"),
        (lambda f: change(f, size=192, first_row=149), "has mouth of"),
        (lambda f: (f / LIPS_FILE).write_bytes(b"junk"), "cannot be loaded"),
        (lambda f: (f / LIPS_FILE).write_bytes((f / FACE_FILE).read_bytes()), "does not fit"),
    ],
)
def test_a_broken_model_is_told_at_load(fault, hint, tmp_path):
    folder = small_artefact(tmp_path)
    fault(folder)
    with pytest.raises(EdgeTalkerError, match=hint) as caught:
        Network(folder, threads=1)
    assert caught.value.remedy


def test_features_of_another_shape_are_told_at_load(tmp_path):
    folder = small_artefact(tmp_path)
    features = Wav2LipDescription.read(folder).features
    change(folder, features={**features, "skip.3": [8, 5, 7]})
    with pytest.raises(StoreError, match=r"has skip\.3"):
        Network(folder, threads=1)
