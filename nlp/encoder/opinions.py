"""From what the opinion head says of each token to opinions with character offsets.

`tags` `(tokens, 9)`: begin, inside, outside of an aspect term; the same of judging words; the polarities. `links` `(tokens, tokens)`: from judging
words to what they judge, which is the first token where that is not named. `moves` `(2, 3, 3)`: scores of going from one tag to the next.
"""

from collections.abc import Sequence

from nlp.marks import SENTIMENTS, Opinion, Span
from nlp.probabilities import Floats

BEGIN, INSIDE, OUTSIDE = range(3)
ASPECT, WORDS, POLARITY = slice(0, 3), slice(3, 6), slice(6, 9)
TAGS = 9
UNNAMED = 0  # the token that stands for what is not named


def opinions_of(text: str, tags: Floats, links: Floats, moves: Floats, offsets: Sequence[Span]) -> list[Opinion]:
    """The opinions of `text` in the order of their judging words; `offsets` are those of its tokens, `moves` the scores of going from one tag to the next."""
    aspects = [(span, _trimmed(text, span, offsets)) for span in _runs(tags[:, ASPECT], moves[0])]
    found = []
    for first, last in _runs(tags[:, WORDS], moves[1]):
        words = _trimmed(text, (first, last), offsets)
        if words is None:
            continue
        polarity = tags[first:last, POLARITY].mean(axis=0)
        sentiment = SENTIMENTS[int(polarity.argmax())]
        strength = links[first:last].mean(axis=0)
        strengths = [(float(strength[start:end].mean()), place) for (start, end), place in aspects if place is not None]
        linked = [place for how, place in strengths if how > 0]
        if not linked and strengths and max(strengths)[0] > strength[UNNAMED]:
            linked = [max(strengths)[1]]
        found += [Opinion(place, words, sentiment) for place in linked] or [Opinion(None, words, sentiment)]
    return found


def _runs(tags: Floats, moves: Floats) -> list[Span]:
    """The spans of tokens that begin, or go on without a beginning, in the likeliest sequence of tags (Viterbi 1967)."""
    found: list[Span] = []
    start = None
    for n, tag in enumerate([*_likeliest(tags, moves), OUTSIDE]):
        if start is not None and tag != INSIDE:
            found.append((start, n))
            start = None
        if tag == BEGIN or (tag == INSIDE and start is None):
            start = n
    return found


def _likeliest(tags: Floats, moves: Floats) -> list[int]:
    """In plain Python: three tags are too few for numpy to pay."""
    first, *rest = tags.tolist()
    (bb, bi, bo), (ib, ii, io), (ob, oi, oo) = moves.tolist()
    begin, inside, outside = first
    back: list[tuple[int, int, int]] = []
    for b, i, o in rest:
        to_b = (begin + bb, inside + ib, outside + ob)
        to_i = (begin + bi, inside + ii, outside + oi)
        to_o = (begin + bo, inside + io, outside + oo)
        begin, inside, outside = max(to_b), max(to_i), max(to_o)
        back.append((to_b.index(begin), to_i.index(inside), to_o.index(outside)))
        begin, inside, outside = begin + b, inside + i, outside + o
    ways = (begin, inside, outside)
    path = [ways.index(max(ways))]
    for best in reversed(back):
        path.append(best[path[-1]])
    return path[::-1]


def _trimmed(text: str, tokens: Span, offsets: Sequence[Span]) -> Span | None:
    """The characters of those tokens without white space at either end; None where that is all there is."""
    places = [place for place in offsets[slice(*tokens)] if place[0] < place[1]]  # the tokens around a text have none
    if not places:
        return None
    start, end = places[0][0], places[-1][1]
    words = text[start:end]
    if not words.strip():
        return None
    return start + len(words) - len(words.lstrip()), start + len(words.rstrip())
