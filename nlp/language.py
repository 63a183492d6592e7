"""Which language a text is in, as far as its script tells."""

import re

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3041-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_LATIN = re.compile(r"[A-Za-z]+")
_OTHER = re.compile(r"[A-Za-z\u3041-\u30ff\uac00-\ud7af]")


def detect_language(text: str) -> str:
    """`zh`, `en`, `ja`, `ko`, or `und` where no letter tells. A brand name in Latin letters does not make a Chinese text English.

    >>> detect_language("iPhone15 续航不行"), detect_language("Great coffee"), detect_language("👍👍")
    ('zh', 'en', 'und')
    """
    if not _OTHER.search(text):  # most texts
        return "zh" if _HAN.search(text) else "und"
    han = len(_HAN.findall(text))
    if len(_KANA.findall(text)) > 0.2 * (han + 1):
        return "ja"
    if len(_HANGUL.findall(text)) > han:
        return "ko"
    words = len(_LATIN.findall(text))
    if han == 0:
        return "en" if words else "und"
    return "zh" if han >= 0.3 * words else "en"
