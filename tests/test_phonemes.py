"""From phonemes to visemes: every symbol that espeak-ng can send for English and Mandarin."""

import string

import pytest

from edge_talker.espeak_library import Prosody, inventory, render
from edge_talker.face.phonemes import VISEME_OF, visemes_of
from edge_talker.tts import EspeakOptions

VOICES = EspeakOptions()
# Each syllable of Mandarin's table of initials and finals is in one of these characters or words.
MANDARIN = (
    "波坡摸佛得特呢了哥科喝鸡七西知吃诗日资次思啊鹅衣乌鱼爱欸奥欧安恩昂翁儿八怕妈法大他那拉"
    "白牌买来给黑北飞贼好刀跑毛老走口手楼山看班盘慢很门本分盆肯帮旁忙方上灯朋梦风能冷东通农龙"
    "别铁灭接切写家恰下飘表妙跳料修秋刘丢点天年脸面边片民林心今琴音江强想凉娘丁听名明清星兄穷"
    "花话瓜夸抓刷锅火多所推水对贵快怪坏拽换段短团暖乱春论村吞婚光黄床双雪月学缺女绿居去须全卷选"
    "军群寻云元哼嗯哟唉"
)
ENGLISH = (
    "bath, judge, church, vision, singing, thought, the, loch, button, bottle, rhythm, water, "
    "hire, power, poor, pair, pier, boy, cow, genre, croissant, café, naïve, uh-oh, Bach, Gogh, "
    "little, museum, onion, which, yellow, zebra, prism, cute, few, nurse, comma, kit, foot, goose"
)


@pytest.mark.parametrize(
    "voice",
    [VOICES.voice_en, VOICES.voice_zh, "en", "en-us", "en-gb-x-rp", "en-gb-scotland", "cmn"],
)
def test_every_symbol_that_a_voice_can_send_has_visemes(voice):
    symbols = inventory(voice)
    assert len(symbols) > 95
    assert [symbol for symbol in symbols if visemes_of(symbol) is None] == []
    # A mark of the English tables that is never spoken; all else moves the mouth.
    assert {symbol for symbol in symbols if visemes_of(symbol) == ()} <= {"1"}


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        (
            VOICES.voice_en,
            f"{ENGLISH}, {' '.join(string.ascii_letters)}, 0 1234567 3.14 21st $5 % &",
        ),
        (VOICES.voice_zh, f"{MANDARIN}，0123456789，3.14，5%，OK，WiFi，A4，hello"),
        (VOICES.voice_zh, "，".join(MANDARIN)),
    ],
)
def test_what_a_voice_sends_is_in_the_inventory(voice, text):
    spoken = render(text, Prosody(voice, 450, 50, 50), lambda: False)
    sent = {symbol.replace("ˈ", "").replace("ˌ", "") for symbol, _ in spoken.phonemes} - {""}
    symbols = {symbol for symbol in sent if not symbol.startswith("(")}  # "(en)" is no sound
    # The Mandarin voice reads Latin letters with the phonemes of English.
    assert symbols <= inventory(voice) | inventory("en")
    assert len(symbols) > 45


@pytest.mark.parametrize(
    ("symbol", "visemes"),
    [
        ("ˈɑː5", ("aa",)),
        ("ph", ("PP",)),
        ("h", ("kk",)),
        ("aɪ", ("aa", "I")),
        ("iou", ("I", "O", "U")),
        ("tʃ", ("CH",)),
        ("ts.h", ("CH",)),
        ("tsh", ("SS",)),
        ("onɡ", ("O", "kk")),
        ("əl", ("E", "nn")),
        ("ɔ̃", ("O",)),
        ("ç", ("kk",)),
        ("☃", None),
        ("aɪ☃", None),
        ("ʰ", ()),
        ("", ()),
    ],
)
def test_marks_are_dropped_and_groups_are_read_whole(symbol, visemes):
    assert visemes_of(symbol) == visemes


@pytest.mark.parametrize("letter", "pbtdʈɖcɟkɡqɢʔmɱnɳɲŋɴʙrʀⱱɾɽɸβfvθðszʃʒʂʐçʝxɣχʁħʕhɦɬɮʋɹɻjɰlɭʎʟ")
def test_every_consonant_of_the_international_phonetic_alphabet_has_a_viseme(letter):
    assert len(visemes_of(letter)) == 1


@pytest.mark.parametrize("letter", "iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒ")
def test_every_vowel_of_it_has_a_viseme_of_a_vowel(letter):
    assert set(visemes_of(letter)) <= {"aa", "E", "I", "O", "U"}


def test_silence_is_the_only_viseme_without_a_letter():
    assert len({*VISEME_OF.values(), "sil"}) == 15
