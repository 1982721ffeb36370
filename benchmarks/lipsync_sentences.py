"""The sentences of the lip-sync benchmark: much p b m, all vowels, and a pause inside of each."""

from collections.abc import Mapping
from types import MappingProxyType

from edge_talker.messages import Language

SENTENCES: Mapping[Language, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            "My father parked the car, but Mama walked home by the harbour.",
            "People often miss the big blue boats, so please come back on Monday.",
            "Bob put a pumpkin on the table, and Mary painted it purple.",
            "If you move the map a bit, you may see the mountain behind the bay.",
            "The museum opens at nine, and closes before the evening meal.",
            "Pay attention to the paper, because a pen may stop at any moment.",
            "A happy baby clapped her palms, then both of them began to hum.",
            "Above the stairs hangs a whale, which two brave men brought home by ship.",
            "Up in the lamp room, my brother polishes brass and copper.",
            "We have maps of Africa, of Peru, and of many bays in Burma.",
            "Do you remember that summer, when the pump broke and the basement filled?",
            "The cook chopped parsley and apples, and put them into a deep bowl.",
            "Paul bought a pair of boots, for it may be muddy by the pond.",
            "Moon and tide move together, as fishermen have always known.",
            "Five ropes hold the mast, and a bolt keeps the boom in place.",
            "A calm harbour means much, above all to small wooden boats.",
            "Open the top box first, and pass me the amber beads.",
            "She saw a hawk above the farm, and a mouse below the barn.",
            "Who would believe it, a piano played aboard a submarine!",
            "Thank you for coming by, I hope you enjoyed the map room.",
        ),
        "zh": (
            "爸爸跑步去码头，妈妈抱着宝宝买面包。",
            "博物馆每天早上九点开门，星期一不开门。",
            "把苹果放在盘子里，不要忘了拿杯子。",
            "大海非常美丽，白色的帆船慢慢飘过来。",
            "明天下午没有表演，后天晚上八点半有。",
            "他买了一本很旧的地图，摆在门旁边。",
            "朋友们爬上高山，看见满天的白云。",
            "请不要摸玻璃，旁边有一把木头椅子。",
            "老板泡了一壶茶，慢慢给我们讲故事。",
            "北方的冬天很冷，湖面上铺满了冰。",
            "猫怕水，可是它天天跑到河边抓鱼。",
            "我们的灯塔很高，晚上为大船照亮。",
            "妹妹画了一匹马，又画了一片绿色的草。",
            "票卖完了吗，门口还有很多人排队。",
            "那块表是铜做的，保存了一百多年。",
            "平时不忙的时候，我喜欢骑自行车跑跑步。",
            "外婆包的饺子又大又香，每个人都吃饱了。",
            "风把帽子吹跑了，他马上跳下船去找。",
            "鲸鱼的骨头摆满了大厅，小朋友都不敢碰。",
            "慢走，欢迎您下次再到博物馆来看看。",
        ),
    }
)
