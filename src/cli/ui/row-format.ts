import { formatTable } from './table.ts';
import { printable } from './format.ts';
import { executeTemplate } from './template/execute.ts';
import { parseTemplate } from './template/parse.ts';

/** A field of a row as `--format` names it, and the head of its column. */
export type Columns<Name extends string> = Readonly<Record<Name, string>>;

export interface RowFormat<Name extends string> {
  readonly columns: Columns<Name>;
  /** Those of the table that is shown by default. */
  readonly shown: readonly Name[];
  /** From `--format`; undefined: the table. */
  readonly format: string | undefined;
}

/** Rows as docker's `--format` has them: `table`, `table TEMPLATE`, `json` (an object a line) or a template a line. Throws TBUILD_USAGE. */
export function formatRows<Name extends string>(
  { columns, shown, format = 'table' }: RowFormat<Name>,
  rows: readonly Readonly<Record<Name, string>>[],
): string {
  if (format === 'json') return rows.map((row) => `${JSON.stringify(sorted(row))}\n`).join('');
  const template = format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  if (format !== 'table' && !/^table\s/.test(format)) {
    const nodes = parseTemplate(template);
    return rows.map((row) => `${executeTemplate(nodes, row)}\n`).join('');
  }
  const nodes = parseTemplate(template.replace(/^table\s*/, '') || shown.map((name) => `{{.${name}}}`).join('\t'));
  const cells = (row: Readonly<Record<Name, string>>): readonly string[] =>
    executeTemplate(nodes, mapValues(row, oneLine)).split('\t');
  return formatTable(cells(columns), rows.map(cells));
}

/** A tab would be the next column, and a newline the next row. */
function oneLine(text: string): string {
  return printable(text.replace(/[\t\n\r]/g, ' '));
}

function mapValues<Name extends string>(
  row: Readonly<Record<Name, string>>,
  change: (value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries<string>(row).map(([name, value]) => [name, change(value)]));
}

function sorted(row: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
