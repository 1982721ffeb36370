"""The parts of the llama engine on their own: templates, memory, emotions, pace, footprint."""

import numpy as np
import pytest

from edge_talker.errors import EngineError
from edge_talker.llm.llama.emotions import EMOTIONS, EmotionGrammar, suitable
from edge_talker.llm.llama.footprint import available_bytes, needed_bytes
from edge_talker.llm.llama.gguf_file import Shape, read_shape
from edge_talker.llm.llama.pace import Pace
from tests.tiny_llm import CHATML, HEADS, LAYERS, TRAINED, WIDTH, write_tiny_llm

pytest.importorskip("llama_cpp", reason="the extra llm is not installed")

from edge_talker.llm.llama.chat import chat_of
from edge_talker.llm.llama.memory import Memory
from edge_talker.llm.llama.prompt import PromptBuilder, Reply
from edge_talker.messages import Exchange

LLAMA3 = (
    "{{ bos_token }}{% for m in messages %}<|start|>{{ m['role'] }}<|stop|>\n\n"
    "{{ m['content'] | trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant<|stop|>\n\n{% endif %}"
)
GEMMA = (  # knows no system, calls itself model
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "<turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n{{ m['content'] }}</turn>\n"
    "{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
QWEN3 = CHATML.replace(
    "assistant\n{% endif %}",
    "assistant\n{% if enable_thinking is defined and enable_thinking is false %}"
    "<think>\n\n</think>\n\n{% endif %}{% endif %}",
)


class Letters:
    """A library whose tokens are letters."""

    adds_begin, begin, end = False, 1, 2

    def __init__(self, template=""):
        self._template = template

    def template(self):
        return self._template

    def special_text(self, token):
        return {1: "<s>", 2: "</s>"}[token]

    def tokenize(self, text, *, special=False):
        return tuple(map(ord, text))


def written(tokens):
    return "".join(map(chr, tokens))


# ---- chat templates -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "head", "middle", "link"),
    [
        (
            CHATML, "<|im_start|>system\nPERSONA<|im_end|>\n<|im_start|>user\n",
            "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n<|im_start|>user\n",
        ),
        (
            LLAMA3, "<s><|start|>system<|stop|>\n\nPERSONA<|eot|><|start|>user<|stop|>\n\n",
            "<|eot|><|start|>assistant<|stop|>\n\n", "<|eot|><|start|>user<|stop|>\n\n",
        ),
        (GEMMA, "<s><turn>user\nPERSONA\n\n", "</turn>\n<turn>model\n", "</turn>\n<turn>user\n"),
        (
            QWEN3, "<|im_start|>system\nPERSONA<|im_end|>\n<|im_start|>user\n",
            "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
            "<|im_end|>\n<|im_start|>user\n",
        ),
        ("", "PERSONA\n\nQuestion: ", "\nAnswer: ", "\nQuestion: "),
    ],
)  # fmt: skip
def test_a_template_is_cut_where_texts_stand(template, head, middle, link):
    chat = chat_of(Letters(template), "PERSONA")
    assert (written(chat.head), written(chat.middle), written(chat.link)) == (head, middle, link)


@pytest.mark.parametrize(
    "template", ["{{ raise_exception('no') }}", "{% for", "nothing of it", "{{ messages[9].x.y }}"]
)
def test_a_template_that_cannot_be_used_is_told(template):
    with pytest.raises(EngineError, match="chat template cannot be used"):
        chat_of(Letters(template), "PERSONA")


def test_a_template_cannot_reach_the_program():
    with pytest.raises(EngineError, match=r"cannot be used: .*unsafe"):
        chat_of(Letters("{{ ''.__class__.__mro__[1].__subclasses__() }}"), "PERSONA")


# ---- the prompt ---------------------------------------------------------------------------------


def prompt(history, replies=None, history_tokens=1000, notes=""):
    library = Letters(CHATML.replace("<|im_start|>", "<").replace("<|im_end|>", ">"))
    begin = library.tokenize("neutral:")
    builder = PromptBuilder(library.tokenize, chat_of(library, "P"), history_tokens, begin)
    segments = builder.build(history, replies or {}, tuple(map(ord, notes)))
    return "".join(map(written, segments))


def test_the_prompt_is_persona_dialogue_notes_and_question():
    history = (Exchange("Hi", "en", "Hello"), Exchange("Why", "en"))
    assert prompt(history, notes="[a] b\n") == (
        "<system\nP>\n<user\nHi>\n<assistant\nneutral: Hello>\n<user\n[a] b\nWhy>\n<assistant\n"
    )


