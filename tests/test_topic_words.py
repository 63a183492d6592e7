"""What topics are called."""

from nlp.topics.words import content_words, keywords, label

DELIVERY = [("物流", "太慢"), ("物流", "太慢"), ("快递", "物流"), ("太慢", "包裹"), ("包裹", "物流"), ("快递", "太慢")]
SCREEN = [("屏幕", "划痕"), ("屏幕", "清晰"), ("屏幕", "划痕"), ("清晰", "屏幕"), ("客户",), ("客户", "屏幕")]
DOCUMENTS = [(1, words) for words in DELIVERY] + [(2, words) for words in SCREEN] + [(None, ("客户",))] * 5


def test_words_without_content_are_left_out() -> None:
    assert content_words("但是物流真的太慢了，等了5天！！ iPhone不错") == ("物流", "太慢", "iphone", "不错")
    assert content_words("") == ()
    assert content_words("12345 😀 ，。！") == ()


def test_the_projects_own_words_are_kept_whole() -> None:
    assert "刘海屏" not in content_words("这个刘海屏很丑")
    assert "刘海屏" in content_words("这个刘海屏很丑", ("刘海屏",))


def test_keywords_are_what_tells_a_topic_from_the_others() -> None:
    found = keywords(DOCUMENTS)
    assert set(found[1][:2]) == {"物流", "太慢"}
    assert found[2][0] == "屏幕"
    assert set(found[2]) >= {"划痕", "清晰"}
    assert not set(found[1]) & set(found[2])


def test_what_is_said_everywhere_comes_last_if_at_all() -> None:
    assert keywords(DOCUMENTS)[2][-1] == "客户" or "客户" not in keywords(DOCUMENTS)[2]


def test_the_order_of_texts_changes_nothing() -> None:
    assert keywords(reversed(DOCUMENTS)) == keywords(DOCUMENTS)


def test_a_topic_whose_words_occur_once_has_no_keywords() -> None:
    assert keywords([(1, ("一次",)), (1, ("两次",))]) == {1: ()}
    assert keywords([]) == {}
    assert keywords([(None, ("物流",))]) == {}


def test_a_label_puts_two_keywords_as_members_do() -> None:
    assert label(("太慢", "物流", "快递"), [*DELIVERY]) == "物流 太慢"


def test_a_label_that_is_taken_gives_way_to_the_next() -> None:
    second = label(("太慢", "物流", "快递"), DELIVERY, {"物流 太慢"})
    assert second != "物流 太慢"
    assert set(second.split()) <= {"太慢", "物流", "快递"}


def test_a_label_does_not_say_a_character_twice() -> None:
    assert label(("本书", "一本", "作者"), [("一本", "本书"), ("一本", "本书"), ("本书", "作者")]) == "本书 作者"


def test_without_pairs_the_first_keyword_is_the_label() -> None:
    assert label(("物流",), [("物流",)]) == "物流"
    assert label((), []) == ""
