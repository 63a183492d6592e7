import pytest

from feedback.cli.columns import aligned, display_width


@pytest.mark.parametrize("text, width", [("", 0), ("abc", 3), ("物流", 4), ("ｉＰ", 4), ("e\u0301", 1), ("👍", 2)])
def test_a_wide_character_takes_two_columns(text: str, width: int) -> None:
    assert display_width(text) == width


def test_columns_are_aligned_to_either_side_without_blanks_at_the_end() -> None:
    assert aligned([["物流", "1", "a"], ["x", "23", ""]], "lrl") == ["物流   1  a", "x     23"]
