"""The profiles for TensorRT against the graphs that they are for; no GPU has seen them."""

import dataclasses
import json
import shlex
from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from edge_talker.asr.whisper.description import NEEDED, Description
from edge_talker.asr.whisper.onnx_network import BUCKETS, DECODER_FILE, ENCODER_FILE, buckets
from edge_talker.errors import StoreError
from export.tensorrt import USUAL_WINDOW, Extent, commands, plan, profiles, write_plan
from export.whisper_graph import GPU_OPSET, decoder_graph, encoder_graph
from models.whisper import Whisper, WhisperDims

DIMS = WhisperDims(80, 1500, 16, 2, 1, 40, 24, 16, 2, 2)
OPTIONS = ("trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes")

# Of the table in onnx-tensorrt's docs/operators.md for TensorRT 10.1, which goes up to opset 20.
PARSED = set(
    "Add Cast Concat Conv Expand Gather GatherND Gelu Gemm Greater LayerNormalization MatMul Mul "
    "Range Reshape ScatterND Shape Slice Softmax Split Squeeze Transpose Unsqueeze Where".split()
)


def description(dims=DIMS):
    tokens = {name: i for i, name in enumerate(NEEDED)}
    return Description(**dataclasses.asdict(dims), exact_window=False, special_tokens=tokens)


@pytest.fixture(scope="module")
def graphs():
    """Return both graphs as they are exported for a GPU, by file."""
    torch.manual_seed(7)
    network = Whisper(DIMS).half().eval()
    return {
        ENCODER_FILE: encoder_graph(network, GPU_OPSET),
        DECODER_FILE: decoder_graph(network, GPU_OPSET),
    }


def shapes_of(text):
    """Read "mel:1x80x500,..." as the provider and trtexec do."""
    pairs = [part.rsplit(":", 1) for part in text.split(",")]
    found = {name: tuple(map(int, shape.split("x"))) for name, shape in pairs}
    assert len(found) == len(pairs)  # a name twice would be a second profile
    return found


def dynamic_inputs(graph):
    """Return the dimensions of every input that has a symbolic one: a number, or a name."""
    inputs = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in graph.graph.input
    }
    return {name: dims for name, dims in inputs.items() if any(isinstance(d, str) for d in dims)}


def planned(file):
    return [shapes_of(plan(description())[file][option]) for option in OPTIONS]


