"""A taxonomy: the aspects a business wants to hear about, the words customers use for them, their place on the journey.

It is a TOML file; `taxonomies/` holds the built-in ones. The Chinese name of an aspect is its key everywhere
(marks, tables, digests); renaming it makes a new aspect.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import cast

from nlp.errors import TaxonomyError
from nlp.marks import STAGES, Stage
from nlp.settings_table import SettingsTable, Wording

_WORDING = Wording(
    TaxonomyError,
    text="'{key}' must be text, not {value}",
    texts="'{key}' must be a list of words",
    table="[{key}] is missing",
    tables="[[{key}]] must be a list of tables",
)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing customers judge.

    `terms` name it ("快递"). `opinions` judge it without naming it ("太贵了" -> 价格). `excludes` are longer strings inside
    which no word of the whole taxonomy counts ("味道" is not meant in "有味道的衣服"). `label` is the name an outside data set gives it.
    """

    name: str
    en: str
    stage: Stage
    touchpoint: str
    terms: tuple[str, ...]
    opinions: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """`digest` changes with any byte of the file, so marks know which taxonomy made them."""

    name: str
    version: str
    title_zh: str
    title_en: str
    aspects: tuple[Aspect, ...]
    digest: str

    def aspect(self, name: str) -> Aspect | None:
        return next((a for a in self.aspects if a.name == name), None)


def builtin_taxonomies() -> list[str]:
    folder = resources.files("nlp") / "taxonomies"
    return sorted(Path(f.name).stem for f in folder.iterdir() if f.name.endswith(".toml"))


def builtin_text(name: str) -> str:
    """The TOML of a built-in taxonomy, to be copied into a project and edited."""
    if name not in builtin_taxonomies():
        raise TaxonomyError(f"No built-in taxonomy named '{name}'. Known: {', '.join(builtin_taxonomies())}.")
    return (resources.files("nlp") / "taxonomies" / f"{name}.toml").read_text(encoding="utf-8")


def load_taxonomy(name_or_path: str) -> Taxonomy:
    """A built-in taxonomy by name, or one from a TOML file; `TaxonomyError` says what is wrong with it and where."""
    path = Path(name_or_path)
    if path.suffix != ".toml":
        return parse_taxonomy(builtin_text(name_or_path), f"taxonomy '{name_or_path}'")
    try:
        return parse_taxonomy(path.read_text(encoding="utf-8-sig"), str(path))
    except FileNotFoundError:
        raise TaxonomyError(f"No taxonomy file at {path}.") from None
    except UnicodeDecodeError:
        raise TaxonomyError(f"Taxonomy {path} is not UTF-8. Save it as UTF-8 in your editor.") from None
    except OSError as error:
        raise TaxonomyError(f"Taxonomy {path} can't be read: {error.strerror}.") from error


def parse_taxonomy(text: str, where: str) -> Taxonomy:
    """Read and check a taxonomy; `where` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TaxonomyError(f"{where} is not valid TOML: {error}") from error
    table = SettingsTable(data, where, _WORDING)
    title = table.table("title", required=True)
    title.where = f"{where}, title"
    aspects = tuple(_aspect(entry, f"{where}, aspect {n}") for n, entry in enumerate(table.tables("aspects"), 1))
    table.refuse_unknown({"name", "version", "title", "aspects"})
    if not aspects:
        raise TaxonomyError(f"{where} has no [[aspects]].")
    seen: set[str] = set()
    for aspect in aspects:
        if aspect.name in seen:
            raise TaxonomyError(f"{where} has two aspects named '{aspect.name}'.")
        seen.add(aspect.name)
    return Taxonomy(
        name=table.string("name"),
        version=table.string("version"),
        title_zh=title.string("zh"),
        title_en=title.string("en"),
        aspects=aspects,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _aspect(table: SettingsTable, where: str) -> Aspect:
    table.where = where
    name = table.string("name")
    table.where = f"{where} ('{name}')"
    stage = table.string("stage")
    if stage not in STAGES or stage == "none":
        raise TaxonomyError(f"{table.where}: no stage '{stage}'. Known: {', '.join(s for s in STAGES if s != 'none')}.")
    table.refuse_unknown({"name", "en", "stage", "touchpoint", "terms", "opinions", "excludes", "label"})
    return Aspect(
        name=name,
        en=table.string("en"),
        stage=cast(Stage, stage),
        touchpoint=table.string("touchpoint"),
        terms=table.strings("terms", blank=False),
        opinions=table.strings("opinions", blank=False),
        excludes=table.strings("excludes", blank=False),
        label=table.optional_string("label"),
    )
