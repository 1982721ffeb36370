"""A byte-level BPE of any size for random weights, with tokens as long as a trained one's.

Its English words are those of pocketsphinx's pronunciations, the likeliest in its language model
first; its Chinese words are pairs of the commonest hanzi. Both languages get a fair share, so that
a benchmark's text has as many tokens as it would have in a real model.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from gguf import TokenType
from pocketsphinx import NGramModel, get_model_path  # type: ignore[attr-defined]

from export.byte_letters import LETTER_OF, letters
from export.llm_vocabulary import Vocabulary

START, END, TEXT_END = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
_SPECIAL = (TEXT_END, START, END)
_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    f"{START}{{{{ message.role }}}}\n{{{{ message.content }}}}{END}\n"
    "{% endfor %}"
    f"{{% if add_generation_prompt %}}{START}assistant\n{{% endif %}}"
)
_ENGLISH_SHARE = 0.5  # of what is left when single hanzi have theirs
_NAMES = 16_000  # words that are also there with a capital
_CAPITALISED = 3000  # and also at the beginning of a line
_PIECE_WORDS = 20_000  # that the pieces for rarer words are counted in
_PIECES = 3000  # of four letters
_ENDINGS = "'s 't 're 've 'm 'll 'd .\n .\n\n \n\n ... ?\n !\n :\n ,\" .\" ?\" !\"".split(" ")

_PUNCTUATION = "，。、？！：；“”‘’（）《》…—"

# In the order of how often they are met in modern texts; single tokens are all 6763 of GB 2312.
_COMMON_HANZI = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
    "日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政"
    "美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员"
    "解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件"
    "计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象"
    "完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运请问票展览"
    "馆谢您早晚吃喝钱买卖店楼层钟点半周末免费"
)

# Of two hanzi each.
_COMMON_WORDS = (
    "一个我们他们自己没有可以什么中国问题这个时候就是已经工作知道现在因为但是进行社会发展经济公司国家"
    "政府人民这样不是通过世界生活如果所以开始还是需要市场企业技术可能活动起来今天关系学生孩子不能主要"
    "重要出来情况研究建设教育文化管理服务历史科学系统方面方法方式条件影响作用思想精神组织部门单位地方"
    "时间地区城市农村美国日本北京上海人类国际国内一些一样一般一定一直一切一种两个几个许多很多不少非常"
    "十分特别比较更加越来最后最近以后以前以及以上以下之后之前之间其他其中其实另外同时同样当时然后而且"
    "并且或者虽然不过只有只要只是只能由于因此于是为了对于关于根据按照作为成为认为以为觉得感到希望要求"
    "必须应该应当能够不会不要不同不断不仅不可不得也是都是还有都有就会就要不知看到听到得到达到受到遇到"
    "发现出现表示表现提高提供提出增加减少改变改革开放解决完成实现保护保证支持参加参观学习了解认识理解"
    "介绍说明告诉使用利用采用选择决定准备打算继续停止结束产生产品生产商品质量价格数量水平能力机会原因"
    "结果目的目标任务计划项目过程内容形式标准基本基础环境资源能源信息网络电脑电话手机电视电影音乐艺术"
    "文学小说新闻报纸杂志图书图片作品作者读者老师同学朋友父亲母亲爸爸妈妈儿子女儿先生女士小姐医生病人"
    "医院学校大学老人青年妇女男人女人人们大家别人人员领导干部群众代表会议政治政策法律制度权利责任民族"
    "战争和平军事安全交通汽车火车飞机地铁车站机场道路街道房子家庭房间门口身体健康眼睛声音语言汉语英语"
    "文字名字故事自然动物植物天气空气温度太阳月亮地球海洋山水春天夏天秋天冬天早上上午中午下午晚上今年"
    "明年去年昨天明天每天每年星期周一周二周三周四周五周六周日小时分钟多少怎么怎样为何哪里哪儿这里那里"
    "这些那些这种那个那么这么如何例如比如包括属于位于来自具有存在形成建立成立举行举办展览博物馆里收藏"
    "文物古代现代当代传统世纪年代门票免费入口出口楼梯电梯厕所卫生餐厅咖啡商店银行酒店宾馆地址地图方向"
    "左边右边前面后面旁边附近里面外面东西南北高兴快乐喜欢漂亮美丽容易困难简单复杂清楚方便舒服热闹安静"
    "便宜新的大的小的好的我的你的他的她的们的了一是一有一这是那是您好你好谢谢再见请问对不没关欢迎帮助"
    "回答注意小心人工智能数据程序软件机器设备材料工业农业商业投资资金金融消费收入计算设计开发应用操作"
    "控制处理分析调查统计报告文件合同申请批准登记检查测试试验实验观察"
)


@functools.cache
def made_up_bpe(n_vocab: int) -> Vocabulary:
    """Return a vocabulary of `n_vocab` tokens, split as Qwen2 splits, that speaks ChatML.

    Bytes come first, then words, then three special tokens. A small vocabulary has fewer words.
    """
    count = n_vocab - len(_SPECIAL)
    merges = _Merges(count - len(LETTER_OF))
    hanzi = _gb2312()
    merges.add(_PUNCTUATION)
    merges.add(_COMMON_HANZI)
    merges.add(_ENDINGS)
    rest = max(0, merges.left - len(hanzi) - 100)
    words = _english_words()
    # A word is merged from its start, letter by letter: all pairs then begin with a space or with
    # a capital, which is nowhere else in a word, so no other merge can come before them.
    merges.add(itertools.chain(_all_letters(), (f" {w}" for w in words)), rest * _ENGLISH_SHARE)
    merges.add(f" {w.capitalize()}" for w in words[:_NAMES])
    merges.add(w.capitalize() for w in words[:_CAPITALISED])
    merges.add_pairs(_pieces(words))
    merges.add(hanzi)
    merges.add_pairs(zip(_COMMON_WORDS[::2], _COMMON_WORDS[1::2], strict=True))
    merges.add_pairs(_pairs(dict.fromkeys(_COMMON_HANZI)))
    tokens = [*LETTER_OF.values(), *merges.tokens]
    types = [TokenType.NORMAL] * len(tokens)
    special = {name: len(tokens) + place for place, name in enumerate(_SPECIAL)}
    tokens += special
    types += [TokenType.CONTROL] * len(special)
    return Vocabulary(
        "gpt2",
        tokens,
        types,
        pre="qwen2",
        merges=tuple(merges.merges),
        bos=special[TEXT_END],
        eos=special[END],
        padding=special[TEXT_END],
        chat_template=_CHAT_TEMPLATE,
    ).padded(n_vocab)


class _Merges:
    """Merges in the order of their ranks, and what they make; never more than `left`."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.merges: list[str] = []
        self.tokens: dict[str, None] = {}

    def add(self, texts: Iterable[str], at_most: float = float("inf")) -> None:
        """Make every text a token, by way of all its beginnings."""
        end = max(0, self.left - at_most)
        for text in texts:
            whole = letters(text)
            for size in range(2, len(whole) + 1):
                if self.left <= end:
                    return
                self._merge(whole[: size - 1], whole[size - 1])

    def add_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Make tokens of two that are there."""
        for one, two in pairs:
            if not self.left:
                return
            self._merge(letters(one), letters(two))

    def _merge(self, one: str, two: str) -> None:
        if one + two not in self.tokens:
            self.tokens[one + two] = None
            self.merges.append(f"{one} {two}")
            self.left -= 1


def _english_words() -> list[str]:
    """Return pocketsphinx's words, the likeliest first."""
    folder = Path(get_model_path()) / "en-us"  # type: ignore[no-untyped-call]
    model = NGramModel.readfile(str(folder / "en-us.lm.bin"))
    lines = (folder / "cmudict-en-us.dict").read_text("utf-8").splitlines()
    words = [line.partition(" ")[0] for line in lines]
    # An apostrophe ends a word, as Qwen2 splits; a bracket marks another pronunciation.
    words = [word for word in words if word.isalpha() and word.isascii()]
    return sorted(words, key=lambda word: -model.prob([word]))


def _all_letters() -> Iterator[str]:
    return (f" {letter}" for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _pieces(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of letters, then pairs of those: what rare words and foreign ones end in."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    yield from itertools.product(alphabet, alphabet)
    fours = Counter(
        word[i : i + 4] for word in words[-_PIECE_WORDS:] for i in range(3, len(word) - 3)
    )
    for piece, _ in sorted(fours.items(), key=lambda item: (-item[1], item[0]))[:_PIECES]:
        yield piece[:2], piece[2:]


def _gb2312() -> list[str]:
    """Return all hanzi of GB 2312: its rows 16 to 87."""
    cells = (bytes([0xA0 + row, 0xA0 + cell]) for row in range(16, 88) for cell in range(1, 95))
    return [text for cell in cells if (text := cell.decode("gb2312", "ignore"))]


def _pairs(hanzi: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of hanzi, by Zipf's law the likeliest first: of the least product of ranks."""
    ranked = list(enumerate(hanzi, start=1))
    pairs = itertools.product(ranked, ranked)
    for (_, one), (_, two) in sorted(pairs, key=lambda pair: pair[0][0] * pair[1][0]):
        yield one, two
