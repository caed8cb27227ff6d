// A table of the page that stays in step with rows: cells change where they are, so that nothing jumps and a selection
// survives. Whatever comes from the server becomes text, never markup.

/** A column: {head, text(row), title?(row), tone?(row), share?(row), kind?}. */
export class Grid {
  #body;
  #columns;
  #key;
  #lines = new Map();

  constructor(element, columns, key) {
    this.#columns = columns;
    this.#key = key;
    const head = element.createTHead().insertRow();
    for (const column of columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = column.head;
      cell.className = column.kind ?? "";
      head.append(cell);
    }
    this.#body = element.createTBody();
  }

  show(rows) {
    const lines = rows.map((row) => this.#line(row));
    const kept = new Set(lines);
    for (const [key, line] of this.#lines) {
      if (!kept.has(line)) {
        line.remove();
        this.#lines.delete(key);
      }
    }
    lines.forEach((line, index) => {
      const there = this.#body.children[index];
      if (there !== line) this.#body.insertBefore(line, there ?? null);
    });
  }

  #line(row) {
    const key = this.#key(row);
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = document.createElement("tr");
      for (const column of this.#columns) line.append(newCell(column));
      this.#lines.set(key, line);
    }
    this.#columns.forEach((column, index) => fill(line.children[index], column, row));
    return line;
  }
}

function newCell(column) {
  const cell = document.createElement("td");
  cell.className = column.kind ?? "";
  cell.dataset.head = column.head;
  const text = document.createElement("span");
  text.className = column.tone ? "badge" : "text";
  cell.append(text);
  if (column.share) {
    const bar = document.createElement("span");
    bar.className = "bar";
    bar.append(document.createElement("i"));
    cell.append(bar);
  }
  return cell;
}

function fill(cell, column, row) {
  const [text, bar] = cell.children;
  const words = column.text(row);
  if (text.textContent !== words) text.textContent = words;
  const title = column.title?.(row) ?? "";
  if (cell.title !== title) cell.title = title;
  if (column.tone) text.dataset.tone = column.tone(row);
  if (bar) {
    const share = column.share(row);
    bar.firstChild.style.width = `${Math.min(100, Math.max(0, share * 100)) || 0}%`;
    bar.dataset.tone = share > 0.9 ? "bad" : share > 0.75 ? "warn" : "";
  }
}
