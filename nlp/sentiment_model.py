"""Which classifier says the sentiment, where it is not the engine. Loads nothing."""

from dataclasses import dataclass

from nlp.marks import Sentiment


@dataclass(frozen=True, slots=True)
class SentimentModel:
    """`model`: a folder or a name on the hub; `labels`: what each of its labels means, as pairs."""

    model: str
    labels: tuple[tuple[str, Sentiment], ...] = ()
