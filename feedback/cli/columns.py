"""Tables for a terminal, where a Chinese character is two columns wide."""

from collections.abc import Sequence
from unicodedata import combining, east_asian_width


def display_width(text: str) -> int:
    """Columns of a terminal that the text takes.

    >>> display_width("物流 ok")
    7
    """
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def aligned(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """The rows as lines with their columns aligned, each as `align` says: "l" or "r".

    >>> aligned([["物流", "9"], ["price", "10"]], "lr")
    ['物流    9', 'price  10']
    """
    # A line break or an escape sequence in a name must not break the table.
    shown = [["".join(c if c.isprintable() else "�" for c in cell) for cell in row] for row in rows]
    widths = [max(map(display_width, column)) for column in zip(*shown, strict=True)]
    lines = []
    for row in shown:
        cells = [
            f"{' ' * (width - display_width(cell))}{cell}"
            if side == "r"
            else f"{cell}{' ' * (width - display_width(cell))}"
            for cell, width, side in zip(row, widths, align, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
