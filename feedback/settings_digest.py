"""What besides its contents decides what comes of a source."""

import hashlib
from collections.abc import Mapping

from feedback.collectors.base import NOBODY, SourceConfig
from feedback.intake import INTAKE_VERSION
from feedback.project import Project


def settings_digest(project: Project, config: SourceConfig) -> str:
    """Equal while reading the source again would make the same of it: its settings, the layout's contents, the intake.

    Keyed: among the settings may be names of people (`roles`), few enough to be guessed. Where a secret is kept decides nothing.
    """
    digest = hashlib.blake2b(digest_size=16, key=project.secret())
    layout = config.base / config.layout if config.layout else None
    if layout is not None and layout.is_file():
        digest.update(layout.read_bytes())
    settings = (config.collector, config.channel, config.kind, config.layout, config.store, config.product)
    roles = sorted([*config.roles.items(), *((name, NOBODY) for name in config.nobody)])
    said = (INTAKE_VERSION, project.timezone, settings, roles)
    digest.update(repr((*said, options) if (options := _without_secrets(config.options)) else said).encode())
    return digest.hexdigest()


def _without_secrets(options: Mapping[str, object]) -> list[tuple[str, object]]:
    return [
        (key, _without_secrets(value) if isinstance(value, dict) else value)
        for key, value in sorted(options.items())
        if not (isinstance(value, dict) and set(value) in ({"env"}, {"file"}))
    ]
