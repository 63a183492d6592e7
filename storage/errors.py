"""What can go wrong between the product and its database.

StorageError
├── DatabaseLocked      another process holds the write lock
├── DatabaseTooNew      written by a newer version of yuansheng
├── DatabaseUnusable    not a database, damaged, read-only, disk full
└── QueryError          a search that can't be understood
"""


class StorageError(Exception):
    """Base of everything `storage` raises on purpose; its message says what to do."""


class DatabaseLocked(StorageError):
    pass


class DatabaseTooNew(StorageError):
    pass


class DatabaseUnusable(StorageError):
    pass


class QueryError(StorageError):
    pass
