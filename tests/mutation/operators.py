"""What is changed beside what mutmut changes itself: each condition of a check is dropped, and each check as a whole.

Sentences for people and names of tasks and threads are left alone: what an error says is not what decides.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import libcst as cst

_TELLS = frozenset(
    {"BackendUnavailable", "BadMessage", "Forbidden", "Limited", "NotAuthenticated", "ValueError", "_invalid"}
)
"""What makes an error out of a sentence."""

_NAMES = {"create_task": "name", "ThreadPoolExecutor": "thread_name_prefix"}
"""What makes something that has a name, and under which keyword."""

_CASELESS = frozenset({'"ascii"', '"sha256"', '"utf-8"'})
"""Names that Python takes in capitals as well."""


def operands(node: cst.BooleanOperation) -> Iterator[cst.BaseExpression]:
    """``a and b`` without ``b``, and without ``a``."""
    for each in (node.left, node.right):
        yield each.with_changes(lpar=[*node.lpar, *each.lpar], rpar=[*each.rpar, *node.rpar])


def bounds(node: cst.Comparison) -> Iterator[cst.BaseExpression]:
    """``a <= b <= c`` without one of its ends."""
    if len(node.comparisons) == 2:
        first, second = node.comparisons
        yield node.with_changes(comparisons=[first])
        yield node.with_changes(left=first.comparator, comparisons=[second])


def members(node: cst.Comparison) -> Iterator[cst.BaseExpression]:
    """``(a, b) == (c, d)`` without ``a`` and ``c``, and without ``b`` and ``d``."""
    left, other = node.left, node.comparisons[0]
    right = other.comparator
    if isinstance(left, cst.Tuple) and isinstance(right, cst.Tuple) and len(left.elements) == len(right.elements):
        for at in range(len(left.elements)):
            yield node.with_changes(
                left=_without(left, at), comparisons=[other.with_changes(comparator=_without(right, at))]
            )


def checks(node: cst.If | cst.While) -> Iterator[cst.CSTNode]:
    """A statement that is always taken, or never."""
    yield node.with_changes(test=cst.Name("False"))
    if isinstance(node, cst.If):
        yield node.with_changes(test=cst.Name("True"))


def filters(node: cst.CompIf) -> Iterator[cst.CSTNode]:
    """A comprehension that takes everything."""
    yield node.with_changes(test=cst.Name("True"))


def quantifiers(node: cst.Call) -> Iterator[cst.Call]:
    """``all`` for ``any``, and the other way round."""
    swapped = {"all": "any", "any": "all"}
    if isinstance(node.func, cst.Name) and node.func.value in swapped:
        yield node.with_changes(func=cst.Name(swapped[node.func.value]))


ADDED: Sequence[tuple[type[cst.CSTNode], Callable[[Any], Iterator[cst.CSTNode]]]] = (
    (cst.BooleanOperation, operands),
    (cst.Comparison, bounds),
    (cst.Comparison, members),
    (cst.If, checks),
    (cst.While, checks),
    (cst.CompIf, filters),
    (cst.Call, quantifiers),
)


def words(node: cst.CSTNode) -> list[cst.Arg]:
    """Those arguments of a call that are for people only: of one that makes an error, or logs, each text with a space
    in it; of one that makes tasks or threads, their name.
    """
    if not isinstance(node, cst.Call):
        return []
    func = node.func
    name = func.attr.value if isinstance(func, cst.Attribute) else func.value if isinstance(func, cst.Name) else ""
    if name in _NAMES:
        return [arg for arg in node.args if arg.keyword is not None and arg.keyword.value == _NAMES[name]]
    tells = isinstance(func, cst.Name) and name in _TELLS
    logs = isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name) and func.value.value == "log"
    return [arg for arg in node.args if _is_sentence(arg.value)] if tells or logs else []


def is_same(node: cst.CSTNode, changed: cst.CSTNode) -> bool:
    """Whether Python reads both as one name."""
    return (
        isinstance(node, cst.SimpleString)
        and isinstance(changed, cst.SimpleString)
        and node.value in _CASELESS
        and node.value == changed.value.lower()
    )


def _is_sentence(node: cst.BaseExpression) -> bool:
    if isinstance(node, cst.IfExp):
        return _is_sentence(node.body) and _is_sentence(node.orelse)
    if isinstance(node, cst.ConcatenatedString):
        return _is_sentence(node.left) or _is_sentence(node.right)
    if isinstance(node, cst.FormattedString):
        return any(isinstance(part, cst.FormattedStringText) and " " in part.value for part in node.parts)
    return isinstance(node, cst.SimpleString) and " " in node.value


def _without(node: cst.Tuple, at: int) -> cst.Tuple:
    return node.with_changes(elements=[*node.elements[:at], *node.elements[at + 1 :]])
