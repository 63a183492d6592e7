"""Objects of an interface, a pipe or a query as records, by the same layouts that exports have (`feedback.collectors.layout`)."""

from collections.abc import Iterator

from feedback.collectors.base import Item, SourceConfig, Unreadable
from feedback.collectors.layout import Layout, layout_of, load_layout
from feedback.collectors.live import Visit
from feedback.collectors.mapping import RowMapper
from feedback.collectors.objects import Object, rows
from feedback.collectors.table import used_columns
from nlp.settings_table import SettingsTable

# The keys of a source's section that a layout may be written in, instead of in a file of its own.
INLINE = frozenset({"records", "columns", "scores", "texts", "drop"})


class ObjectMapper:
    """Maps objects; what a field's name is not found in is empty, as a column that holds nothing."""

    def __init__(self, layout: Layout, config: SourceConfig) -> None:
        self._columns = used_columns(layout)
        self._mapper = RowMapper(layout, self._columns, config, [])

    def items(self, located: Iterator[tuple[str, Object] | Unreadable]) -> Iterator[Item]:
        """The records of each object in turn; `located` are objects with where they are."""
        for row in rows(located, self._columns):
            if isinstance(row, Unreadable):
                yield row
            else:
                yield from self._mapper.read(*row)


def layout_for(visit: Visit) -> Layout:
    """The layout that a source names, or says itself: `[sources.columns]` and what belongs to it."""
    settings, config = visit.settings, visit.config
    if config.layout:
        return load_layout(config.layout, config.base)
    inline: dict[str, object] = {name: value for name, value in settings.data.items() if name in INLINE}
    said = {"name": config.name, "kind": config.kind or "review", "channel": config.channel or config.name, **inline}
    return layout_of(SettingsTable(said, settings.where, settings.wording))
