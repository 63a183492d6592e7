"""Every collector there is: the built-in table, and the entry points other packages declare.

To add a built-in one, write its module and add its row. Outside this package:

    [project.entry-points."feedback.collectors"]
    my-source = "my_package.my_module:MyCollector"
"""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from feedback.collectors.base import Collector
from feedback.collectors.live import LiveCollector
from feedback.errors import CollectError
from nlp.settings_table import quoted

ENTRY_POINT_GROUP = "feedback.collectors"
TABLES = "table"  # the collector of files that people open and save anew

# Imported when asked for, so that `feedback --help` loads none of them.
_BUILT_IN = {
    "app-store": "feedback.collectors.app_store:AppStoreCollector",
    "app-store-connect": "feedback.collectors.app_store_connect:AppStoreConnectCollector",
    "chat": "feedback.collectors.chat:ChatCollector",
    "chatwoot": "feedback.collectors.chatwoot:ChatwootCollector",
    "formbricks": "feedback.collectors.formbricks:FormbricksCollector",
    "google-play": "feedback.collectors.google_play:GooglePlayCollector",
    "imap": "feedback.collectors.imap:ImapCollector",
    "intercom": "feedback.collectors.intercom:IntercomCollector",
    "rest": "feedback.collectors.rest:RestCollector",
    "rss": "feedback.collectors.rss:RssCollector",
    "singer": "feedback.collectors.singer:SingerCollector",
    "sql": "feedback.collectors.sql:SqlCollector",
    TABLES: "feedback.collectors.table:TableCollector",
    "wechat-kf": "feedback.collectors.wechat_kf:WechatKfCollector",
    "zendesk": "feedback.collectors.zendesk:ZendeskCollector",
}


def collector_names() -> list[str]:
    return sorted(_BUILT_IN.keys() | _third_party().keys())


def load_collector(name: str) -> Collector | LiveCollector:
    """A new collector of that name, of files or of a live source. A built-in one can't be replaced. `CollectError` lists the known ones."""
    if name in _BUILT_IN:
        module, _, cls = _BUILT_IN[name].partition(":")
        return cast(Collector | LiveCollector, getattr(import_module(module), cls)())
    entry = _third_party().get(name)
    if entry is None:
        raise CollectError(f"No collector named {quoted(name)}. Known: {', '.join(collector_names())}.")
    try:
        return cast(Collector | LiveCollector, entry.load()())
    except (ImportError, AttributeError) as error:
        raise CollectError(f"Collector '{name}' ({entry.value}) can't be loaded: {error}") from error


def load_file_collector(name: str) -> Collector:
    """As `load_collector`, of those that read files; `CollectError` for others."""
    collector = load_collector(name)
    if isinstance(collector, LiveCollector):
        raise CollectError(f"Collector '{name}' reads no files.")
    return collector


def _third_party() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}