def test_the_oldest_turns_are_dropped_first():
    history = (*(Exchange(f"Q{i}", "en", f"A{i}") for i in range(9)), Exchange("Why", "en"))
    text = prompt(history, history_tokens=120)
    assert "Q8" in text
    assert "A7" in text
    assert "Q5" not in text
    assert text.endswith("<user\nWhy>\n<assistant\n")
    assert prompt(history, history_tokens=0) == "<system\nP>\n<user\nWhy>\n<assistant\n"


def test_of_a_reply_the_tokens_that_were_heard_are_given():
    reply = Reply("happy", [1, 2, 10, 11, 12, 13], [0, 0, 3, 3, 6, 9], "abc def ghi")
    assert reply.heard("abc") == (1, 2, 10)
    assert reply.heard("abc  def") == (1, 2, 10, 11, 12)
    assert reply.heard("abc de") == (1, 2, 10, 11)  # a token that says more was not heard
    assert reply.heard("abc def ghi") == (1, 2, 10, 11, 12, 13)
    assert reply.heard("") == (1, 2)
    assert reply.heard("xyz") is None


# ---- memory -------------------------------------------------------------------------------------


class Positions:
    """A library that keeps tokens at positions, as llama.cpp does, and checks them."""

    def __init__(self, can_shift=True):
        self.can_shift = can_shift
        self.held = {}
        self.read = []

    def decode(self, tokens, stop):
        if stop():
            self.held |= {len(self.held): tokens[0]}
            return False
        begin = max(self.held, default=-1) + 1
        self.held |= {begin + i: token for i, token in enumerate(tokens)}
        self.read.append(list(tokens))
        return True

    def remove(self, begin, end=-1):
        self.held = {p: t for p, t in self.held.items() if p < begin or (end >= 0 and p >= end)}

    def shift(self, begin, by):
        self.held = {p + by if p >= begin else p: t for p, t in self.held.items()}

    def tokens(self):
        assert sorted(self.held) == list(range(len(self.held)))
        return [self.held[p] for p in sorted(self.held)]


def never():
    return False


def test_memory_reads_what_is_new_and_moves_up_what_stays():
    library = Positions()
    memory = Memory(library)
    head, one, two, notes = (1, 2, 3), (4, 5), (6, 7), (8, 9)
    assert memory.read([head, one], never)
    assert memory.read([head, one, notes, two], never)
    assert library.read[-1] == [8, 9, 6, 7]
    assert memory.read([head, one, two, (10,)], never)  # the notes are gone
    assert library.read[-1] == [10]
    assert library.tokens() == [1, 2, 3, 4, 5, 6, 7, 10]
    assert memory.read([head, two, (10,), (11,)], never)  # and the oldest turn
    assert library.read[-1] == [11]
    assert library.tokens() == [1, 2, 3, 6, 7, 10, 11]
    assert memory.count == 7


def test_memory_that_cannot_shift_reads_on_from_the_first_change():
    library = Positions(can_shift=False)
    memory = Memory(library)
    memory.read([(1, 2), (3, 4), (5, 6)], never)
    memory.read([(1, 2), (5, 6), (7,)], never)
    assert library.read[-1] == [5, 6, 7]
    assert library.tokens() == [1, 2, 5, 6, 7]


def test_memory_keeps_nothing_of_what_moved_where_it_must_not():
    library = Positions()
    memory = Memory(library)
    memory.read([(1, 2), (3, 4), (5, 6)], never)
    memory.read([(1, 2), (5, 6), (7,)], never)
    memory.read([(1, 2), (5, 6), (8,)], never, moving=False)
    assert library.read[-1] == [5, 6, 8]


def test_memory_always_reads_the_last_token_again():
    library = Positions()
    memory = Memory(library)
    for _ in range(2):
        assert memory.read([(1, 2), (3,)], never)
    assert library.read == [[1, 2, 3], [3]]


def test_memory_holds_nothing_of_what_was_stopped():
    library = Positions()
    memory = Memory(library)
    memory.read([(1, 2)], never)
    assert not memory.read([(1, 2), (3, 4)], lambda: True)
    assert library.tokens() == [1, 2]
    assert memory.count == 2
    memory.begin_segment()
    assert not memory.write([5], lambda: True)
    assert memory.write([6], never)
    assert library.tokens() == [1, 2, 6]


# ---- emotions -----------------------------------------------------------------------------------


def test_the_grammar_allows_nothing_but_emotions():
    grammar = EmotionGrammar(lambda text: tuple(map(ord, text)))
    for first, expected in (("h", "happy:"), ("n", "neutral:"), ("c", "concerned:")):
        logits = [0.0] * 128
        logits[ord("z")] = 99.0  # what the model would rather say
        logits[ord(first)] = 1.0
        emotion, tokens = grammar.choose(frozenset(EMOTIONS), logits, ())
        assert (emotion, written(tokens)) == (expected[:-1], expected)