def trtexec():
    """Return the profiles of each graph as trtexec is told them."""
    found = {}
    for line in commands(description()).splitlines():
        program, *words = shlex.split(line, comments=True) or [""]
        if program != "trtexec":
            continue
        options = [word.removeprefix("--").split("=", 1) for word in words]
        assert [name for name, *_ in options[:4]] == [
            *("onnx", "saveEngine", "stronglyTyped", "skipInference")
        ]
        rest = options[4:]
        found[options[0][1]] = [
            [shapes_of(value) for _, value in rest[i + 1 : i + 4]] for i in range(0, len(rest), 4)
        ]
        for index in range(len(rest) // 4):
            names = [name for name, _ in rest[4 * index : 4 * index + 4]]
            assert names == ["profile", "minShapes", "optShapes", "maxShapes"]
            assert rest[4 * index][1] == str(index)
    return found


@pytest.mark.parametrize("file", [ENCODER_FILE, DECODER_FILE])
def test_every_dynamic_input_has_its_extent(graphs, file):
    dims = dynamic_inputs(graphs[file])
    assert dims
    for smallest, usual, largest in [planned(file), *trtexec()[file]]:
        assert smallest.keys() == usual.keys() == largest.keys() == dims.keys()
        for name, expected in dims.items():
            for dim, *extent in zip(
                expected, smallest[name], usual[name], largest[name], strict=True
            ):
                assert 1 <= extent[0] <= extent[1] <= extent[2]
                if isinstance(dim, int):
                    assert extent == [dim] * 3


def test_trtexec_gets_a_profile_for_every_window():
    found = trtexec()
    assert buckets(DIMS.n_audio_ctx) == list(BUCKETS)
    for file, per_window in found.items():
        assert len(per_window) == len(BUCKETS), file
    for window, encoder, decoder in zip(
        BUCKETS, found[ENCODER_FILE], found[DECODER_FILE], strict=True
    ):
        assert [shapes["mel"] for shapes in encoder] == [(1, 80, 2 * window)] * 3
        for shapes in decoder:
            cross = {shape for name, shape in shapes.items() if name.startswith("cross_")}
            text = {shape for name, shape in shapes.items() if name.startswith("self_")}
            assert cross == {(1, 2, window, 8)}
            assert text == {(DIMS.n_text_ctx, 2 * DIMS.n_text_state)}
        assert [shapes["tokens"] for shapes in decoder] == [(1, 1), (1, 1), (1, DIMS.n_text_ctx)]


def test_onnx_runtime_gets_one_profile_that_spans_all_buckets():
    smallest, usual, largest = planned(ENCODER_FILE)
    ends = [shapes["mel"][2] for shapes in (smallest, usual, largest)]
    assert ends == [2 * BUCKETS[0], 2 * USUAL_WINDOW, 2 * BUCKETS[-1]]
    smallest, usual, largest = planned(DECODER_FILE)
    ends = [shapes["cross_v.1"][2] for shapes in (smallest, usual, largest)]
    assert ends == [BUCKETS[0], USUAL_WINDOW, BUCKETS[-1]]
    assert [shapes["self_kv.0"][0] for shapes in (smallest, usual, largest)] == [24] * 3


@pytest.mark.parametrize(
    ("longest", "expected"),
    [(1500, [250, 500, 1000, 1500]), (700, [250, 500, 700]), (500, [250, 500]), (60, [60])],
)
def test_no_window_is_longer_than_the_encoder(longest, expected):
    assert buckets(longest) == expected
    shorter = description(dataclasses.replace(DIMS, n_audio_ctx=longest))
    for per_window in profiles(shorter).values():
        assert len(per_window) == len(expected)
    mel = [shapes_of(plan(shorter)[ENCODER_FILE][option])["mel"][2] for option in OPTIONS]
    usual = max(window for window in expected if window <= USUAL_WINDOW)
    assert mel == [2 * expected[0], 2 * usual, 2 * longest]


def test_the_graphs_run_at_the_shapes_of_every_profile(graphs):
    found = profiles(description())
    encoder, decoder = (
        onnxruntime.InferenceSession(graphs[file].SerializeToString()) for file in found
    )
    names = [value.name for value in encoder.get_outputs()]
    for heard, read in zip(found[ENCODER_FILE], found[DECODER_FILE], strict=True):
        mel = np.zeros(heard["mel"].usual, np.float32)
        values = dict(zip(names, encoder.run(names, {"mel": mel}), strict=True))
        feeds = {name: value for name, value in values.items() if name != "features"}
        assert {name: Extent(v.shape, v.shape, v.shape) for name, v in feeds.items()} == {
            name: extent for name, extent in read.items() if name.startswith("cross_")
        }
        for name in read.keys() - feeds.keys() - {"tokens"}:
            feeds[name] = np.zeros(read[name].usual, np.float16)
        for shape in read["tokens"]:
            feeds |= {"tokens": np.ones(shape, np.int64), "position": np.zeros(1, np.int64)}
            [logits] = decoder.run(["logits"], feeds)
            assert logits.shape == (1, DIMS.n_vocab)
            assert np.isfinite(logits).all()


@pytest.mark.parametrize("file", [ENCODER_FILE, DECODER_FILE])
def test_the_graphs_are_typed_and_of_operators_that_are_parsed(graphs, file):
    graph = graphs[file]
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", GPU_OPSET)]
    assert not graph.functions
    assert {(node.domain, node.op_type) for node in graph.graph.node} <= {
        ("", operator) for operator in PARSED
    }
    types = Counter(tensor.data_type for tensor in graph.graph.initializer)
    assert types.keys() <= {TensorProto.FLOAT16, TensorProto.INT64, TensorProto.FLOAT}
    wide = [t for t in graph.graph.initializer if t.data_type == TensorProto.FLOAT]
    # The two values of the mask: what may be seen, and what may not.
    values = sorted(float(onnx.numpy_helper.to_array(tensor)) for tensor in wide)
    assert values == ([] if file == ENCODER_FILE else [-np.inf, 0.0])


def test_the_plan_of_an_artefact_is_what_the_runtime_reads(tmp_path):
    from edge_talker.asr.whisper.onnx_network import TENSORRT_FILE

    (tmp_path / "whisper.json").write_text(description().to_json())
    write_plan(tmp_path)
    assert json.loads((tmp_path / TENSORRT_FILE).read_text()) == plan(description())
    (tmp_path / "whisper.json").unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        write_plan(tmp_path)


def test_the_commands_say_that_nobody_ran_them():
    assert commands(description()).startswith("# Not yet run on hardware.")


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_wav2lip_is_planned_for_one_to_eight_pictures(precision, tmp_path, monkeypatch):
    from edge_talker.face.wav2lip.network import BATCHES, TENSORRT_FILE
    from export.wav2lip import Precision
    from tests.exported_wav2lip import small_artefact

    monkeypatch.setattr("export.wav2lip_sensitivity.WANTED_DB", 0.0)  # all of it in 8 bits
    folder = small_artefact(tmp_path, Precision(precision))
    found = json.loads((folder / TENSORRT_FILE).read_text())
    assert found.keys() == {"face.onnx", "lips.onnx"}
    for file, options in found.items():
        graph = onnx.load(folder / file)
        dims = dynamic_inputs(graph)
        for option, count in zip(OPTIONS, BATCHES, strict=True):
            assert shapes_of(options[option]) == {
                name: (count, *shape[1:]) for name, shape in dims.items()
            }
        session = onnxruntime.InferenceSession(folder / file)
        types = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
        for count in BATCHES:
            feeds = {
                value.name: np.zeros((count, *value.shape[1:]), types[value.type])
                for value in session.get_inputs()
            }
            assert all(len(made) == count for made in session.run(None, feeds))
    kinds = {node.op_type for node in onnx.load(folder / "lips.onnx").graph.node}
    parsed = "Add Cast Concat Conv ConvTranspose DequantizeLinear QuantizeLinear Relu Reshape"
    assert kinds <= {*parsed.split(), "Sigmoid", "Slice", "Transpose"}
    types = Counter(t.data_type for t in onnx.load(folder / "lips.onnx").graph.initializer)
    if precision == "fp16":
        assert types.keys() <= {TensorProto.FLOAT16, TensorProto.INT64}
    else:
        assert types[TensorProto.INT8] > 60
