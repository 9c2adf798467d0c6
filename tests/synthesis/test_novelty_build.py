import ctypes
import shutil
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="BUILD OF THE NOVELTY INDEX NOT TESTED: no hatchling here")
hatch_build = pytest.importorskip(
    "hatch_build", reason="no source tree: hatch_build.py is not here"
)

ROOT = Path(hatch_build.__file__).parent


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    sources = shutil.ignore_patterns("*.so")
    shutil.copytree(ROOT / hatch_build.NATIVE, tmp_path / hatch_build.NATIVE, ignore=sources)
    return tmp_path


def test_the_library_is_compiled_beside_its_source(tree: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("BUILD OF THE NOVELTY INDEX NOT TESTED: no cc here")
    before = {path.name for path in (tree / hatch_build.NATIVE).iterdir()}
    assert hatch_build.compile_library(tree) is None
    after = {path.name for path in (tree / hatch_build.NATIVE).iterdir()}
    assert after - before == {hatch_build.LIBRARY}
    library = ctypes.PyDLL(str(tree / hatch_build.NATIVE / hatch_build.LIBRARY))
    library.novelty_new.restype = ctypes.c_void_p
    assert library.novelty_new(0)


@pytest.mark.parametrize(("compiler", "said"), [("no-such-cc", "no-such-cc"), ("false", "false")])
def test_without_a_compiler_there_is_a_reason_and_no_old_library(
    tree: Path, monkeypatch: pytest.MonkeyPatch, compiler: str, said: str
) -> None:
    old = tree / hatch_build.NATIVE / hatch_build.LIBRARY
    old.write_bytes(b"of another source")
    monkeypatch.setenv("CC", compiler)
    wrong = hatch_build.compile_library(tree)
    assert wrong is not None
    assert said in wrong
    assert not old.exists()


def test_code_that_does_not_compile_is_reported(tree: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("BUILD OF THE NOVELTY INDEX NOT TESTED: no cc here")
    (tree / hatch_build.NATIVE / "words.c").write_text("int f(void) { return missing; }\n")
    assert "missing" in str(hatch_build.compile_library(tree))
