"""Reading the documents: their text, tables and headings."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

_NOT_OURS = {"build", "dist", "node_modules"}


def documents() -> list[Path]:
    """Every Markdown file of the repository."""
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(part.startswith(".") or part in _NOT_OURS for part in path.relative_to(ROOT).parts)
    )


def text_of(path: Path | str) -> str:
    """What a reader sees of a document named from the top of the repository: comments are left out."""
    return re.sub(r"<!--.*?-->", "", (ROOT / path).read_text(encoding="utf-8"), flags=re.DOTALL)


def section(text: str, heading: str) -> str:
    """What stands below the second-level *heading*, up to the next one."""
    match = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, flags=re.DOTALL | re.MULTILINE)
    assert match, f"no heading '{heading}'"
    return match[1]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of each table in *text*, below the table's head."""
    for table in re.findall(r"(?:^\|.*\n)+", f"{text}\n", flags=re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def prose(text: str) -> str:
    """*text* without its code blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE)


def code_spans(text: str) -> list[str]:
    """Everything in single backticks, outside of code blocks."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def code_blocks(text: str, language: str) -> list[str]:
    """The contents of the code blocks in *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


def slugs(text: str) -> set[str]:
    """The anchors that a forge makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
