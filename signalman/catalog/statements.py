"""A pack's `directory.sql`: the questions that the platform's accounts are asked, as named statements. Pure.

Each statement begins with a line ``-- name: <name>``, perhaps followed by a line ``-- database: <name>``; comments and
one SQL statement follow, up to the next name. `channels/README.md` tells what each has to return.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from signalman.access_rules import Statement

LOOKUPS = ("tokens", "keys", "users")
"""Statements that find somebody; ``scopes.<word>`` are those that somebody's scope has to pass."""

SCOPES = "scopes."

_HEADER = re.compile(r"-- (name|database): (\S+)\s*")
_LIKE_HEADER = re.compile(r"\s*--+\s*(name|database)\s*:", re.IGNORECASE)
_NAME = re.compile(rf"{'|'.join(LOOKUPS)}|scopes\.[a-z][a-z0-9_]*")
_DATABASE = re.compile(r"[a-z][a-z0-9_]*")
_LINE_END = re.compile(r"\r\n?|\n")
"""As PostgreSQL ends its comments, and nothing else."""

_ASKS = re.compile(r"\$1(?![0-9])")


class StatementsError(ValueError):
    """What is wrong with a file of statements, all of it."""

    def __init__(self, faults: list[tuple[int, str]]) -> None:
        self.faults = tuple(sorted(faults))
        """Line from 1, and a sentence."""
        super().__init__("; ".join(f"line {line}: {sentence}" for line, sentence in self.faults))


@dataclass(slots=True)
class _Block:
    line: int
    name: str
    database: str | None = None
    lines: list[str] = field(default_factory=list)


def read_statements(text: str, *, extends: bool = False) -> Mapping[str, Statement]:
    """The statements of *text* by name, in its order. Where it *extends* another file, somebody is found by that one.

    Raises:
        StatementsError: It has faults.
    """
    faults: list[tuple[int, str]] = []
    blocks = _blocks(text, faults)
    seen: dict[str, int] = {}
    for block in blocks:
        faults.extend(_faults(block, seen))
        seen.setdefault(block.name, block.line)
    if not (extends or seen.keys() & set(LOOKUPS)):
        faults.append((1, f"there is nothing to find anybody by: add a statement {', '.join(LOOKUPS[:-1])} or users"))
    if not seen and extends:
        faults.append((1, "there is no statement: write one, or take the file away"))
    if faults:
        raise StatementsError(faults)
    return {block.name: Statement(_sql(block), block.database) for block in blocks}


def _blocks(text: str, faults: list[tuple[int, str]]) -> list[_Block]:
    blocks: list[_Block] = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        header = _HEADER.fullmatch(line)
        if header is None and _LIKE_HEADER.match(line):
            faults.append((number, 'a header is a whole line like "-- name: tokens" or "-- database: accounts"'))
        elif header is not None and header[1] == "name":
            blocks.append(_Block(number, header[2]))
        elif header is not None:
            faults.extend(_place_database(header[2], number, blocks))
        elif blocks:
            blocks[-1].lines.append(line)
        elif not _is_comment(line):
            faults.append((number, 'there is SQL before the first name: begin it with a line "-- name: tokens"'))
    return blocks


def _place_database(name: str, number: int, blocks: list[_Block]) -> Iterator[tuple[int, str]]:
    if not _DATABASE.fullmatch(name):
        yield number, "a database's name has small letters, digits and _, and begins with a letter"
    if not blocks or blocks[-1].line != number - 1:
        yield number, 'the database stands in the line after "-- name:" and nowhere else'
    else:
        blocks[-1].database = name


def _faults(block: _Block, seen: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    if not _NAME.fullmatch(block.name):
        known = ", ".join(LOOKUPS)
        yield (
            block.line,
            f'no statement has the name "{block.name}": there are {known}, and any number of scopes.<word>',
        )
    if block.name in seen:
        yield block.line, f"{block.name} is there already, in line {seen[block.name]}: write it once"
    sql = _sql(block)
    if not sql:
        yield block.line, f"{block.name} has no SQL: write a SELECT below its name"
    elif not _ASKS.search(sql):
        yield block.line, f"{block.name} does not use $1, the list of what is asked for: write = ANY($1::text[])"


def _sql(block: _Block) -> str:
    """Without the comments before it: those in the midst of it may be within a text."""
    lines = list(block.lines)
    while lines and _is_comment(lines[0]):
        del lines[0]
    return "\n".join(lines).strip()


def _is_comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("--")
