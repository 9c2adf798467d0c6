import ast
from pathlib import Path

import preceptor.data

BELOW = ("artifact", "data", "draws", "errors", "mixture.tables", "records", "tasks")


def test_the_package_imports_nothing_that_stands_on_it() -> None:
    folder = Path(preceptor.data.__path__[0])
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                inner = name.removeprefix("preceptor.")
                ours = name.startswith("preceptor.")
                assert not ours or any(f"{inner}.".startswith(f"{b}.") for b in BELOW), (path, name)
