"""The promise: a subprocess runs this program, and never code from the folder it was started in."""

import subprocess
from pathlib import Path

import pytest

from server.processes import command_line, environment
from tests.support.registry import settings_for


@pytest.mark.parametrize("name", ["server", "schema", "seeds", "typer"])
def test_a_module_in_the_current_folder_is_never_imported(tmp_path: Path, name: str) -> None:
    witness = tmp_path / "witness"
    (tmp_path / f"{name}.py").write_text(f"open({str(witness)!r}, 'w').close()")
    settings = settings_for(f"sqlite+aiosqlite:///{tmp_path}/registry.sqlite")
    done = subprocess.run(
        command_line(["sdl"]), cwd=tmp_path, env=environment(settings), capture_output=True, text=True, check=False
    )
    assert "type Query" in done.stdout, done.stderr
    assert not witness.exists()
