"""Runs this program in a process of its own, so that a load or a refresh gives its memory back when it ends."""

import os
import sys
from collections.abc import Sequence

from server.settings import Settings


def command_line(arguments: Sequence[str]) -> list[str]:
    """The command that runs `modelmeta` with these arguments.

    -P keeps Python from importing modules from the current folder: a server.py there would see the operator's token.
    """
    return [sys.executable, "-P", "-m", "server.cli", *arguments]


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment with the settings in force.

    Not as flags: a database URL may hold a password, and every user of a machine can list the arguments of processes.
    """
    return os.environ | settings.as_environment()
