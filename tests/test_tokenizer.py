import subprocess
import sys

import pytest
import spacy
from feedback_texts import ANALYSABLE
from hypothesis import example, given

from nlp.errors import UnusableText
from nlp.tokenizer import LONGEST_TEXT, JiebaTokenizer

VOCAB = spacy.blank("zh").vocab
TOKENIZER = JiebaTokenizer(VOCAB)


def tokens(text: str, *words: str) -> list[str]:
    return [token.text for token in JiebaTokenizer(VOCAB, words)(text)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        ("物流太慢了", ["物流", "太慢", "了"]),
        ("客服態度很差", ["客服", "態度", "很差"]),  # cut as in simplified characters, written as given
        ("ＡＰＰ　闪退", ["ＡＰＰ", "　", "闪退"]),
        ("贵 \r\n 慢", ["贵", " ", "\r\n", " ", "慢"]),
        ("👍🏻好", ["👍", "🏻", "好"]),
    ],
)
def test_words_are_slices_of_the_text_as_it_is_written(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(ANALYSABLE)
@example("İ" * 3 + "ẞﬁ物流")
@example("\u2028\x85\ufeff")
def test_the_tokens_add_up_to_the_text(text: str) -> None:
    document = TOKENIZER(text)
    assert document.text == text
    assert [token.idx for token in document] == [sum(len(t) for t in document[:n]) for n in range(len(document))]


@pytest.mark.parametrize(
    "text, reason",
    [
        ("好\x00用", "the text holds a NUL character"),
        ("好\ud83d", "the text holds half a character (a lone surrogate)"),
        ("慢" * (LONGEST_TEXT + 1), "the text has 1,000,001 characters, more than 1,000,000"),
    ],
)
def test_an_unusable_text_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UnusableText) as caught:
        TOKENIZER(text)
    assert str(caught.value) == reason


def test_a_projects_words_are_kept_whole_however_they_are_written() -> None:
    assert tokens("云朵棉拖鞋很软") != tokens("云朵棉拖鞋很软", "云朵棉拖鞋")
    assert tokens("云朵棉拖鞋很软", "云朵棉拖鞋")[0] == "云朵棉拖鞋"
    assert tokens("雲朵棉拖鞋很軟", "云朵棉拖鞋")[0] == "雲朵棉拖鞋"
    assert tokens("云朵棉拖鞋很软", "雲朵棉拖鞋")[0] == "云朵棉拖鞋"


def test_a_projects_words_change_neither_another_project_nor_the_global_dictionary() -> None:
    # In a process of its own: only there is it known who has touched the global dictionary.
    script = """
import jieba, spacy
from nlp.tokenizer import JiebaTokenizer
vocab = spacy.blank("zh").vocab
plain = JiebaTokenizer(vocab)
before = [t.text for t in plain("云朵棉拖鞋很软")]
other = JiebaTokenizer(vocab, ["云朵棉拖鞋"])
assert [t.text for t in other("云朵棉拖鞋很软")][0] == "云朵棉拖鞋"
assert [t.text for t in plain("云朵棉拖鞋很软")] == before
assert [t.text for t in JiebaTokenizer(vocab, ["棉拖鞋"])("云朵棉拖鞋很软")][0] != "云朵棉拖鞋"
assert not jieba.dt.initialized and not jieba.dt.FREQ and not jieba.dt.user_word_tag_tab
assert "云朵棉拖鞋" not in jieba.lcut("云朵棉拖鞋很软")
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr, run.returncode) == ("", "", 0)


def test_a_long_text_is_cut_like_its_sentences() -> None:
    sentence = "物流太慢了，iPhone15续航不行。"
    assert tokens(sentence * 500) == tokens(sentence) * 500


@pytest.mark.parametrize("filler", ["不", "物流快", "a", "1", " ", "👍", "𠮷"])
@pytest.mark.timeout(60)
def test_a_long_run_without_a_pause_does_not_hang(filler: str) -> None:
    text = (filler * 100_000)[:100_000]
    assert TOKENIZER(text).text == text
