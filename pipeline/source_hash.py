"""Hashes of source code, which TFX's cache keys do not cover."""

import ast
import functools
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = ("petseg", "trainer", "components", "pipeline")

MODULE_NAME = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+")

NOTHING_CHOSEN: Mapping[str, Collection[str]] = {}


def source_hash(
    *modules: str, chosen: Mapping[str, Collection[str]] = NOTHING_CHOSEN, root: Path = ROOT
) -> str:
    """Returns a hex digest of modules and of all project modules that they import, with their templates.

    Comments, docstrings, descriptions of settings and formatting do not count. Imports are read from the
    source, also those inside functions but not those under `if TYPE_CHECKING`; nothing is imported. A string
    that names a module or something in one, as in a registry, counts as an import, and so does the name of a
    Python file in the same folder.

    Args:
        modules: Dotted names, such as `components.evaluator.component`.
        chosen: By a registry's module, the keys that are used. A registry is a dictionary at the top of a
            module: its other entries do not count, nor do modules that only they name.
        root: Folder of the packages.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    digest = hashlib.sha256()
    for file, content in sorted(_contents(modules, chosen, root).items()):
        digest.update(f"{file.relative_to(root).as_posix()} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def imported_modules(
    *modules: str, chosen: Mapping[str, Collection[str]] = NOTHING_CHOSEN, root: Path = ROOT
) -> set[str]:
    """Returns the modules that `source_hash` covers, by name."""
    contents = _contents(modules, chosen, root)
    parts = (file.relative_to(root).with_suffix("").parts for file in contents if file.suffix == ".py")
    return {".".join(part for part in path if part != "__init__") for path in parts}


def _contents(
    modules: Collection[str], chosen: Mapping[str, Collection[str]], root: Path
) -> dict[Path, bytes]:
    """What counts of each file."""
    contents: dict[Path, bytes] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        file = _find(name, root)
        if file is None:
            raise ModuleNotFoundError(f"there is no module {name} in {root}")
        if file in contents:
            continue
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        source = _parse(file.read_text(encoding="utf-8"), package, frozenset(chosen.get(name, ())))
        contents[file] = source.tree
        contents |= {template: template.read_bytes() for template in file.parent.glob("*.jinja")}
        # To import a module is to run the packages around it.
        around = name.rpartition(".")[0]
        waiting += [around] if around else []
        waiting += [each for each in source.imported if _find(each, root)]
        waiting += [each for each in source.named if _find(each, root, packages=False)]
    return contents


def _find(name: str, root: Path, packages: bool = True) -> Path | None:
    path = root.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        return path.with_suffix(".py")
    return path / "__init__.py" if packages and (path / "__init__.py").is_file() else None


@dataclass(frozen=True)
class _Source:
    """What counts of a module.

    Attributes:
        tree: Its syntax tree.
        imported: Names of project modules in imports; some may be names inside modules.
        named: The same in strings.
    """

    tree: bytes
    imported: frozenset[str]
    named: frozenset[str]


@functools.cache
def _parse(text: str, package: str, keys: frozenset[str]) -> _Source:
    tree = _WithoutDocumentation().visit(ast.parse(text))
    if keys:
        for statement in tree.body:
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                _keep(keys, statement)
    nodes = list(ast.walk(tree))
    strings = (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return _Source(
        ast.dump(tree).encode(),
        frozenset(name for node in nodes for name in _imports(node, package)),
        frozenset(name for string in strings for name in _names(string, package)),
    )


class _WithoutDocumentation(ast.NodeTransformer):
    """Drops docstrings, also those of attributes, descriptions of settings, and imports for type checkers."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        is_for_types = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return node.orelse if is_for_types else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "Field":
            node.keywords = [each for each in node.keywords if each.arg != "description"]
        return self.generic_visit(node)


def _keep(keys: frozenset[str], statement: ast.stmt) -> None:
    """Drops the entries of a registry that have other keys."""
    for node in ast.walk(statement):
        if not isinstance(node, ast.Dict):
            continue
        entries = list(zip(node.keys, node.values, strict=True))
        kept = [entry for entry in entries if isinstance(entry[0], ast.Constant) and entry[0].value in keys]
        if kept:
            node.keys, node.values = [key for key, _ in kept], [value for _, value in kept]


def _imports(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            around = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*around, base] if base else around)
        names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
    else:
        names = []
    yield from (name for name in names if name.partition(".")[0] in PACKAGES)


def _names(string: str, package: str) -> Iterator[str]:
    dotted = string.replace(":", ".")
    if MODULE_NAME.fullmatch(dotted):
        yield from (dotted, dotted.rpartition(".")[0])
    if string.endswith(".py") and string.removesuffix(".py").isidentifier():
        yield f"{package}.{string.removesuffix('.py')}"
