"""The texts that a module holds, found in its source: what people can be told by it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter


def texts_in(node: ast.AST) -> Iterator[str]:
    """Every text of two words or more, beside docstrings; the values inside of it are {}."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.JoinedStr):
        parts = (one.value if isinstance(one, ast.Constant) else "{}" for one in node.values)
        text = "".join(map(str, parts))
    elif isinstance(node, ast.Constant):
        text = str(node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts_in(child)
        return
    if re.search(r"[a-z] [\w{]", text):
        yield text


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def called_in(node: ast.AST) -> set[str]:
    return {ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}


def skeleton(sentence: str) -> str:
    """The sentence with nothing in its fields."""
    return "".join(
        literal + ("{}" if name is not None else "")
        for literal, name, *_ in Formatter().parse(sentence)
    )


def fields(sentence: str) -> set[str]:
    return {name for _, name, *_ in Formatter().parse(sentence) if name}


def fits(text: str, sentence: str) -> bool:
    """Whether a sentence is put together from the text: each of its values may be another text."""
    return re.search(".*".join(map(re.escape, text.split("{}"))), skeleton(sentence)) is not None