def test_an_emotion_is_written_in_as_few_tokens_as_there_are():
    words = {f" {emotion}": 1000 + i for i, emotion in enumerate(EMOTIONS)}

    def whole(text):  # as GPT-2: words are known with a space before them
        return (words[text[:-1]], ord(":")) if text[:-1] in words else tuple(map(ord, text))

    def spaced(text):  # as Llama: the tokenizer puts the space there itself
        return whole(f" {text}") if text[0] != " " else (ord(" "), *whole(text))

    for tokenize in (whole, spaced):
        grammar = EmotionGrammar(tokenize)
        assert grammar.tokens("sad") == (words[" sad"], ord(":"))
        logits = np.zeros(2000)
        logits[words[" angry"]] = 1.0
        assert grammar.choose(frozenset(EMOTIONS), logits, ()) == (
            "angry", (words[" angry"], ord(":")),
        )  # fmt: skip


def test_the_grammar_asks_again_where_words_begin_alike():
    grammar = EmotionGrammar(lambda text: tuple(map(ord, text)))
    logits = [0.0] * 128
    logits[ord("s")] = logits[ord("u")] = 1.0
    emotion, tokens = grammar.choose(frozenset(EMOTIONS), logits, ())
    assert (emotion, written(tokens)) == (None, "s")
    emotion, tokens = grammar.choose(frozenset(EMOTIONS), logits, tokens)
    assert (emotion, written(tokens)) == ("surprised", "urprised:")
    emotion, tokens = grammar.choose(frozenset({"sad", "neutral"}), logits, ())
    assert (emotion, written(tokens)) == ("sad", "sad:")


@pytest.mark.parametrize(
    ("question", "never_shown", "may_show"),
    [
        ("I want to complain, your staff is rude", "happy", "concerned"),
        ("Thank you, but the lift is broken", "happy", "neutral"),
        ("这里的服务太差了，我要投诉", "happy", "concerned"),
        ("My grandmother died last week", "happy", "sad"),
        ("我的孩子走丢了", "surprised", "concerned"),
        ("Thank you so much!", "angry", "happy"),
        ("谢谢你", "sad", "happy"),
    ],
)
def test_an_emotion_suits_the_question(question, never_shown, may_show):
    assert never_shown not in suitable(question)
    assert may_show in suitable(question)


def test_of_any_other_question_nothing_is_ruled_out():
    for question in ("When are you open?", "这艘船有多长？", "How is the crane painted?", ""):
        assert suitable(question) == set(EMOTIONS)


# ---- pace ---------------------------------------------------------------------------------------


def paced(text, max_clauses, size=1):
    pace = Pace(max_clauses)
    said = ""
    for i in range(0, len(text), size):
        said += pace.push(text[i : i + size])
        if pace.ended:
            return said
    return said + pace.finish()


@pytest.mark.parametrize("size", [1, 2, 5, 11])
@pytest.mark.parametrize(
    ("text", "clauses", "expected"),
    [
        ("It is one. It is two. It is three.", 1, "It is one."),
        ("It is one. It is two. It is three.", 2, "It is one. It is two."),
        ("It is one. It is two. It is three.", 3, "It is one. It is two. It is three."),
        ("It is one. It is two.", 9, "It is one. It is two."),
        ("我们九点开门。周一休息。欢迎您来。", 2, "我们九点开门。周一休息。"),
        ("Here we have Mr. Smith. Then there was Dr. No, who left.", 1, "Here we have Mr. Smith."),
    ],
)
def test_a_reply_ends_with_a_clause(text, clauses, expected, size):
    assert paced(text, clauses, size).strip() == expected


# ---- memory that a model needs ------------------------------------------------------------------


def test_the_head_of_a_file_tells_what_the_model_needs(tmp_path):
    shape = read_shape(write_tiny_llm(tmp_path / "model.gguf"))
    width = WIDTH // HEADS
    assert (shape.n_layer, shape.n_head_kv, shape.key_length, shape.value_length) == (
        LAYERS, HEADS, width, width,
    )  # fmt: skip
    assert shape.trained_tokens == TRAINED
    assert shape.kv_bytes(100) == 100 * LAYERS * HEADS * 2 * width * 2


def test_a_model_of_7_b_needs_what_it_needs():
    shape = Shape(4_400_000_000, 28, 4, 128, 128, 152_064, 32_768)
    needed = needed_bytes(shape, 4096, 128)
    assert 4.6e9 < needed < 5.0e9


def test_a_container_may_have_less_than_the_machine(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 9 kB\nMemAvailable:   2048 kB\n")
    assert available_bytes(meminfo, tmp_path) == 2048 * 1024
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert available_bytes(meminfo, tmp_path) == 600_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(meminfo, tmp_path) == 2048 * 1024
    assert available_bytes(tmp_path / "nowhere", tmp_path) is None
