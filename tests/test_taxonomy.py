from pathlib import Path

import pytest

from nlp.errors import TaxonomyError
from nlp.taxonomy import Aspect, Taxonomy, builtin_taxonomies, builtin_text, load_taxonomy, parse_taxonomy

HEAD = 'name = "shop"\nversion = "1.2"\ntitle = { zh = "小店", en = "Shop" }\n'
ASPECT = '[[aspects]]\nname = "物流"\nen = "Delivery"\nstage = "purchase"\ntouchpoint = "快递"\nterms = ["物流"]\n'
STAGES = "awareness, consideration, engagement, purchase, post_purchase, loyalty"


def test_a_taxonomy_is_read_whole() -> None:
    text = (
        HEAD
        + ASPECT
        + '[[aspects]]\nname = "价格"\nen = "Price"\nstage = "consideration"\ntouchpoint = "详情页"\n'
        + 'terms = ["价格", "价钱"]\nopinions = ["太贵"]\nexcludes = ["评价"]\nlabel = "price"\n'
    )
    taxonomy = parse_taxonomy(text, "shop.toml")
    price = Aspect("价格", "Price", "consideration", "详情页", ("价格", "价钱"), ("太贵",), ("评价",), "price")
    assert taxonomy == Taxonomy(
        name="shop",
        version="1.2",
        title_zh="小店",
        title_en="Shop",
        aspects=(Aspect("物流", "Delivery", "purchase", "快递", ("物流",)), price),
        digest=taxonomy.digest,
    )
    assert taxonomy.aspect("价格") == price
    assert taxonomy.aspect("服务") is None


def test_the_digest_changes_with_any_byte_and_only_then() -> None:
    digest = parse_taxonomy(HEAD + ASPECT, "here").digest
    assert len(digest) == 16
    assert parse_taxonomy(HEAD + ASPECT, "there").digest == digest
    assert parse_taxonomy(HEAD + ASPECT + "# a remark\n", "here").digest != digest


@pytest.mark.parametrize(
    "text, message",
    [
        ("name = ", "shop.toml is not valid TOML: Invalid value (at end of document)"),
        ("", "shop.toml: [title] is missing."),
        (HEAD, "shop.toml has no [[aspects]]."),
        (HEAD.replace("name", "nom") + ASPECT, "shop.toml: unknown 'nom'. Known: aspects, name, title, version."),
        (HEAD.replace('"shop"', '""') + ASPECT, "shop.toml: 'name' is missing."),
        (HEAD.replace('"1.2"', "1.2") + ASPECT, "shop.toml: 'version' must be text, not 1.2."),
        (HEAD.replace(', en = "Shop"', "") + ASPECT, "shop.toml, title: 'en' is missing."),
        (HEAD + 'aspects = "物流"\n', "shop.toml: [[aspects]] must be a list of tables."),
        (HEAD + ASPECT + ASPECT, "shop.toml has two aspects named '物流'."),
        (HEAD + ASPECT.replace("name", "title"), "shop.toml, aspect 1: 'name' is missing."),
        (
            HEAD + ASPECT.replace("purchase", "buying"),
            f"shop.toml, aspect 1 ('物流'): no stage 'buying'. Known: {STAGES}.",
        ),
        (HEAD + ASPECT.replace("purchase", "none"), f"shop.toml, aspect 1 ('物流'): no stage 'none'. Known: {STAGES}."),
        (HEAD + ASPECT.replace('["物流"]', '"物流"'), "shop.toml, aspect 1 ('物流'): 'terms' must be a list of words."),
        (HEAD + ASPECT.replace('["物流"]', '[" "]'), "shop.toml, aspect 1 ('物流'): 'terms' must be a list of words."),
        (HEAD + ASPECT.replace('["物流"]', "[1]"), "shop.toml, aspect 1 ('物流'): 'terms' must be a list of words."),
        (
            HEAD + ASPECT + 'words = ["快递"]\n',
            "shop.toml, aspect 1 ('物流'): unknown 'words'. "
            "Known: en, excludes, label, name, opinions, stage, terms, touchpoint.",
        ),
    ],
)
def test_a_fault_in_a_taxonomy_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(TaxonomyError) as caught:
        parse_taxonomy(text, "shop.toml")
    assert str(caught.value) == message


def test_a_file_is_read_like_a_built_in_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(builtin_text("retail"), encoding="utf-8")
    assert load_taxonomy(str(path)) == load_taxonomy("retail")


def test_a_byte_order_mark_is_no_part_of_a_taxonomy(tmp_path: Path) -> None:
    path = tmp_path / "notepad.toml"
    path.write_text(HEAD + ASPECT, encoding="utf-8-sig")
    assert load_taxonomy(str(path)) == parse_taxonomy(HEAD + ASPECT, "notepad.toml")


def test_a_missing_an_unreadable_and_an_unknown_taxonomy_are_told_apart(tmp_path: Path) -> None:
    missing, folder, gbk = tmp_path / "no.toml", tmp_path / "folder.toml", tmp_path / "gbk.toml"
    folder.mkdir()
    gbk.write_bytes("名".encode("gbk"))
    messages = []
    for name in (str(missing), str(folder), str(gbk), "shops"):
        with pytest.raises(TaxonomyError) as caught:
            load_taxonomy(name)
        messages.append(str(caught.value))
    assert messages == [
        f"No taxonomy file at {missing}.",
        f"Taxonomy {folder} can't be read: Is a directory.",
        f"Taxonomy {gbk} is not UTF-8. Save it as UTF-8 in your editor.",
        "No built-in taxonomy named 'shops'. Known: auto, beauty, hotel, restaurant, retail, telecom.",
    ]


def test_a_built_in_taxonomy_can_be_copied_and_an_unknown_one_cannot() -> None:
    assert [parse_taxonomy(builtin_text(name), name).name for name in builtin_taxonomies()] == builtin_taxonomies()
    with pytest.raises(TaxonomyError, match=r"^No built-in taxonomy named '\.\./retail'\. Known: auto, "):
        builtin_text("../retail")
