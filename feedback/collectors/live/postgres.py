"""What PostgreSQL wants of its own: how its driver connects, and how long a query may take there."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

ANSWER_SECONDS = 1800  # that a query may take to its first row, and then to each next lot of rows
# A line that went dead under a query is noticed in two minutes; by itself it would be in two hours, or never.
_KEEPALIVE = {"keepalives_idle": 60, "keepalives_interval": 10, "keepalives_count": 6}


def connecting() -> dict[str, object]:
    """The options that its driver is given."""
    # A database in SQL_ASCII knows no characters, so that its driver would give bytes, of the server's version too.
    return {"client_encoding": "utf8", **_KEEPALIVE}


def limit_queries(connection: "Connection") -> None:
    """The server stops a query that takes too long, as its driver waits for ever; what the address, the user or the server says itself stays.

    Not said as it connects: PgBouncer takes no such options.
    """
    connection.exec_driver_sql(
        f"select set_config('statement_timeout', '{ANSWER_SECONDS * 1000:.0f}', true) where current_setting('statement_timeout') = '0'"
    ).close()
