"""Street addresses: from a house number backwards over Han characters, forwards over building, unit and room."""

import re
from collections.abc import Iterator

_NUMBER = r"(?:[0-9]{1,5}(?:-[0-9]{1,4}){0,2}|[一二三四五六七八九十百]{1,5})"
_HOUSE = re.compile(
    r"[0-9A-Z一二三四五六七八九十百][0-9一二三四五六七八九十百-]{0,8}+(?P<unit>号楼|号院(?!线)|弄|栋|幢|座|单元"
    r"|号(?!线|店|桌|机|链|球|色|电池|馆|选手|车|出口|口|门|航站|菜|套|码|站|公交|台|风|高速|文|令|院线)"
    r"|室(?![0-9一两二三]?厅)|组(?!合))"
)
_COMPLEX = "小区|花园|家园|花苑|苑|公寓|大厦|新村|嘉园|雅居|名城|豪庭|中心|广场|大院|宿舍|府|邸|湾|城|庭|园|居|轩|阁|村"
_DETAIL = re.compile(
    rf"(?:(?:[一-鿿]{{1,8}}?(?:{_COMPLEX}))?(?:{_NUMBER}|[A-Z][0-9]?)(?:号楼|号院|号|弄|栋|幢|座|单元|层|楼|室|房|户)){{0,6}}"
    r"(?:[A-Z]?[0-9]{3,4}(?:室|房)?(?![0-9年元块米人次]))?"
)
_ROAD_END = re.compile(
    r"(?:路|街|巷|胡同|大道|村|镇|乡|[路街道][东西南北中一二三四五六七八九]?段|[一-鿿]{2}道"
    r"|(?:省|市|区|县|镇).{1,8}(?:里|庄|屯|寨|坊|条|弄|组))$"
)
_COMPLEX_END = re.compile(rf"[一-鿿](?:{_COMPLEX})(?:[一二三四五六]期)?$")
_NO_ROAD = re.compile(
    r"(?:[走半一迷赶问带网思套线道顺公铁马电在了]路|^路|[逛上的]街|^街|农村|[知味报频通渠地赛难一]道|^.?[镇乡])$"
)
_ADMIN = re.compile(r"[一-鿿]{2}(?:省|市|区|县|州|旗|镇|乡)")
_DATE_AFTER = re.compile(
    r" ?(?:到|去|早|晚|上午|下午|中午|凌晨|入住|发|收|退|买|下单|的时候|当天|那天|才|就|送|前|后|之)"
)
_RESIDENCE = re.compile(rf"{_NUMBER}(?:栋|幢|号楼) ?{_NUMBER}单元 ?{_NUMBER}")
_NOT_IN_PLACE = frozenset(
    "我你他她它您住到寄送是址于的了给跟这那就在把让被说问找去离近对过处叫店有很也又不没要能可为还但因所该每"
)
_ASIDE = re.compile(r"[一-鿿]*?(?:[查一]下|[后前对]面|旁边|附近|屋企)(?=[一-鿿]{3})")
_LONGEST_PLACE = 40


def _place_before(text: str, end: int, floor: int) -> int:
    """Where the run of place names that ends at `end` begins, not before `floor`."""
    start = end
    stop = max(floor, end - _LONGEST_PLACE)
    while start > stop and "一" <= text[start - 1] <= "鿿" and text[start - 1] not in _NOT_IN_PLACE:
        start -= 1
    return start


def _is_house(unit: str, place: str, detail: str, after: str) -> bool:
    """Whether number and `unit` after `place` say where somebody lives, as against a date, a shop or a landmark."""
    if unit in ("栋", "幢", "单元", "室", "号楼"):
        return bool(_COMPLEX_END.search(place) or _ROAD_END.search(place)) and not _NO_ROAD.search(place)
    if unit == "座":
        return bool(_COMPLEX_END.search(place)) and detail[-1] != "座"
    if unit == "组":
        return place.endswith(("村", "镇", "乡", "社区")) and len(place) > 2
    if not _ROAD_END.search(place) or _NO_ROAD.search(place):
        return place.endswith(("花园", "家园", "苑", "新村", "小区")) and len(place) > 3
    return bool(_ADMIN.search(place)) or not (_DATE_AFTER.match(after) and len(detail) <= 3)


def address_spans(text: str) -> Iterator[tuple[int, int]]:
    position = done = 0
    while house := _HOUSE.search(text, position):
        start, position = house.span()
        place_start = _place_before(text, start, done)
        if aside := _ASIDE.match(text, place_start, start):
            place_start = aside.end()
        residence = _RESIDENCE.match(text, start)
        if not residence and start - place_start < 2:
            continue
        detail = _DETAIL.match(text, start)
        end = max(position, detail.end() if detail else 0)
        if _is_house(house["unit"], text[place_start:start], text[start:end], text[end : end + 4]):
            yield place_start, end
        elif residence:
            end = max(end, residence.end())
            yield start, end
        else:
            continue
        position = done = end
