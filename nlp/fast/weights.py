"""Files of arrays that ship with the package, read with clear errors."""

import io
import zlib
from collections.abc import Sequence
from importlib import resources
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from nlp.errors import EngineError


def packed(file: str, what: str) -> bytes:
    """The contents of a file of weights; `what` names it where it is missing."""
    try:
        return (resources.files("nlp") / "models" / file).read_bytes()
    except FileNotFoundError:
        raise EngineError(f"{what} are missing. Reinstall yuansheng.") from None


def unpacked(contents: bytes, names: Sequence[str], what: str) -> list[npt.NDArray[Any]]:
    """The arrays of these names; `what` names them where the contents are damaged."""
    try:
        with np.load(io.BytesIO(contents)) as arrays:
            return [arrays[name] for name in names]
    except (ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise EngineError(f"{what} are damaged. Reinstall yuansheng.") from error
