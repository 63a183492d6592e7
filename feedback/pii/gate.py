"""The gate: what every finding has in common, so that a text without any costs two scans.

It sees the text before folding, so it knows unfolded forms. What a rule can find the gate has to let through.
"""

import re

from feedback.pii.folding import SIMPLIFIED
from feedback.pii.names import ANY_SURNAME, COMPOUND_SURNAMES, TITLES
from feedback.pii.numbers import PROVINCES

_UNITS = "号號栋棟幢弄单單室组組座"
_TITLES = TITLES + "|師傅|老師|經理|醫生|店長|老闆|律師|護士|教練"
_CUES = (  # the last two characters of what introduces a full name
    "我叫|名叫|本人|客服|务员|店员|导购|递员|骑手|技师|顾问|姓名|户名|戶名|系人|络人|繫人|絡人|係人|件人|货人|貨人|收人|办人|辦人|户人|戶人"
)
_PROVINCES = PROVINCES + "滬遼魯蘇贛晉陝閩貴粵寧瓊雲"
_SURNAMES = "".join(
    [*ANY_SURNAME, *(name[0] + name[1] for name in COMPOUND_SURNAMES)]
    + [old for old, new in SIMPLIFIED.items() if new in ANY_SURNAME + "诸长轩"]
)
_LAST = "".join(sorted({word[-1] for word in (_TITLES + "|" + _CUES).split("|")}))
GATE_WORDS = re.compile(
    rf"[{_PROVINCES}{_UNITS}{_LAST}@＠信XxEe加姓](?:(?<=[@＠])|(?<=[微威薇vV]信)|(?<=[vVwW][xXeE])|(?<=加)我?[vV微薇威]"
    rf"|(?<=[{_PROVINCES}]) ?[A-Za-zＡ-Ｚａ-ｚ]|(?<=[0-9０-９一二三四五六七八九十A-Za-z][{_UNITS}])"
    rf"|(?<={_TITLES})(?:(?<=[{_SURNAMES}]..)|(?<=[{_SURNAMES}]...)|(?<=[{_SURNAMES}]....))"
    rf"|(?:(?<=姓)|(?<={_CUES}))[:： 是为]{{0,3}}[{_SURNAMES}])"
)
GATE_DIGITS = re.compile(
    r"[0-9０-９][0-9０-９]{2}(?:[0-9０-９]{2}|[0-9０-９]?[-–—－.．·• \u00a0\u3000()（）][0-9０-９]{3})"
)
