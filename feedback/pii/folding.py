"""Folding before the search: one character to one character, so that offsets into the copy are offsets into the text."""

import re

_TRADITIONAL_AND_SIMPLIFIED = (
    "陳陈劉刘張张黃黄吳吴趙赵孫孙馬马羅罗鄭郑謝谢許许鄧邓馮冯蕭萧葉叶盧卢蔣蒋賈贾閻阎鍾钟鐘钟陸陆範范譚谭鄒邹龍龙萬万錢钱湯汤賀贺"
    "賴赖龔龚龐庞蘭兰魯鲁韋韦畢毕聶聂齊齐莊庄關关顏颜嚴严溫温閔闵陽阳歐欧鮑鲍喬乔楊杨蘇苏呂吕紀纪項项衛卫單单諸诸師师經经號号樓楼"
    "棟栋區区縣县鎮镇鄉乡電电話话機机車车訂订運运遞递聯联繫系絡络貨货戶户證证銀银帳账賬账顧顾問问務务員员導导購购醫医護护闆板長长"
    "廈厦園园灣湾閣阁粵粤滬沪遼辽贛赣貴贵寧宁雲云陝陕瓊琼晉晋閩闽順顺圓圆達达開开轉转麗丽國国華华貴贵紅红偉伟強强傑杰慶庆蓮莲"
    "鳳凤靜静鵬鹏飛飞軍军濤涛輝辉榮荣實实樂乐曉晓東东業业賓宾門门後后務务給给說说說说請请裡里嗎吗總总費费鄰邻簽签發发馬马衖弄"
)
SIMPLIFIED = dict(zip(_TRADITIONAL_AND_SIMPLIFIED[::2], _TRADITIONAL_AND_SIMPLIFIED[1::2], strict=True))
_FOLD: dict[int, int] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **{ord(old): ord(new) for old, new in SIMPLIFIED.items()},
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), ord("-")),
    **dict.fromkeys(map(ord, "•・‧∙⋅"), ord("·")),
    **dict.fromkeys(map(ord, "\u3000\u00a0\u2002\u2003\u2009\t"), ord(" ")),
    **{code: code - 32 for code in range(ord("a"), ord("z") + 1)},
    **{code: code - 0xFEE0 - 32 for code in range(0xFF41, 0xFF5B)},
}
_COMMON_MARKS = (("，", ","), ("：", ":"), ("（", "("), ("）", ")"), ("！", "!"), ("？", "?"))
_FOLDABLE = re.compile(f"[{''.join(map(chr, _FOLD.keys() - {ord(mark) for mark, _ in _COMMON_MARKS}))}]+")


def fold(text: str) -> str:
    """Simplified, half-width, upper case: same length. Only what needs it is translated, for speed."""
    for mark, plain in _COMMON_MARKS:
        text = text.replace(mark, plain)
    return _FOLDABLE.sub(lambda match: match[0].translate(_FOLD), text)
