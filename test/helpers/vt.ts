/** A small terminal for tests: it knows what the live view may send, and throws at everything else. */
export interface Vt {
  write(text: string): void;
  /** Breaks lines anew, as most terminals do. */
  resize(columns: number): void;
  /** All lines ever, those that have left the screen first; without blanks at their end and empty lines at the end. */
  lines(): readonly string[];
  readonly isCursorShown: boolean;
  readonly breaksLines: boolean;
  /** Column of the cursor. */
  readonly column: number;
}

interface Row {
  cells: string[];
  /** Goes on in the next row. */
  isBroken: boolean;
}

export function createVt(size: { columns: number; readonly rows: number }): Vt {
  let { columns } = size;
  let rows: Row[] = [{ cells: [], isBroken: false }];
  let row = 0;
  let column = 0;
  let isCursorShown = true;
  let breaksLines = true;

  const at = (index: number): Row => {
    while (rows.length <= index) rows.push({ cells: [], isBroken: false });
    return rows[index] as Row;
  };
  const top = (): number => Math.max(0, rows.length - size.rows);
  const put = (character: string): void => {
    const width = widthOf(character);
    if (column + width > columns) {
      if (breaksLines) {
        at(row).isBroken = true;
        row++;
        column = 0;
      } else {
        column = columns - width;
      }
    }
    const { cells } = at(row);
    while (cells.length < column) cells.push(' ');
    cells.splice(column, width, character, ...Array<string>(width - 1).fill(''));
    column += width;
  };
  const control = (sequence: string): void => {
    const [, parameter = '', final = ''] = known.exec(sequence) ?? [];
    const count = Math.max(1, Number(parameter));
    if (final === 'm' || parameter === '?2026') return;
    else if (parameter === '?25') isCursorShown = final === 'h';
    else if (parameter === '?7') breaksLines = final === 'h';
    else if (final === 'A') row = Math.max(top(), row - count);
    else if (final === 'G') column = count - 1;
    else if (final === 'K') at(row).cells.length = Math.min(column, at(row).cells.length);
    else if (final === 'J') {
      at(row).cells.length = Math.min(column, at(row).cells.length);
      rows.length = row + 1;
    } else throw new Error(`the terminal does not know ${JSON.stringify(sequence)}`);
  };

  return {
    write(text) {
      for (const [piece] of text.matchAll(pieces)) {
        if (piece.startsWith('\u001b')) control(piece);
        else if (piece === '\r') column = 0;
        else if (piece === '\n') {
          at(row).isBroken = false;
          at(++row);
          column = 0;
        } else if (/\p{Cc}/u.test(piece)) throw new Error(`the terminal got ${JSON.stringify(piece)}`);
        else put(piece);
      }
    },
    resize(newColumns) {
      const before = rows;
      const [cursorRow, cursorColumn] = [row, column];
      rows = [];
      columns = newColumns;
      let line: string[] = [];
      for (const [index, { cells, isBroken }] of before.entries()) {
        const start = line.length;
        line.push(...cells);
        if (index === cursorRow) {
          row = rows.length + Math.floor((start + cursorColumn) / columns);
          column = (start + cursorColumn) % columns;
        }
        if (isBroken) continue;
        const parts = Math.max(1, Math.ceil(line.length / columns));
        for (let part = 0; part < parts; part++)
          rows.push({ cells: line.slice(part * columns, (part + 1) * columns), isBroken: part < parts - 1 });
        line = [];
      }
    },
    lines() {
      const all = rows.map(({ cells }) => cells.join('').trimEnd());
      while (all.at(-1) === '') all.pop();
      return all;
    },
    get isCursorShown() {
      return isCursorShown;
    },
    get breaksLines() {
      return breaksLines;
    },
    get column() {
      return column;
    },
  };
}

const known = new RegExp(String.raw`^\u{1b}\[([?\d;]*)([A-Za-z])$`, 'u');
const pieces = new RegExp(String.raw`\u{1b}\[[?\d;]*[A-Za-z]|\u{1b}.{0,3}|.`, 'gsu');

function widthOf(character: string): number {
  return /[\u3000-\u9fff\uac00-\ud7a3]/u.test(character) ? 2 : 1;
}
