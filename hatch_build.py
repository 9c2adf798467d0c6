"""Compiles the novelty index when Preceptor is built or installed.

Plain C and the system's ``cc``, to one shared library beside its source, loaded through ctypes; so
a wheel is of a platform and of any Python 3. Without a compiler the build goes on, and the index in
Python answers the same, slower. After a change to the C: ``pip install --no-deps --editable .``
"""

import os
import shlex
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = "src/preceptor/synthesis/novelty/native"
LIBRARY = "novelty.so"
FLAGS = ("-std=gnu11", "-O3", "-ffp-contract=off", "-fvisibility=hidden", "-fPIC", "-shared")


class NoveltyBuildHook(BuildHookInterface[Any]):
    """Hatchling's hook: for wheels, editable ones too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        wrong = compile_library(Path(self.root))
        if wrong:
            self.app.display_warning(f"the novelty index is not compiled and will be slow: {wrong}")
            return
        build_data["artifacts"].append(f"/{NATIVE}/{LIBRARY}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"


def compile_library(root: Path) -> str | None:
    """Compiles the library into the source tree; returns what went wrong, if anything did.

    It takes its place by a rename, so that a process that has the old one loaded keeps it. An old
    one does not outlive a build that fails.
    """
    folder = root / NATIVE
    sources = sorted(str(path) for path in folder.glob("*.c"))
    compiler = shlex.split(os.environ.get("CC") or "cc")
    with tempfile.TemporaryDirectory(dir=folder) as work:
        made = Path(work) / LIBRARY
        command = [*compiler, *FLAGS, "-o", str(made), *sources]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            wrong = str(error)
        else:
            wrong = done.stderr.strip() if done.returncode else ""
        if not wrong and made.exists():
            made.replace(folder / LIBRARY)
            return None
    (folder / LIBRARY).unlink(missing_ok=True)
    return wrong or f"{compiler[0]} made no library"


def platform_tag() -> str:
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
