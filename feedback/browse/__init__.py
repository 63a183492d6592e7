"""The project database in the browser: Datasette on this machine alone, with everything named and explained in Chinese."""

import asyncio
import os
import socket
import sqlite3
import webbrowser
from collections.abc import Callable
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from feedback.errors import FeedbackError
from storage.errors import DatabaseUnusable
from storage.views import view_names

if TYPE_CHECKING:
    from datasette.app import Datasette

_HOST = "127.0.0.1"
_SETTINGS = {
    "default_page_size": 50,
    "max_returned_rows": 2000,
    "sql_time_limit_ms": 15_000,
    "facet_time_limit_ms": 3_000,
    "suggest_facets": False,
    "default_cache_ttl": 0,  # the database is written to while it is browsed
}


def browse(
    database: Path, project: str, port: int, open_browser: bool, announce: Callable[[str], None] = print
) -> None:
    """Serve the database on this machine until Ctrl+C; `announce` is told the address. Port 0 takes any free one.

    `storage.store.Store.open` must have opened the database before, which gives it its views. Raises `DatabaseUnusable`
    or, for a port that can't be had, `FeedbackError`.
    """
    datasette = open_project(database, project)
    with closing(datasette.get_database()), closing(_listen(port)) as listener:
        address = f"http://{_HOST}:{listener.getsockname()[1]}/"
        announce(address)
        if open_browser:
            webbrowser.open(address)  # the socket listens already: the browser waits until the server answers
        try:
            asyncio.run(_serve(datasette, listener))
        except KeyboardInterrupt:
            return


def open_project(database: Path, project: str) -> "Datasette":
    """The Datasette application over a project's database, read-only, titled `project`."""
    from datasette.app import Datasette
    from datasette.plugins import pm

    from feedback.browse import plugin
    from feedback.browse.metadata import DATABASE, build_metadata

    columns = _columns(database)
    if not pm.is_registered(plugin):
        pm.register(plugin, "yuansheng")
        pm.unregister(name="datasette.handle_exception")  # see plugin.handle_exception
    datasette = Datasette(
        metadata=build_metadata(project, columns),
        settings=_SETTINGS,
        template_dir=str(resources.files("feedback.browse") / "templates"),
    )
    datasette.remove_database("_memory")  # which it adds when it is given no files
    datasette.add_database(plugin.ProjectDatabase(datasette, str(database)), name=DATABASE)
    return datasette


def _columns(database: Path) -> dict[str, list[str]]:
    """The columns of every table and view; `DatabaseUnusable` when this is not a project's database."""
    if not database.is_file():
        raise DatabaseUnusable(f"There is no database at {database} yet. Run: feedback collect")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                """select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c
                   where m.type in ('table', 'view') order by m.name, c.cid"""
            ).fetchall()
    except sqlite3.DatabaseError as error:
        raise DatabaseUnusable(f"{database} can't be opened: {error}.") from error
    columns: dict[str, list[str]] = {}
    for name, column in rows:
        columns.setdefault(name, []).append(column)
    if missing := [name for name in ("verbatims", *view_names()) if name not in columns]:
        raise DatabaseUnusable(
            f"{database} has no '{missing[0]}': it is not a project's database, or one of another version. "
            "Try: feedback status"
        )
    return columns


def _listen(port: int) -> socket.socket:
    reason = "it is not a number from 0 to 65535"
    if 0 <= port <= 65535:
        try:
            return socket.create_server((_HOST, port))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
    raise FeedbackError(
        f"Port {port} can't be used: {reason}. Choose another, or 0 for any that is free: feedback browse --port 0"
    )


async def _serve(datasette: "Datasette", listener: socket.socket) -> None:
    import uvicorn

    await datasette.invoke_startup()
    config = uvicorn.Config(datasette.app(), log_level="warning", access_log=False, lifespan="on")
    await uvicorn.Server(config).serve(sockets=[listener])
