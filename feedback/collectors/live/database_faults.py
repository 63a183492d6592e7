"""What goes wrong with a database, in words.

Drivers quote in their messages whatever they come upon: addresses, users, values of rows. Of those messages only names of tables and columns
are passed on, and what a query was not understood at: the query has said them itself.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from feedback.errors import CollectError

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

_BROKEN_OFF = "The database broke the connection off. What came before is stored: run this again."
UNKNOWN_OPTION = "What stands behind the ? of 'url' is not known to the database's driver."
UNUSABLE_OPTION = "What stands behind the ? of 'url' can't be used. Is each value right, and is each file there?"
LOGIN_PACKAGE = "This user logs in in a way that the driver needs a package for. Install it with: pip install 'PyMySQL[rsa,ed25519]'"

# What a driver's code, class and message hold, and what is said then. {} is what the pattern found: a name of the query.
_FAULTS = tuple(
    (re.compile(pattern, re.DOTALL), said)
    for pattern, said in (
        (
            r"^(?:28P01|28000|1045) |password authentication failed|no password supplied",
            "The database does not let this user in. Are the name and the password in 'url' right? "
            "Characters like @ : / in a password are written as %40 %3A %2F there.",
        ),
        (r"^(?:3D000|1049) |database \"[^\"]*\" does not exist", "There is no database of the name that 'url' says."),
        (
            r"^1044 |permission denied for database",
            "There is no database of the name that 'url' says, or this user may not read it.",
        ),
        (r"^1046 ", "'url' names no database. Write it like mysql://user:password@host/name"),
        (r"^1130 ", "The database takes no connections from this machine."),
        (
            r"^(?:1040|1203|1226|53300) |too many (?:connections|clients)",
            "The database has no room for one more connection. Run this again later.",
        ),
        (
            r"^57014 (?!.*(?:user request|用户请求))",  # a server says why in its own language
            "The database stopped 'query', which takes longer than it may. Ask for less, or say how long it may take "
            "behind the address: ?options=-c%20statement_timeout=2h",
        ),
        (
            r"^(?:1317|1969|3024) ",
            "The database stopped 'query', which takes longer than it allows. Ask for less, or have the limit raised.",
        ),
        (
            r"resolve host|translate host|Name or service not known|getaddrinfo|name resolution",
            "The host in 'url' can't be found. Is its name right, and is this machine online?",
        ),
        (
            r"^(?:2002|2003) |[Cc]onnection refused",
            "The database takes no connection. Does it run, and are the host and the port in 'url' right?",
        ),
        (
            r"^2013 .*timed out",
            "The database does not answer. Run this again later. If it takes that long for 'query', say for how many "
            "seconds it may behind the address: ?read_timeout=7200",
        ),
        (r"timeout expired|timed out|ConnectionTimeout", "The database does not answer. Run this again later."),
        (
            r"^(?:57P0\d|2006|2013) |closed the connection|terminating connection|connection (?:is|was) (?:lost|closed)|consuming input failed",
            _BROKEN_OFF,
        ),
        (
            r"is locked|[Cc]onflicting lock|set lock on",
            "The database is locked by another program. Run this again when that is done.",
        ),
        (
            r"no such table: ([^\s\"]+)|relation \"([^\"]+)\" does not exist|Table '([^']+)' doesn't exist|Table with name (\S+) does not exist|Referenced table \"([^\"]+)\" not found",
            "There is no table '{}'. Is 'query' right?",
        ),
        (
            r"no such column: ([^\s\"]+)|column \"?([^\s\"]+)\"? does not exist|Unknown column '([^']+)'|[Rr]eferenced column \"([^\"]+)\" not found|does not have a column named \"([^\"]+)\"",
            "There is no column '{}'. Is 'query' right?",
        ),
        (
            r"FUNCTION (?:[^ .]+\.)?([^ .]+) does not exist|function (\w+)\([^)]*\) does not exist|no such function: (\w+)|Function with name \"?(\w+)",
            "There is no function '{}'. Is 'query' right?",
        ),
        (
            r"Column '([^']+)' in .* is ambiguous|column reference \"([^\"]+)\" is ambiguous|ambiguous column name: (\S+)|[Aa]mbiguous reference to column name \"([^\"]+)\"",
            "Column '{}' is in more than one table of 'query'. Say of which it is wanted, like table.{}",
        ),
        (r"Duplicate column name '([^']+)'", "'query' gives two columns named '{}'. Name them apart: … as …."),
        (r"near \"([^\"]{1,40})\"", "The database does not understand 'query' near '{}'."),
        (r"^(?:1064|42601) |incomplete input|Parser Error", "The database does not understand 'query'."),
        (
            r"^22021 ",
            "A text of 'query' holds bytes of another encoding than UTF-8, as a database in SQL_ASCII may, and PostgreSQL gives no row then. "
            "Write convert_to(body, 'SQL_ASCII') as body in 'query' for each column of texts: only such rows are left out then, and listed.",
        ),
        (r"^(?:42501|1142|1143) ", "This user may not read what 'query' asks for."),
        (
            r"^(?:25006|1792) |readonly database|read-only (?:mode|transaction)",
            "'query' would change the database. It may only read.",
        ),
        (
            r"not a database|not a valid DuckDB|malformed|version number",
            "What 'url' names is no database of that kind, or a damaged, encrypted or newer one.",
        ),
        (r"invalid connection option|invalid URI|unrecognized configuration", UNKNOWN_OPTION),
        (r"unable to open|Cannot open", "The file that 'url' names can't be opened."),
    )
)


@contextmanager
def in_words() -> Iterator[None]:
    """What a database or its driver has to complain of comes out as a `CollectError`."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except DBAPIError as error:
        raise CollectError(_sentence(error)) from None
    except SQLAlchemyError as error:
        raise CollectError(f"The database can't be asked ({type(error).__name__}).") from None


def _sentence(error: "DBAPIError") -> str:
    own = error.orig
    numbered = own.args[0] if own is not None and own.args and isinstance(own.args[0], int) else None
    code = numbered or getattr(own, "sqlstate", None) or ""
    told = f"{code} {type(own).__name__}: {own}"
    for pattern, said in _FAULTS:
        if match := pattern.search(told):
            return said.replace("{}", next((group for group in match.groups() if group), ""))
    if error.connection_invalidated:  # drivers have many words for it: SSL's, the system's, their own
        return _BROKEN_OFF
    return f"The database does not answer 'query' ({code or type(own).__name__})."
