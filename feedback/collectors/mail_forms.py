"""Forms that mail programs write in more than one place."""

LONGEST_MARK = 400  # characters of a line that may be a program's own
ENTITY = "&nbsp;"  # as QQ writes it into plain texts
_ENTITIES = {ENTITY: " ", "&gt;": ">", "&lt;": "<"}  # the last two by Coremail

DAY = (
    r"(?:\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4}|\d{1,2}\.? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?,? \d{4}"
    r"|(?:一|二|三|四|五|六|七|八|九|十|十一|十二)月 \d{1,2}, ?\d{4})"
)
ADDRESS = r"[<＜\[(]?\s*(?:mailto:)?[^\s<>()\[\]@＜＞,，;；]{1,64}@[^\s<>()\[\]@＜＞,，;；]{1,200}"


def without_entities(line: str) -> str:
    """A line of a plain text without the entities that some programs write into it.

    >>> without_entities("&gt;&nbsp;您好")
    '> 您好'
    """
    for entity, character in _ENTITIES.items():
        line = line.replace(entity, character)
    return line
