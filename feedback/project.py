"""A project folder: `feedback.toml`, read once into checked settings.

[project]   name, timezone
[analysis]  taxonomy, engine, words
[sentiment] model, labels
[digest]    period, lang, channels, send_to
[schedule]  every, weekday, at
[intake]    token, name, channel, kind, origins, proxies, per_minute, per_client_per_minute, connections
[[sources]] name, collector, paths, channel, kind, layout, store, product, roles; what else the collector knows
"""

import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feedback.collectors.base import NOBODY, SourceConfig
from feedback.errors import ProjectError
from nlp.engine import DEFAULT_ENGINE
from nlp.marks import SENTIMENTS, Sentiment
from nlp.sentiment_model import SentimentModel
from nlp.settings_table import SettingsTable, Wording, quoted
from storage.records import Kind, Role

SETTINGS_FILE = "feedback.toml"
DATABASE_FILE = "feedback.db"
# Of a source, whatever collects it. Beyond these each collector that asks an interface has settings of its own and checks them.
COMMON_SETTINGS = ("name", "collector", "paths", "channel", "kind", "layout", "store", "product", "roles")
FILE_COLLECTORS = ("table", "chat")
SECRET_FILE = ".feedback-key"
_WORDING = Wording(
    ProjectError,
    texts='\'{key}\' must be a list of texts, like ["a", "b"]',
    choice="{key} = {value} is not known. Known: {known}",
    unknown="{key} is not known. Known: {known}",
)


@dataclass(frozen=True, slots=True)
class DigestSettings:
    period: str = "week"
    lang: Literal["zh", "en"] = "zh"
    channels: tuple[str, ...] = ()
    send_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    every: str = "week"
    weekday: str = "mon"
    at: str = "08:30"


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """What `feedback serve-intake` takes in, and from whom. `token` says where the secret is, and is not it.

    `name` is the source that the events are of; `origins` may send from a page; what `proxies` say of the client's address is believed.
    """

    token: Mapping[str, object] = field(default_factory=dict)
    name: str = "intake"
    channel: str = "intake"
    kind: Kind = "review"
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    per_minute: int = 600
    per_client_per_minute: int = 120
    connections: int = 100


