"""The language model of the recogniser: probabilities and pronunciations."""

import pytest

from edge_talker.asr.background import MODEL_FOLDER, SENTENCE_END, SENTENCE_START, Background
from edge_talker.asr.language_model import Corpus, NGramModel, Weights, build, words_of
from edge_talker.asr.pronunciation import read_dictionary, spell_out

CORPUS = Corpus(
    wordings=("Where are the toilets?", "Where is the café?", "How old is the museum?"),
    mentions=("Turn left at the anchor.",),
)
BACKGROUND = Background(
    unigrams={"the": 0.2, "where": 0.1, "bank": 0.01, "account": 0.005, SENTENCE_END: 0.1},
    bigrams={
        SENTENCE_START: {"where": 0.2},
        "the": {"bank": 0.3, "account": 0.1},
        "of": {"the": 0.4, SENTENCE_END: 0.05},
    },
)


@pytest.fixture(scope="module")
def model() -> NGramModel:
    return build(CORPUS, BACKGROUND, Weights())


def sentence_probability(model: NGramModel, text: str) -> float:
    history, p = (SENTENCE_START,), 1.0
    for word in [*words_of(text), SENTENCE_END]:
        p *= model.probability(word, *history)
        history = (*history, word)
    return p


def test_every_history_gives_probabilities_that_sum_to_one(model):
    histories = [(), *((h,) for h in model.bigrams), *model.trigrams, ("never", "seen")]
    assert len(histories) > 50
    for history in histories:
        total = sum(model.probability(word, *history) for word in model.unigrams)
        assert total == pytest.approx(1.0), history


def test_arpa_says_what_the_model_says(model):
    counts, rows, order = {}, {1: {}, 2: {}, 3: {}}, 0
    for line in model.arpa().splitlines():
        if line.startswith("ngram "):
            n, _, count = line[6:].partition("=")
            counts[int(n)] = int(count)
        elif line.startswith("\\") and "-grams" in line:
            order = int(line[1])
        elif line and line[0] in "-0" and order:
            fields = line.split()
            rows[order][tuple(fields[1 : order + 1])] = float(fields[0])
    assert counts == {n: len(row) for n, row in rows.items()}
    for (*history, word), log10 in [*rows[2].items(), *rows[3].items()]:
        assert 10**log10 == pytest.approx(model.probability(word, *history), rel=1e-3)
    assert rows[1][SENTENCE_START,] == -99
    assert 10 ** rows[1]["anchor",] == pytest.approx(model.probability("anchor"), rel=1e-3)


def test_a_wording_is_likelier_than_its_words_in_another_order(model):
    wording = sentence_probability(model, "where are the toilets")
    assert wording > 1000 * sentence_probability(model, "toilets the are where")


def test_polite_and_mixed_questions_are_possible(model):
    polite = sentence_probability(model, "excuse me where is the café")
    mixed = sentence_probability(model, "where is the museum")
    assert polite > 1e-6
    assert mixed > 1e-4
    assert sentence_probability(model, "where is the bank") > 0


def test_more_trust_in_the_file_makes_its_wordings_likelier():
    little, much = (build(CORPUS, BACKGROUND, Weights(trust=trust)) for trust in (1.0, 10.0))
    wording = "how old is the museum"
    assert sentence_probability(much, wording) > 2 * sentence_probability(little, wording)
    assert little.probability("bank", "the") > much.probability("bank", "the")


def test_words_are_lower_case_without_punctuation():
    assert words_of("May I see the ladies’ room, café & 1902's ship?") == [
        "may", "i", "see", "the", "ladies", "room", "café", "1902's", "ship",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("pushchair", "P UH SH CH EH R"),
        ("café", "K AE F EY"),
        ("bird", "B ER D"),
        ("7", "S EH V AH N"),
        ("yacht", "Y AA T"),
    ],
)
def test_an_unknown_word_is_pronounced_in_phones_of_the_dictionary(word, phones):
    assert spell_out(word) == phones


def test_espeak_agrees_with_the_dictionary_on_most_words():
    dictionary = read_dictionary(MODEL_FOLDER / "cmudict-en-us.dict")
    words = [word for word in dictionary if word.isalpha()][::1000]
    known = {phone for ways in dictionary.values() for way in ways for phone in way.split()}
    spelt = {word: spell_out(word) for word in words}
    assert all(set(phones.split()) <= known for phones in spelt.values())
    assert all(spelt.values())
    same = sum(phones in dictionary[word] for word, phones in spelt.items())
    assert same / len(words) > 0.5


def test_a_word_without_a_sound_has_no_pronunciation():
    assert spell_out("") == ""
