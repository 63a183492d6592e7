"""`transformers` without its advice to install PyTorch, which tokenizers do not need and which would stand in every command's output."""

import logging
from typing import Any


def transformers() -> Any:
    """The module, imported at the first call."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        import transformers as module
    finally:
        logging.disable(before)
    return module
