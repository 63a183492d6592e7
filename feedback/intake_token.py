"""The token of `[intake]`, which whoever sends to `feedback serve-intake` has to know."""

from feedback.collectors.live.vault import Vault
from feedback.errors import ProjectError
from feedback.project import SETTINGS_FILE, Project
from nlp.settings_table import SettingsTable, Wording

_SHORTEST = 20  # characters: what is shorter can be guessed


def intake_token(project: Project) -> str:
    """Raises a `FeedbackError` where none is named, where there is none, and where it is too short."""
    given = {"token": dict(project.intake.token)} if project.intake.token else {}
    where = SettingsTable(given, f"{project.folder / SETTINGS_FILE}, [intake]", Wording(ProjectError))
    token = Vault(project.folder).read(where, "token")
    if len(token) < _SHORTEST:
        raise ProjectError(
            f"{where.where}: the token has {len(token)} characters; {_SHORTEST} are the least. "
            'Make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return token
