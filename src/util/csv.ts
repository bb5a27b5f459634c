/** One line of comma-separated values that is none. `column` counts from 1. */
export class MalformedCsv extends Error {
  constructor(problem: string, column?: number) {
    super(column === undefined ? problem : `parse error on line 1, column ${column}: ${problem}`);
  }
}

/**
 * The fields of one line as Go's `encoding/csv` reads them, which is what docker does with flags: a field may stand in double quotes, with `""` for one of them inside.
 * Throws {@link MalformedCsv}, with Go's words, for an empty line and misplaced quotes.
 */
export function readCsv(line: string): readonly string[] {
  if (line === '') throw new MalformedCsv('EOF');
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const { value, end } = line[at] === '"' ? quoted(line, at) : plain(line, at);
    fields.push(value);
    if (end === line.length) return fields;
    at = end + 1;
  }
}

interface Field {
  readonly value: string;
  /** Of the comma behind it, or of the line. */
  readonly end: number;
}

function plain(line: string, start: number): Field {
  const comma = line.indexOf(',', start);
  const end = comma === -1 ? line.length : comma;
  const value = line.slice(start, end);
  const quote = value.indexOf('"');
  if (quote !== -1) throw new MalformedCsv('bare " in non-quoted-field', start + quote + 1);
  return { value, end };
}

function quoted(line: string, start: number): Field {
  let value = '';
  let at = start + 1;
  for (;;) {
    const quote = line.indexOf('"', at);
    if (quote === -1) throw new MalformedCsv('extraneous or missing " in quoted-field', start + 2);
    value += line.slice(at, quote);
    const next = line[quote + 1];
    if (next === undefined || next === ',') return { value, end: quote + 1 };
    if (next !== '"') throw new MalformedCsv('extraneous or missing " in quoted-field', quote + 1);
    value += '"';
    at = quote + 2;
  }
}
