"""The map of a Singer source, a TOML file with a layout for each stream that is wanted, and the records of such a stream as items."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import cast
from urllib.parse import quote

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.grids import cell_text
from feedback.collectors.layout import Layout, Pick, layout_of
from feedback.collectors.live import Visit
from feedback.collectors.live.mapped import ObjectMapper
from feedback.collectors.objects import Object, getter
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable

Key = tuple[str, ...]  # names of fields

_KEY = "key of the stream"  # the column that a record gets where the map names none as its id
_DELETED = "_sdc_deleted_at"
_OTHER_KEY = "stream '{}' has another key than before, {} instead of {}: its records are known again by that one, where they still tell it"
_OF_FILES = ("header", "records", "survey")


class Stream:
    """One stream that the map names. Its ids begin with its name: streams number their records each for itself."""

    def __init__(self, name: str, layout: Layout, config: SourceConfig, keys: Sequence[Key] = ()) -> None:
        self.name = name
        self.keys = tuple(keys)  # all that it has had, the present one at the end
        self._named = "source_id" in layout.columns
        if not self._named:
            layout = replace(layout, columns={**layout.columns, "source_id": Pick((_KEY,))})
        self._layout = layout
        self._mapper = ObjectMapper(layout, config)
        # Of a deleted record the id may be all that is left.
        only_id = replace(layout, columns={"source_id": layout.columns["source_id"]}, scores=(), texts=(), drop=())
        self._ids = ObjectMapper(only_id, config)
        self._key: Key | None = None  # None: no SCHEMA has come yet
        self._prefix = _escaped(name, ":") + ":"

    def learn(self, message: Object) -> list[str]:
        """Take in a SCHEMA; what is to be told about it. `CollectError` where it lacks what nothing can be made without."""
        keys = message.get("key_properties") or []
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise CollectError(f"The SCHEMA of stream '{self.name}' has key_properties that are no list of names.")
        notes = self._learn_key(tuple(keys))
        if not keys and not self._named:
            notes.append(
                f"stream '{self.name}' has no key, and its map no source_id: records are told apart by what they say"
            )
        properties = cast(Object, message["schema"]).get("properties")
        if isinstance(properties, dict) and properties:
            for field, pick in self._layout.columns.items():
                names = [name for name in pick.columns if name != _KEY]
                if not names or any(name in properties or name.split(".")[0] in properties for name in names):
                    continue
                said = f"stream '{self.name}' has no '{names[0]}', which its map names for {field}"
                if field in ("text", "source_id"):
                    has = ", ".join(properties)[:200]
                    raise CollectError(f"The {said}. Has the tap changed? It has: {has}.")
                notes.append(said)
        return notes

    def _learn_key(self, key: Key) -> list[str]:
        before = self.keys[-1] if self.keys else key
        self._key, self.keys = key, (*[each for each in self.keys if each != key], key)
        if self._named or before == key:
            return []
        said = [f"({', '.join(each)})" for each in (key, before)]
        return [_OTHER_KEY.format(self.name, *said)]

    def items(self, where: str, record: Object) -> Iterator[Item]:
        """What a record says; of a deleted one, that it is void."""
        if not self._named:
            if self._key is None:
                raise CollectError(
                    f"{where}: a record of stream '{self.name}' came before its SCHEMA, so that its key is not known."
                )
            record = {**record, _KEY: _joined(self._key, record)}
        if record.get(_DELETED):
            yield from self._withdrawn(where, record)
            return
        former = self._former_ids(where, record)
        own = self._id(where, record) if former else None
        for item in self._mapper.items(iter([(where, record)])):
            yield self._placed(item, own or "", former)

    def _former_ids(self, where: str, record: Object) -> list[str]:
        """What a record was known by when the stream had other keys; nothing of those whose fields it no longer has."""
        keys = () if self._named else self.keys[:-1]
        found = (self._id(where, {**record, _KEY: _joined(key, record)}) for key in keys)
        return [each for each in found if each]

    def _id(self, where: str, record: Object) -> str | None:
        items = self._ids.items(iter([(where, record)]))
        return next((item.source_id for item in items if isinstance(item, Record)), None)

    def _placed(self, item: Item, own: str, former: Sequence[str]) -> Item:
        """Named by its id. `own` and `former` are those of the record, with which those of its further texts begin."""
        if not isinstance(item, Record):
            return item
        if item.source_id is None:
            if self._named or self._key:
                return Unreadable(
                    item.location, "its id is empty, so that it can't be told from other records", item.text
                )
            return item
        source_id = self._prefix + item.source_id
        suffix = item.source_id.removeprefix(own)
        places = [each.removeprefix(own) for each in item.former_places]
        return replace(
            item,
            source_id=source_id,
            former_ids=tuple(self._prefix + each + suffix for each in former),
            former_places=tuple(self._prefix + each + place for each in (own, *former) for place in places),
            parent_id=item.parent_id and self._prefix + item.parent_id,
            location=source_id,
        )

    def _withdrawn(self, where: str, record: Object) -> Iterator[Item]:
        main = self._id(where, record)
        if main is None:
            yield Unreadable(where, "it was deleted at its source, and has no id to be found by")
            return
        for source_id in dict.fromkeys([main, *self._former_ids(where, record)]):
            yield Withdrawn(self._prefix + source_id, self._prefix + main, for_good=False, with_texts=True)


def mapped_streams(visit: Visit, keys: Mapping[str, Sequence[Key]] = MappingProxyType({})) -> dict[str, Stream]:
    """The streams of a source's map, by name, for one run; `keys` are those that each has had until now."""
    return {name: Stream(name, layout, visit.config, keys.get(name, ())) for name, layout in _layouts(visit).items()}


def _joined(key: Key, record: Object) -> str:
    """The values of a key; "" where one is missing."""
    values = [_text(getter(name)(record)) for name in key]
    if not all(values):
        return ""
    return values[0] if len(values) == 1 else "/".join(_escaped(value, "/") for value in values)


def _layouts(visit: Visit) -> dict[str, Layout]:
    config = visit.config
    if not config.layout:
        raise visit.settings.fault(
            'say which streams are wanted, and what their fields mean: --map map.toml, layout = "map.toml"'
        )
    path = config.base / config.layout
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise CollectError(
            f"No map at {path}. It is a TOML file with a [streams.NAME.columns] for each stream."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise CollectError(f"Map {path} is not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError):
        raise CollectError(f"Map {path} can't be read as UTF-8 text.") from None
    table = SettingsTable(data, f"Map {path}", visit.settings.wording)
    table.refuse_unknown({"streams"})
    streams = table.table("streams", required=True)
    if not streams.data:
        raise table.fault("[streams] names none. Write [streams.NAME.columns] for each that is wanted")
    return {name: _layout(streams.table(name), name, config) for name in streams.data}


def _layout(table: SettingsTable, name: str, config: SourceConfig) -> Layout:
    if of_files := [key for key in _OF_FILES if key in table.data]:
        raise table.fault("'{key}' is for files; a stream has none", key=of_files[0])
    usual = {"name": name, "kind": config.kind or "review", "channel": config.channel or config.name}
    return layout_of(SettingsTable({**usual, **table.data}, table.where, table.wording))


def _escaped(text: str, cut: str) -> str:
    """A text that can stand beside others with `cut` between them."""
    return text.replace("%", "%25").replace(cut, quote(cut, safe=""))


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else cell_text(value)
