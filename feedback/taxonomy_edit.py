"""Terms that customers judge and the taxonomy has no word for: suggested, and taken into an aspect.

Only what holds the term is marked anew: a term changes nothing in a text that it does not occur in.
"""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import tomlkit

from feedback.errors import ProjectError
from feedback.pipeline import pipeline_config
from feedback.project import Project
from nlp.config import pipeline_version
from nlp.encoder.embedder import load_embedder
from nlp.errors import TaxonomyError
from nlp.normalize import fold
from nlp.taxonomy import Aspect, Taxonomy, load_taxonomy, parse_taxonomy
from storage.marks import OpenTerm, carry_over, open_quotes, open_terms
from storage.store import Store
from storage.texts import customer_texts

LEAST = 3  # opinions below which a term is not suggested
LONGEST_TERM = 40
_NEAREST = 3  # words of an aspect that decide how near it is


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A term, how often it is judged and blamed, the aspect it is nearest to and how near (cosine), and quotes as (verbatim, text)."""

    term: str
    opinions: int
    negative: int
    nearest: str
    similarity: float
    quotes: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What taking a term in came to: the taxonomy's new version, verbatims to be marked anew, and those that keep their marks."""

    version: str
    touched: int
    kept: int


def suggest(store: Store, project: Project, limit: int, quotes: int) -> list[Suggestion]:
    """The terms of most weight: opinions, blame counted twice. Spellings that fold to the same are one."""
    taxonomy = load_taxonomy(project.taxonomy)
    known = {fold(word) for aspect in taxonomy.aspects for word in (*aspect.terms, *aspect.opinions, *aspect.excludes)}
    spellings: dict[str, list[OpenTerm]] = defaultdict(list)
    for found in open_terms(store.connection):
        spellings[fold(found.term)].append(found)
    summed = [
        OpenTerm(each[0].term, sum(t.opinions for t in each), sum(t.negative for t in each))
        for folded, each in spellings.items()
        if folded not in known
    ]
    summed = [found for found in summed if found.opinions >= LEAST]
    summed.sort(key=lambda found: (-found.opinions - found.negative, found.term))
    chosen = summed[:limit]
    if not chosen:
        return []
    nearest = _nearest(project.engine, taxonomy, [found.term for found in chosen])
    return [
        Suggestion(
            *(found.term, found.opinions, found.negative, *near),
            tuple(open_quotes(store.connection, found.term, quotes)),
        )
        for found, near in zip(chosen, nearest, strict=True)
    ]


def _nearest(engine: str, taxonomy: Taxonomy, terms: Sequence[str]) -> list[tuple[str, float]]:
    """Of each term the aspect whose words it resembles most, and how much."""
    words = [(aspect.name, word) for aspect in taxonomy.aspects for word in aspect.terms]
    vectors = load_embedder(engine).embed([*terms, *(word for _, word in words)])
    similarities = vectors[: len(terms)] @ vectors[len(terms) :].T
    owners = np.array([name for name, _ in words])
    found = []
    for row in similarities:
        scores = {
            name: float(np.sort(row[owners == name])[-_NEAREST:].mean()) for name in dict.fromkeys(owners.tolist())
        }
        best = max(scores, key=lambda name: scores[name])
        found.append((best, scores[best]))
    return found


def accept(store: Store, project: Project, term: str, aspect_name: str) -> Accepted:
    """Write the term into the project's taxonomy, and keep the marks of every text that does not hold it.

    `ProjectError` where the taxonomy is not the project's own file, has no such aspect, or has the term already.
    """
    term = term.strip()
    path = Path(project.taxonomy)
    if path.suffix != ".toml":
        raise ProjectError(
            f"The project uses the built-in taxonomy '{project.taxonomy}'. To have one of your own: "
            f'feedback taxonomy show {project.taxonomy} > taxonomy.toml, and taxonomy = "taxonomy.toml" in feedback.toml.'
        )
    path = path.resolve()
    with store.transaction() as connection:  # which lets one at a time read and write the file
        _check(load_taxonomy(project.taxonomy), term, aspect_name)
        text = path.read_bytes().decode("utf-8-sig")
        written = _with_term(text, term, aspect_name)
        try:
            new = parse_taxonomy(written, str(path))
        except TaxonomyError:
            raise ProjectError(
                f"{path} is laid out in a way that can't be edited. Add the term by hand: \"{term}\" to the terms of '{aspect_name}'."
            ) from None
        config = pipeline_config(project)
        before = pipeline_version(config)
        with NamedTemporaryFile("wb", dir=path.parent, prefix=".taxonomy-", suffix=".toml", delete=False) as fresh:
            fresh.write(written.encode())
        try:
            shutil.copymode(path, fresh.name)
            after = pipeline_version(replace(config, taxonomy=fresh.name))
            folded = fold(term)
            touched = [each.verbatim_id for each in customer_texts(connection) if folded in fold(each.text)]
            kept = carry_over(connection, before, after, touched)
            Path(fresh.name).replace(path)
        except BaseException:
            Path(fresh.name).unlink(missing_ok=True)
            raise
    return Accepted(new.version, len(touched), kept)


def _check(taxonomy: Taxonomy, term: str, aspect_name: str) -> Aspect:
    if not term or not term.isprintable() or len(term) > LONGEST_TERM:
        raise ProjectError(f"A term has 1 to {LONGEST_TERM} characters that can be seen.")
    chosen = taxonomy.aspect(aspect_name)
    if chosen is None:
        raise ProjectError(
            f"No aspect '{aspect_name}'. Known: {', '.join(aspect.name for aspect in taxonomy.aspects)}."
        )
    for aspect in taxonomy.aspects:
        if fold(term) in map(fold, (*aspect.terms, *aspect.opinions)):
            raise ProjectError(f"'{term}' is a word of the aspect '{aspect.name}' already.")
    return chosen


def _with_term(text: str, term: str, aspect_name: str) -> str:
    """The taxonomy's text with the term among the aspect's and the version raised; comments and layout stay."""
    document = tomlkit.parse(text)
    for aspect in document["aspects"]:
        if aspect["name"] == aspect_name:
            if "terms" not in aspect:
                aspect["terms"] = tomlkit.array()
            aspect["terms"].append(term)
    document["version"] = raised(str(document["version"]))
    return tomlkit.dumps(document)


def raised(version: str) -> str:
    """The next version: its last number one higher.

    >>> raised("1.9")
    '1.10'
    >>> raised("spring")
    'spring.1'
    """
    head, dot, last = version.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdecimal() else f"{version}.1"
