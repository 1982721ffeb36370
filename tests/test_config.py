"""Profiles: what is wrong in one is named, with what to write instead."""

from pathlib import Path

import pytest

import edge_talker
from edge_talker.asr import PocketSphinxOptions
from edge_talker.config import Config
from edge_talker.errors import ConfigError

ENGINES = """
[asr]
engine = "pocketsphinx"
{asr}
[llm]
engine = "knowledge"
[tts]
engine = "espeak"
[face]
engine = "viseme"
"""


def written(folder: Path, top="", asr="", rest="") -> Path:
    path = folder / "mine.toml"
    path.write_text(top + ENGINES.format(asr=asr) + rest, "utf-8")
    return path


def refused(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        Config.load(path)
    assert error.value.exit_code == 2
    assert str(path) in error.value.message
    return error.value


def test_the_packaged_starter_profile_loads_by_its_name():
    config = Config.load("starter")
    assert config == Config.load()
    assert config.name == "starter"
    engines = [getattr(config, stage).engine for stage in ("asr", "llm", "tts", "face")]
    assert engines == ["pocketsphinx", "knowledge", "espeak", "viseme"]
    assert config.knowledge is None
    assert (config.output.width, config.output.height) == (720, 1280)
    waits = config.hearing
    assert waits.wait_whole_question_ms < waits.wait_ms < waits.wait_unfinished_ms


def test_the_other_packaged_profiles_have_four_networks_and_the_starter_s_waits():
    starter = Config.load()
    for name, provider in (("cpu", "cpu"), ("cuda", "cuda"), ("jetson", "tensorrt")):
        config = Config.load(name)
        engines = [getattr(config, stage).engine for stage in ("asr", "llm", "tts")]
        assert (config.name, engines) == (name, ["whisper-onnx", "llama", "vits"])
        assert config.asr.options.provider == config.tts.options.provider == provider
        assert config.llm.options.gpu_layers == (0 if name == "cpu" else -1)
        same = ("output", "screen", "safety", "report")
        assert [getattr(config, s) for s in same] == [getattr(starter, s) for s in same]
        assert config.hearing == starter.hearing.model_copy(update={"trigger": "key"})


@pytest.mark.parametrize("name", ["cpu", "cuda", "jetson"])
@pytest.mark.parametrize(
    ("stage", "engine"),
    [("asr", "whisper-cpp"), ("llm", "knowledge"), ("tts", "espeak"), ("face", "wav2lip")],
)
def test_an_engine_of_a_packaged_profile_is_changed_by_its_comment(name, stage, engine, tmp_path):
    text = (Path(edge_talker.__file__).parent / f"profiles/{name}.toml").read_text("utf-8")
    before, mark, rest = text.partition(f"[{stage}]\n")
    mine, end, after = rest.partition("\n\n")
    kept = [
        line.replace("# engine", "engine")
        for line in mine.splitlines()
        if line.startswith("# engine") or (stage == "asr" and line.startswith("model"))
    ]
    path = tmp_path / "mine.toml"
    path.write_text(before + mark + "\n".join(kept) + end + after, "utf-8")
    assert getattr(Config.load(path), stage).engine == engine


def test_the_documents_and_the_lexicon_of_a_profile_lie_relative_to_it(tmp_path):
    text = (Path(edge_talker.__file__).parent / "profiles/cpu.toml").read_text("utf-8")
    path = tmp_path / "mine.toml"
    text = text.replace("[tts]", '[tts]\nlexicon = "own.txt"')
    path.write_text(text.replace("[llm]", '[llm]\ndocuments = "texts"'), "utf-8")
    config = Config.load(path)
    assert config.llm.options.documents == tmp_path / "texts"
    assert config.tts.options.lexicon == tmp_path / "own.txt"


@pytest.mark.parametrize("name", ["cpu", "cuda", "jetson"])
def test_the_face_of_a_packaged_profile_is_changed_by_its_comment(name, tmp_path):
    text = (Path(edge_talker.__file__).parent / f"profiles/{name}.toml").read_text("utf-8")
    before, face = text.split("[face]")
    face = face.replace('engine = "viseme"\n', "").replace("# engine", "engine")
    path = tmp_path / "mine.toml"
    path.write_text(before + "[face]" + face.replace("# provider", "provider"), "utf-8")
    config = Config.load(path)
    assert config.face.engine == "wav2lip"
    assert config.face.options.model == "wav2lip"
    assert config.face.options.provider == Config.load(name).asr.options.provider


def test_the_lists_of_the_filter_lie_relative_to_the_profile(tmp_path):
    path = written(tmp_path, top='[safety]\nlists = "own.toml"\n')
    assert Config.load(path).safety.lists == tmp_path / "own.toml"


def test_a_profile_of_ones_own_is_read_from_its_path(tmp_path):
    path = written(
        tmp_path,
        top='name = "hall"\navatar = "guide"\n',
        asr="partial_every_ms = 500",
        rest="[hearing]\nwait_ms = 800\n[output]\nwidth = 640\nheight = 360\n"
        "[report]\ntext = false\n",
    )
    config = Config.load(str(path))
    assert (config.name, config.avatar) == ("hall", "guide")
    assert config.asr.options == PocketSphinxOptions(partial_every_ms=500)
    assert config.hearing.wait_ms == 800
    assert (config.output.width, config.output.height) == (640, 360)
    assert config.report.text is False


@pytest.mark.parametrize("knowledge", ["museum.md", "texts/museum.md", "../museum.md"])
def test_the_knowledge_file_lies_relative_to_the_profile(tmp_path, monkeypatch, knowledge):
    monkeypatch.chdir("/")
    path = written(tmp_path, top=f'knowledge = "{knowledge}"\n')
    assert Config.load(path).knowledge == tmp_path / knowledge


def test_an_absolute_knowledge_path_stays(tmp_path):
    path = written(tmp_path, top='knowledge = "/srv/museum.md"\n')
    assert Config.load(path).knowledge == Path("/srv/museum.md")


@pytest.mark.parametrize(
    ("parts", "key", "nearest"),
    [
        ({"top": 'avatr = "x"\n'}, "avatr", "avatar"),
        ({"top": 'knowlege = "x"\n'}, "knowlege", "knowledge"),
        ({"rest": "[hearing]\nwait_mss = 3"}, "hearing.wait_mss", "hearing.wait_ms"),
        ({"rest": "[hearing]\npre_roll_ms = 3"}, "hearing.pre_roll_ms", "hearing.preroll_ms"),
        ({"rest": "[output]\nheigth = 3"}, "output.heigth", "output.height"),
        ({"rest": "[report]\ntexts = true"}, "report.texts", "report.text"),
        ({"asr": "partial_evry_ms = 300"}, "asr.partial_evry_ms", "asr.partial_every_ms"),
        ({"rest": "threshhold = 1"}, "face.threshhold", None),
    ],
)  # fmt: skip
def test_an_unknown_key_names_the_nearest_one(tmp_path, parts, key, nearest):
    error = refused(written(tmp_path, **parts))
    assert f"there is no key {key!r}" in error.message
    if nearest:
        assert error.remedy == f"Did you mean {nearest!r}?"


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        ({"rest": "[hearing]\nwait_ms = 10"}, "hearing.wait_ms"),
        ({"rest": "[hearing]\nspeech_probability = 1.0"}, "hearing.speech_probability"),
        ({"rest": "[hearing]\nenergy_floor_dbfs = 3"}, "hearing.energy_floor_dbfs"),
        ({"rest": "[output]\nwidth = 721"}, "output.width"),
        ({"rest": "[output]\nrate_hz = 4000"}, "output.rate_hz"),
        ({"rest": "[output]\nrate_hz = 20000"}, "output.rate_hz"),
        ({"rest": '[output]\nbuffer_ms = "much"'}, "output.buffer_ms"),
        ({"asr": "partial_every_ms = 1"}, "asr.partial_every_ms"),
        ({"top": "avatar = 3\n"}, "avatar"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_key(tmp_path, parts, key):
    error = refused(written(tmp_path, **parts))
    assert f"{key}: Input should be" in error.message
    assert "now" in error.remedy


def test_an_unknown_engine_lists_the_known_ones(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(ENGINES.format(asr="").replace("pocketsphinx", "whispr"))
    error = refused(path)
    assert "asr.engine: there is no engine 'whispr'" in error.message
    assert "pocketsphinx" in error.remedy


@pytest.mark.parametrize("engine", ["3", "[]", '["viseme"]', "true", "{}"])
def test_an_engine_that_is_no_name_is_an_error_too(tmp_path, engine):
    path = tmp_path / "mine.toml"
    path.write_text(ENGINES.format(asr="").replace('"viseme"', engine))
    assert "face.engine: there is no engine" in refused(path).message


def test_a_stage_that_is_left_out_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(ENGINES.format(asr="").replace('[tts]\nengine = "espeak"\n', ""))
    error = refused(path)
    assert "tts: Field required" in error.message
    assert error.remedy == "Add it."


def test_a_stage_that_is_no_table_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('asr = "pocketsphinx"\n' + ENGINES.format(asr="").partition("[llm]")[2])
    assert "asr" in refused(path).message


@pytest.mark.parametrize("text", [b"name = ", b"[asr\n", b'name = "\xff"', b"a = 1\na = 2\n"])
def test_broken_toml_names_the_file_and_the_place(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_bytes(text)
    assert refused(path).remedy == "Mend the file at that place."


@pytest.mark.parametrize("profile", ["stater", "nowhere/mine.toml", "."])
def test_a_profile_that_is_not_there_lists_the_packaged_ones(profile):
    with pytest.raises(ConfigError, match="There is no profile") as error:
        Config.load(profile)
    assert repr(profile) in error.value.message
    assert "starter" in error.value.remedy


def test_a_profile_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Config.load("starter").avatar = "other"


def test_another_picture_size_leaves_the_rest():
    config = Config.load("starter")
    wide = config.resized(1280, 720)
    assert (wide.output.width, wide.output.height) == (1280, 720)
    assert wide.output.rate_hz == config.output.rate_hz
    assert wide.hearing == config.hearing
    assert wide.asr is config.asr
    assert (config.output.width, config.output.height) == (720, 1280)


@pytest.mark.parametrize(
    ("width", "height", "key"), [(721, 1280, "width"), (720, 1281, "height"), (0, 64, "width")]
)
def test_a_picture_size_that_no_recorder_takes_is_refused(width, height, key):
    with pytest.raises(ConfigError, match=f"picture size: output.{key}"):
        Config.load("starter").resized(width, height)
