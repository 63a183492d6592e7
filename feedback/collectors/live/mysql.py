"""What MySQL and MariaDB want of their own: how PyMySQL connects to them, and how it takes an answer row by row."""

from typing import TYPE_CHECKING, Any

from feedback.collectors.live.database_dates import mysql_dates

if TYPE_CHECKING:
    from sqlalchemy import URL

# PyMySQL itself waits for ever: for a greeting, from a port behind which nobody is any more, and for rows.
GREETING_SECONDS = 30  # a server that looks up who comes takes ten
ANSWER_SECONDS = 1800  # that a query may take to its first row, and a server between two
_TIMEOUTS = ("read_timeout", "write_timeout")  # which an address may say, too


def connecting(url: "URL") -> "tuple[URL, dict[str, object]]":
    """The address and the options that PyMySQL is given.

    Text comes in utf8mb4 whatever the address says: the server turns what another encoding lacks into question marks, without a word.
    """
    settings: dict[str, object] = {"charset": "utf8mb4", "conv": mysql_dates()}
    settings |= {name: GREETING_SECONDS for name in _TIMEOUTS if name not in url.query}
    if url.password is not None:
        settings["password"] = url.password.encode()  # PyMySQL itself knows no other characters than latin1's
    return url.difference_update_query(("charset", "collation")), settings


def await_answers(connection: Any) -> None:
    """Whoever has been greeted waits for what he asks, unless the address says how long."""
    if connection._read_timeout == GREETING_SECONDS:
        connection._read_timeout = ANSWER_SECONDS


def streaming_cursor() -> type:
    """PyMySQL's cursor that takes row by row, but for its end: that one reads whatever is left of a table, hours of it perhaps,
    or, of a connection that broke off, fails in a way that nobody can catch."""
    from pymysql.cursors import SSCursor

    class Streaming(SSCursor):  # type: ignore[misc]
        def close(self) -> None:
            if self._result is not None:
                self._result.unbuffered_active = False
            self.connection = None

        __del__ = close

    return Streaming
