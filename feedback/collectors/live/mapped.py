"""Objects of an interface, a pipe or a query as records, by the same layouts that exports have (`feedback.collectors.layout`)."""

from collections.abc import Iterator

from feedback.collectors.base import Item, SourceConfig, Unreadable
from feedback.collectors.layout import COLUMN_FIELDS, Layout, layout_of, load_layout
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
    columns = table_of(settings, "columns", 'text = "body"')
    columns.refuse_unknown(set(COLUMN_FIELDS))
    if not columns.data.get("text"):
        raise settings.fault('[columns] must say which field holds the text: columns = {{ text = "body" }}')
    inline: dict[str, object] = {name: value for name, value in settings.data.items() if name in INLINE}
    said = {"name": config.name, "kind": config.kind or "review", "channel": config.channel or config.name, **inline}
    return layout_of(SettingsTable(said, settings.where, settings.wording))


def table_of(settings: SettingsTable, key: str, example: str) -> SettingsTable:
    """The table of that name, an empty one where there is none; what is no table is told with one that holds `example`."""
    if not isinstance(settings.data.get(key, {}), dict):
        raise settings.fault("[{key}] must be a table: {key} = {{ {example} }}", key=key, example=example)
    return settings.table(key)


def is_there(value: Object, path: str) -> bool:
    """Whether the key is there that `getter` would find at this path, whatever it holds; an empty object on the way may have left it out."""
    if path in value:
        return True
    parent, left = _followed(value, path)
    return not left or (parent is not value and not parent)


def fields_near(value: Object, path: str) -> str:
    """What is there instead of a path: the names beside the first of its keys that is missing, 200 characters of them at most."""
    parent, left = _followed(value, path)
    if not isinstance(parent, dict):
        return ", ".join(map(str, value))[:200]
    before = path.removesuffix(".".join(left)) if left else f"{path}."
    return ", ".join(f"{before}{key}" for key in parent)[:200]


def _followed(value: Object, path: str) -> tuple[object, list[str]]:
    """What a path leads to as far as it can be followed, and the keys that are left of it."""
    found: object = value
    keys = path.split(".")
    while keys and isinstance(found, dict) and keys[0] in found:
        found = found[keys.pop(0)]
    return found, keys
