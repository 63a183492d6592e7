"""Ids as exports hold them: kept as text, freed of what spreadsheets put around them, told when Excel ruined them."""

import re
from collections.abc import Iterable

EXCEL_DIGITS = 15  # what Excel keeps of a number; the digits after them become zeros

_FORMULA = re.compile(r'="(.*)"')
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[eE]\+\d+")
_EXCEL_ERRORS = frozenset({"#NAME?", "#VALUE!", "#REF!", "#N/A", "#NUM!", "#DIV/0!", "#NULL!"})


class IdColumn:
    """One column of ids. `sample` decides whether long numbers in it were cut to fifteen digits by Excel."""

    def __init__(self, name: str, sample: Iterable[str]) -> None:
        self._name = name
        long_numbers = [value for value in map(strip_id, sample) if value.isdigit() and len(value) > EXCEL_DIGITS]
        self._cut = sum(map(_has_cut_digits, long_numbers)) * 2 > len(long_numbers)

    def read(self, value: str) -> tuple[str | None, str | None]:
        """The id, None when there is none or it is ruined; and the problem, if there is one."""
        if value.isalnum() and (len(value) <= EXCEL_DIGITS or not self._cut):  # nearly all
            return value, None
        found = strip_id(value)
        if not found:
            return None, None
        if (
            _SCIENTIFIC.fullmatch(found)
            or is_excel_error(found)
            or not found.strip("#")
            or (self._cut and found.isdigit() and len(found) > EXCEL_DIGITS and _has_cut_digits(found))
        ):
            # What is left of a customer's phone or card number is nothing to keep.
            return None, f"{self._name} looks ruined by Excel" + ("" if self._name == "customer" else f": {found}")
        return found, None


def strip_id(value: str) -> str:
    """The id inside `'123`, `="123"`, "123<tab>" or `123.0`, ways by which exports keep spreadsheets off a number."""
    found = value.strip()
    if wrapped := _FORMULA.fullmatch(found):
        found = wrapped[1].strip()
    found = found.lstrip("'’`").strip()
    if found.endswith(".0") and found[:-2].isdigit():
        found = found[:-2]
    return found


def is_excel_error(value: str) -> bool:
    """Whether it is what Excel shows of a formula that it can't work out; it takes words that begin with - or = for one."""
    return value.strip().upper() in _EXCEL_ERRORS


def _has_cut_digits(number: str) -> bool:
    """Zeros after fifteen digits, as Excel makes them, or after sixteen, as programs do that write a workbook's numbers."""
    return not number[EXCEL_DIGITS:].strip("0") or (
        len(number) > EXCEL_DIGITS + 2 and not number[EXCEL_DIGITS + 1 :].strip("0")
    )