@dataclass(frozen=True, slots=True)
class Project:
    """Settings of a project; paths in it are absolute."""

    folder: Path
    name: str
    timezone: str = "Asia/Shanghai"
    taxonomy: str = "retail"
    engine: str = DEFAULT_ENGINE
    words: tuple[str, ...] = ()
    sentiment: SentimentModel | None = None
    digest: DigestSettings = field(default_factory=DigestSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    intake: IntakeSettings = field(default_factory=IntakeSettings)
    sources: tuple[SourceConfig, ...] = ()

    @property
    def database(self) -> Path:
        return self.folder / DATABASE_FILE

    def source(self, name: str) -> SourceConfig:
        for source in self.sources:
            if source.name == name:
                return source
        known = ", ".join(s.name for s in self.sources) or "none"
        raise ProjectError(f"No source named '{name}' in {self.folder / SETTINGS_FILE}. Known: {known}.")

    def secret(self) -> bytes:
        """The key of the customers' pseudonyms, made at first use. Whoever deletes it cuts all ties to persons."""
        path = self.folder / SECRET_FILE
        try:
            if not path.exists():
                _write_secret(path)
            text = path.read_bytes().strip()
        except OSError as error:
            raise ProjectError(f"{path} can't be read or written: {error.strerror}.") from error
        if not re.fullmatch(rb"[0-9a-f]{64}", text):
            raise ProjectError(
                f"{path} is damaged. Restore a copy of it; if there is none, delete it: customers get new pseudonyms then."
            )
        return bytes.fromhex(text.decode())


def is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _write_secret(path: Path) -> None:
    """All of it or nothing: a key cut short by a crash would be no key. Whoever comes first wins."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=SECRET_FILE)  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
        try:
            os.link(name, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links (FAT)
            Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def load_project(folder: Path) -> Project:
    """Read `feedback.toml` of a folder; `ProjectError` names what is wrong in it, and where."""
    path = folder / SETTINGS_FILE
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ProjectError(
            f"No {SETTINGS_FILE} in {folder.resolve()}. Make a project with: feedback init NAME, "
            "then go into its folder (cd NAME) or say --project NAME."
        ) from None
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8. Save it as UTF-8 in your editor.") from None
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(
            f"{path} is not as TOML wants it: {error}. Is a quotation mark or a bracket missing there?"
        ) from error
    except OSError as error:
        raise ProjectError(f"{path} can't be read: {error}") from error
    return _project(SettingsTable(data, str(path), _WORDING), folder.resolve())


def _project(settings: SettingsTable, folder: Path) -> Project:
    settings.refuse_unknown({"project", "analysis", "sentiment", "digest", "schedule", "intake", "sources"})
    head, analysis = settings.table("project"), settings.table("analysis")
    head.refuse_unknown({"name", "timezone"})
    analysis.refuse_unknown({"taxonomy", "engine", "words"})
    digest, schedule = settings.table("digest"), settings.table("schedule")
    digest.refuse_unknown({"period", "lang", "channels", "send_to"})
    schedule.refuse_unknown({"every", "weekday", "at"})
    sources = tuple(_source(table, folder) for table in settings.tables("sources"))
    names = [source.name for source in sources]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ProjectError(f"{settings.where}: two [[sources]] are named '{twice}'.")
    taxonomy = analysis.string("taxonomy", "retail")
    return Project(
        folder=folder,
        name=head.string("name", folder.name),
        timezone=_timezone(head, "Asia/Shanghai"),
        taxonomy=str(folder / taxonomy) if taxonomy.endswith(".toml") else taxonomy,
        engine=analysis.string("engine", DEFAULT_ENGINE),
        words=analysis.strings("words"),
        sentiment=_sentiment(settings, folder),
        digest=DigestSettings(
            period=digest.string("period", "week"),
            lang="en" if digest.one_of("lang", ("zh", "en"), "zh") == "en" else "zh",
            channels=digest.strings("channels"),
            send_to=digest.strings("send_to"),
        ),
        schedule=ScheduleSettings(
            every=schedule.one_of("every", ("day", "week"), "week"),
            weekday=schedule.one_of("weekday", ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), "mon"),
            at=schedule.string("at", "08:30"),
        ),
        intake=_intake(settings.table("intake"), names),
        sources=sources,
    )


def _sentiment(settings: SettingsTable, folder: Path) -> SentimentModel | None:
    if "sentiment" not in settings.data:
        return None
    table = settings.table("sentiment")
    table.refuse_unknown({"model", "labels"})
    model, labels = table.string("model"), table.table("labels")
    pairs = tuple((label, cast(Sentiment, labels.one_of(label, SENTIMENTS))) for label in labels.data)
    return SentimentModel(str(folder / model) if (folder / model).is_dir() else model, pairs)


def _intake(table: SettingsTable, sources: Sequence[str]) -> IntakeSettings:
    usual = IntakeSettings()
    counts = ("per_minute", "per_client_per_minute", "connections")
    table.refuse_unknown({"token", "name", "channel", "kind", "origins", "proxies", *counts})
    token = table.data.get("token", {})
    if not isinstance(token, dict):
        raise table.fault(
            "'token' is a secret, which does not belong in this file. Say where it is: "
            'token = {{ env = "NAME_OF_A_VARIABLE" }} or token = {{ file = "~/a-file-outside-the-project" }}'
        )
    name = table.string("name") if "name" in table.data else usual.name
    if name in sources:
        raise table.fault("'{name}' is the name of one of the [[sources]]: events need one of their own", name=name)
    for origin in (origins := table.strings("origins")):
        if not re.fullmatch(r"https?://[^/\s*]+", origin):
            raise table.fault("{origin} is no origin. Write it like https://shop.example.com", origin=quoted(origin))
    per_minute, per_client, connections = (_count(table, key, getattr(usual, key)) for key in counts)
    return IntakeSettings(
        token=token,
        name=name,
        channel=table.string("channel") if "channel" in table.data else name,
        kind=cast(Kind, table.one_of("kind", get_args(Kind), usual.kind)),
        origins=origins,
        proxies=table.strings("proxies"),
        per_minute=per_minute,
        per_client_per_minute=per_client,
        connections=connections,
    )


def _count(table: SettingsTable, key: str, default: int) -> int:
    value = table.number(key, default)
    if not 1 <= value <= 100_000 or value != int(value):
        raise table.fault("'{key}' must be a whole number from 1 to 100000, not {value}", key=key, value=quoted(value))
    return int(value)


def _source(table: SettingsTable, folder: Path) -> SourceConfig:
    collector = table.string("collector", "table")
    if collector in FILE_COLLECTORS:
        table.refuse_unknown(set(COMMON_SETTINGS))
    name = table.string("name")
    kind = table.one_of("kind", get_args(Kind), "") or None
    roles = table.table("roles")
    known = (*get_args(Role), NOBODY) if collector == "chat" else get_args(Role)
    role_of = {speaker: roles.one_of(speaker, known, "") for speaker in roles.data}
    return SourceConfig(
        name=name,
        collector=collector,
        paths=table.strings("paths"),
        base=folder,
        channel=table.string("channel", "") or None,
        kind=cast("Kind | None", kind),
        layout=table.string("layout", "") or None,
        store=table.string("store", "") or None,
        product=table.string("product", "") or None,
        roles=cast("Mapping[str, Role]", {speaker: role for speaker, role in role_of.items() if role != NOBODY}),
        nobody=tuple(speaker for speaker, role in role_of.items() if role == NOBODY),
        options={key: value for key, value in table.data.items() if key not in COMMON_SETTINGS},
    )


def _timezone(table: SettingsTable, default: str) -> str:
    value = table.string("timezone", default)
    if not is_timezone(value):
        raise table.fault("no time zone named {value}. Write it like Asia/Shanghai", value=quoted(value))
    return value
