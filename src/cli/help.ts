import { commonOptions } from './command.ts';
import type { CommandSpec } from './command.ts';
import { commonEnvironment, manual } from './manual.ts';

/** The text of `--help`: what a manual page has, in the order of one. */
export function formatHelp(spec: CommandSpec): string {
  const { examples = [], environment = {} } = manual[spec.name] ?? {};
  const details = spec.details === undefined ? '' : `\n${spec.details.trim()}\n`;
  const typed = examples.map(({ command, what }) => `  ${what}:\n      ${command}\n`);
  const sections = [
    `Usage: ${spec.usage}\n\n${spec.summary}\n${details}`,
    `Options:\n${formatOptions(spec)}\n`,
    ...section(
      'Environment',
      formatRows(Object.entries({ ...commonEnvironment, ...environment }).map(([name, text]) => [`  ${name}`, text])),
    ),
    ...section('Examples', typed.join('')),
  ];
  return sections.join('\n');
}

function section(title: string, text: string): readonly string[] {
  return text === '' ? [] : [`${title}:\n${text.trimEnd()}\n`];
}

function formatOptions(spec: CommandSpec): string {
  return formatRows(
    Object.entries({ ...spec.options, ...commonOptions }).map(([name, option]) => {
      const short = option.short === undefined ? '    ' : `-${option.short}, `;
      const words = option.words === undefined ? '' : `[=${option.words.join('|')}]`;
      const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : words;
      return [`  ${short}--${name}${value}`, option.help];
    }),
  );
}

function formatRows(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(38, Math.max(...rows.map(([left]) => left.length))) + 2;
  return rows
    .map(([left, text]) => (left.length < width ? left.padEnd(width) + text : `${left}\n${' '.repeat(width)}${text}`))
    .join('\n');
}
