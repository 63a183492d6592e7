"""feedback serve-intake"""

import asyncio
import ipaddress
import os
import socket
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from feedback.cli.common import pass_folder
from feedback.errors import ProjectError
from feedback.intake_token import intake_token
from feedback.project import load_project


@click.command("serve-intake")
@click.option(
    "--port", default=8766, show_default=True, type=click.IntRange(0, 65535), help="Port; 0: any that is free."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen at; the usual one is this machine alone."
)
@pass_folder
def serve_intake(folder: Path, port: int, host: str) -> None:
    """Take in feedback that webhooks and forms on a page send, until Ctrl+C.

    POST /v1/feedback with a JSON record, or a list of them: event_id, text, and what else is known. Who may send: [intake] of feedback.toml.

    \b
    feedback serve-intake
    feedback serve-intake --port 8766 --host 0.0.0.0
    """
    from feedback.intake_limits import Limits
    from feedback.intake_server import PATH, serve

    project = load_project(folder)
    token = intake_token(project)
    settings = project.intake

    def say(line: str) -> None:
        click.echo(f"{datetime.now(ZoneInfo(project.timezone)):%Y-%m-%d %H:%M:%S} {line}")

    with _listener(host, port) as listener:
        at, number = listener.getsockname()[:2]
        say(
            f"Taking in POST http://{f'[{at}]' if ':' in at else at}:{number}{PATH} as '{settings.name}'. Ctrl+C ends it."
        )
        if not ipaddress.ip_address(at).is_loopback:
            say("Other machines reach it, and it does not encrypt: put a proxy with a certificate before it.")
        limits = Limits(settings.per_minute, settings.per_client_per_minute, time.monotonic)
        asyncio.run(serve(project, token, listener, limits, say))


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        # Not `strerror` of the error itself, which has the address in it again.
        reason = error.strerror if isinstance(error, socket.gaierror) or not error.errno else os.strerror(error.errno)
        raise ProjectError(
            f"{host} port {port} can't be listened at: {reason}. Choose another with --port or --host."
        ) from None
