"""Build the web bundle into the wheel. Editable installs leave that to make."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBundleHook(BuildHookInterface[Any]):
    """Run the web build unless a finished bundle is there or nobody needs one."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the bundle into remote_assist/static before the wheel is packed."""
        del build_data
        if version == "editable":
            return
        web = Path(self.root) / "web"
        if (Path(self.root) / "remote_assist/static/j.html").exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError("npm is needed to build the web pages; `make web` brings its own")
        subprocess.run([npm, "ci"], cwd=web, check=True)  # noqa: S603 - fixed arguments
        subprocess.run([npm, "run", "build"], cwd=web, check=True)  # noqa: S603 - fixed arguments
