"""mutmut with more operators, as a program of its own: it runs in the copy of the tree, where nothing of ours is
imported but what is changed.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
operators = importlib.import_module("operators")


def main() -> None:
    """What ``mutmut`` does."""
    _extend(
        importlib.import_module("mutmut.mutation.mutators"), importlib.import_module("mutmut.mutation.file_mutation")
    )
    importlib.import_module("mutmut.__main__").cli()


def _extend(mutators: Any, files: Any) -> None:
    ours = [(cst_type, _but_words(operator)) for cst_type, operator in mutators.mutation_operators]
    mutators.mutation_operators[:] = [*ours, *operators.ADDED]
    visitor = files.MutationVisitor
    skips = visitor._skip_node_and_children

    def skip(self: Any, node: Any) -> bool:
        told = self.__dict__.setdefault("told", set())
        told.update(id(arg) for arg in operators.words(node))
        return id(node) in told or bool(skips(self, node))

    visitor._skip_node_and_children = skip


def _but_words(operator: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    """*operator* without those of its changes that take words for people away, or change nothing."""

    def without(node: Any) -> Iterator[Any]:
        told = operators.words(node)
        for changed in operator(node):
            kept = {id(arg) for arg in changed.args} if told else set()
            decides = not told or any(id(arg) not in kept for arg in node.args if arg not in told)
            if decides and not operators.is_same(node, changed):
                yield changed

    return without


if __name__ == "__main__":
    main()
