"""Taking apart JSON values whose fields may be missing or of another type."""


def as_map(value: object) -> dict[str, object]:
    """The value when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The value when it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_id(value: object) -> str:
    """Text or whole number as text; "" for anything else."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def as_words(value: object) -> str | None:
    """Text as it is; None for anything else."""
    return value if isinstance(value, str) else None
