"""The Datasette plugin: Chinese search, Chinese names for keys, links between pages, and the door that stays shut to the net.

It is registered by `feedback.browse.open_project`, not by an entry point: somebody's other databases keep Datasette's own search.
"""

import codecs
import sqlite3
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote, urlencode

from datasette.database import Database
from datasette.utils.asgi import BadRequest, Base400, Response
from datasette.views.base import DatasetteError
from jinja2 import Environment
from markupsafe import Markup
from pluggy import HookimplMarker

from feedback.browse.metadata import DATABASE, arrange, column_heading, load_tables, name_of
from feedback.browse.queries import load_queries, sections
from nlp.normalize import fold
from storage.errors import QueryError
from storage.search import match_query

hookimpl = HookimplMarker("datasette")

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[_Message, _Receive, _Send], Awaitable[None]]

# An FTS5 expression that finds nothing; an empty one would be an error.
_NOTHING = '""'
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
# Datasette's pages hold inline styles and scripts; nothing may come from, or go to, anywhere else.
_CONTENT_POLICY = "default-src 'self' 'unsafe-inline' data:; form-action 'self'; frame-ancestors 'none'"
_VERBATIM_COLUMNS = {"verbatim_id", "first_verbatim_id", "duplicate_of", "原声编号"}
_FINDING_COLUMNS = {"finding_id", "结论编号"}
_ASPECT_COLUMNS = {"aspect", "aspects", "方面"}


class ProjectDatabase(Database):  # type: ignore[misc]
    """The project's database, opened for reading alone, wherever it lies.

    Datasette's own `connect` puts the path into a URI as it stands, so that `#`, `?` or `%` in a folder's name break it.
    """

    def connect(self, write: bool = False) -> sqlite3.Connection:
        if write:
            raise sqlite3.OperationalError("This database is open for reading only.")
        connection = sqlite3.connect(f"file:{quote(str(self.path))}?mode=ro", uri=True, check_same_thread=False)
        self._all_file_connections.append(connection)
        return connection


# trylast, because Datasette's own plugin registers its escape_fts in the same hook, and the last one called wins.
@hookimpl(trylast=True)
def prepare_connection(conn: sqlite3.Connection) -> None:
    conn.create_function("escape_fts", 1, _match_expression, deterministic=True)
    conn.create_function("zh", 2, name_of, deterministic=True)


def _match_expression(query: object) -> str:
    """Finds nothing for what can't be searched for; the page asks `search_problem` and says so. An exception in here would
    reach people as "user-defined function raised exception"."""
    try:
        return match_query(fold(str(query)))
    except QueryError:
        return _NOTHING


def search_problem(words: str) -> str | None:
    """Why these words can't be searched for; None when they can, or when there are none yet."""
    try:
        match_query(fold(words))
    except QueryError as error:
        return f"这样搜不了，请换几个词。（{error}）" if words.strip() else None
    return None


@hookimpl
def filters_from_request(request: Any) -> None:
    """Refuse a table's `?_search=` that can't be understood, with its reason."""
    if request.args.get("_searchmode") == "raw":
        return
    for key in request.args:
        if key.startswith("_search") and (problem := search_problem(request.args[key])):
            raise BadRequest(problem)


@hookimpl
def render_cell(value: object, column: str) -> Markup | str | None:
    """Links and Chinese names in place of ids and keys; None leaves the cell to Datasette."""
    if isinstance(value, int) and column in _VERBATIM_COLUMNS:
        return Markup('<a href="/{}/verbatims/{}">{}</a>').format(DATABASE, value, value)
    if isinstance(value, int) and column in _FINDING_COLUMNS:
        return _link("finding-evidence", {"finding": str(value)}, str(value))
    if isinstance(value, str) and column in _ASPECT_COLUMNS:
        return Markup("；").join(_link("aspect-voices", {"aspect": name}, name) for name in value.split("；"))
    if isinstance(value, str) and column in {"conversation_id", "会话"}:
        return _link("conversations", {"conversation_id": value}, value)
    if isinstance(value, str | int) and (name := name_of(column, value)) != str(value):
        return name
    return None


def _link(page: str, arguments: dict[str, str], label: str) -> Markup:
    return Markup('<a href="/{}/{}?{}">{}</a>').format(DATABASE, page, urlencode(arguments), label)


@hookimpl
def prepare_jinja2_environment(env: Environment, datasette: Any) -> None:
    """What the templates of this package ask."""

    async def choices(query_name: str, input_name: str) -> list[str]:
        sql = _queries()[query_name].choices.get(input_name)
        if sql is None:
            return []
        return [str(row[0]) for row in (await datasette.execute(DATABASE, sql)).rows]

    env.globals.update(
        database_name=DATABASE,
        query_sections=sections,
        described_tables=load_tables,
        query_named=lambda name: _queries().get(name),
        heading=column_heading,
        arrange=arrange,
        name_of=name_of,
        choices=choices,
        search_problem=search_problem,
    )


def _queries() -> dict[str, Any]:
    return {query.name: query for query in load_queries()}


@hookimpl
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Callable[[], Awaitable[Any]]:
    """The page for what went wrong. It takes the place of Datasette's own handler, which prints a traceback with all local
    variables, customers' words among them, for every page that does not exist; here only a bug gets its traceback."""
    status, message = 500, str(exception)
    if isinstance(exception, DatasetteError):
        status = exception.status
        message = Markup(exception.message) if exception.message_is_html else exception.message
    elif isinstance(exception, Base400):
        status = exception.status
    else:
        traceback.print_exception(exception)

    async def respond() -> Any:
        if request.path.endswith(".json"):
            return Response.json({"ok": False, "error": message, "status": status}, status=status)
        template = datasette.jinja_env.get_template("error.html")
        context = {"error": message, "status": status, "urls": datasette.urls, "app_css_hash": datasette.app_css_hash()}
        page = await template.render_async(**context, menu_links=list)
        return Response.html(page, status=status)

    return respond


@hookimpl
def asgi_wrapper() -> Callable[[_App], _App]:
    """Answer only to this machine's own names, and let pages load nothing from elsewhere.

    A web site can point a name of its own at 127.0.0.1 and read what answers there; it can't choose the Host header.
    """

    def wrap(app: _App) -> _App:
        async def guarded(scope: _Message, receive: _Receive, send: _Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
            elif _is_local(dict(scope["headers"]).get(b"host", b"").decode("latin-1")):
                await app(scope, receive, _finishing(send))
            else:
                refusal = Response.text("Open this page as http://127.0.0.1 or http://localhost.", status=400)
                await refusal.asgi_send(send)

        return guarded

    return wrap


def _is_local(host: str) -> bool:
    name, colon, port = host.rpartition(":")
    return host in _LOCAL_HOSTS or (bool(colon) and name in _LOCAL_HOSTS and port.isdecimal())


def _finishing(send: _Send) -> _Send:
    """Add the policy to every answer, and to a CSV download the mark without which Excel takes it for GBK."""
    mark = b""

    async def send_finished(message: _Message) -> None:
        nonlocal mark
        if message["type"] == "http.response.start":
            content_type = next((value for name, value in message["headers"] if name.lower() == b"content-type"), b"")
            mark = codecs.BOM_UTF8 if content_type.startswith(b"text/csv") else b""
            message["headers"] = [*message["headers"], [b"content-security-policy", _CONTENT_POLICY.encode()]]
        elif message["type"] == "http.response.body" and message.get("body"):
            message["body"] = mark + message["body"]
            mark = b""
        await send(message)

    return send_finished
