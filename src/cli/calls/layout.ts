/** Rows in columns that are as wide as their widest cell and `padding` (Go's text/tabwriter, which docker uses); the last column is not padded. */
export function formatColumns(rows: readonly (readonly string[])[], padding: number): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => length(row[column] ?? ''))));
  return cells
    .map((row) => row.map((cell, column) => pad(cell, column < row.length - 1 ? (widths[column] ?? 0) + padding : 0)))
    .map((row) => `${row.join('')}\n`)
    .join('');
}

/** As Go writes JSON for people: with what HTML would read escaped. */
export function formatJson(value: unknown): string {
  const escaped = JSON.stringify(value, undefined, 2).replaceAll(/[<>&\u2028\u2029]/g, escape);
  return `${escaped}\n`;
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Whoever wrote the Dockerfile must not move the cursor; a tab would be the next column. */
function printable(text: string): string {
  return text.replaceAll('\t', ' ').replaceAll(/\p{Cc}/gu, '\ufffd');
}

function length(text: string): number {
  return Array.from(text).length;
}

function pad(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - length(cell)));
}
