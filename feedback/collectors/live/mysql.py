"""What MySQL and MariaDB want of their own: how PyMySQL connects to them, and how it takes an answer row by row."""

from typing import TYPE_CHECKING

from feedback.collectors.live.database_dates import mysql_dates

if TYPE_CHECKING:
    from sqlalchemy import URL


def connecting(url: "URL") -> "tuple[URL, dict[str, object]]":
    """The address and the options that PyMySQL is given.

    Text comes in utf8mb4 whatever the address says: the server turns what another encoding lacks into question marks, without a word.
    """
    settings: dict[str, object] = {"charset": "utf8mb4", "conv": mysql_dates()}
    if url.password is not None:
        settings["password"] = url.password.encode()  # PyMySQL itself knows no other characters than latin1's
    return url.difference_update_query(("charset", "collation")), settings


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
