"""Opening checkpoint files: whole, damaged, and those that would run code."""

import hashlib
import json
import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from edge_talker.errors import InputError
from models.checkpoint_files import read_json, read_pt, read_safetensors, sha256, weight_files

TENSORS = {"a": torch.arange(600.0), "b": torch.ones(2, 3, dtype=torch.float16)}


class Dangerous:
    """What makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def pt(tmp_path):
    path = tmp_path / "tiny.pt"
    torch.save(TENSORS, path)
    return path


@pytest.fixture
def whole(tmp_path):
    save_file(TENSORS, tmp_path / "model.safetensors")
    return tmp_path


@pytest.fixture
def split(tmp_path):
    for name, tensor in TENSORS.items():
        save_file({name: tensor}, tmp_path / f"part-{name}.safetensors")
    places = {name: f"part-{name}.safetensors" for name in reversed(TENSORS)}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return tmp_path


def refused(read, path, *words):
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.remedy
    for word in words:
        assert word in str(caught.value)


def same(found):
    return found.keys() == TENSORS.keys() and all(
        torch.equal(found[name], tensor) for name, tensor in TENSORS.items()
    )


def test_whole_files_are_read(pt, whole):
    assert same(read_pt(pt))
    assert same(read_safetensors(weight_files(whole)))


def test_split_weights_are_read_and_hashed_in_name_order(split):
    files = weight_files(split)
    assert [file.name for file in files] == ["part-a.safetensors", "part-b.safetensors"]
    assert same(read_safetensors(files))
    together = b"".join(file.read_bytes() for file in files)
    assert sha256(files) == hashlib.sha256(together).hexdigest()


def test_files_that_are_no_pytorch_files(pt):
    pt.write_bytes(b"")
    refused(read_pt, pt, "is empty", "expected a file that torch.save wrote")
    pt.write_text("<html>Not found</html>")
    refused(read_pt, pt, "not a PyTorch file", "expected one that torch.save wrote")
    with zipfile.ZipFile(pt, "w") as archive:
        archive.writestr("a.txt", "text")
    refused(read_pt, pt, "torch.save did not write it")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99])
def test_a_pytorch_file_that_is_cut_off(pt, share):
    data = pt.read_bytes()
    pt.write_bytes(data[: int(share * len(data))])
    refused(read_pt, pt, "cut off", "Fetch it again")


def test_what_would_run_code_is_not_opened(pt, tmp_path):
    ran = tmp_path / "ran"
    torch.save({"extra": Dangerous(ran)}, pt)
    refused(read_pt, pt, "mkdir", "may run code", "save it anew")
    torch.save(torch.nn.Linear(2, 2), pt)
    refused(read_pt, pt, "torch.nn.modules.linear.Linear", "may run code")
    pt.write_bytes(pickle.dumps(Dangerous(ran)))
    refused(read_pt, pt, "pickle", "may run code")
    assert not ran.exists()


@pytest.mark.parametrize("length", [0, 4, 100, -1])
def test_a_safetensors_file_that_is_cut_off(whole, length):
    path = whole / "model.safetensors"
    path.write_bytes(path.read_bytes()[:length])
    refused(read_safetensors, [path], "model.safetensors is cut off", "Fetch it again")


def test_a_folder_without_safetensors(tmp_path):
    refused(weight_files, tmp_path, "There is no", "model.safetensors")
    (tmp_path / "pytorch_model.bin").touch()
    refused(weight_files, tmp_path, "pytorch_model.bin", "may run code", "Convert it")


def test_an_index_that_does_not_fit_its_folder(split):
    index = split / "model.safetensors.index.json"
    (split / "part-b.safetensors").unlink()
    refused(weight_files, split, "index.json names part-b.safetensors", "missing")
    index.write_text(json.dumps({"weight_map": {"a": f"../{split.name}/elsewhere.safetensors"}}))
    refused(weight_files, split, "names elsewhere.safetensors", "missing")
    index.write_text("{}")
    refused(weight_files, split, "weight_map")


@pytest.mark.parametrize(
    ("content", "problem"), [(b"{", "not JSON"), (b"\xff", "not JSON"), (b"[]", "JSON object")]
)
def test_a_configuration_that_is_none(tmp_path, content, problem):
    path = tmp_path / "config.json"
    refused(read_json, path, "There is no", "config.json")
    path.write_bytes(content)
    refused(read_json, path, problem)
