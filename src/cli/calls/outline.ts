import { outline } from '../../index.ts';
import type { Outline, OutlineSecret } from '../../index.ts';
import type { CallMethod } from './call.ts';
import { formatColumns, formatJson } from './layout.ts';

/** `--call=outline` */
export const outlineCall: CallMethod = async (options, format) => {
  const found = await outline(options);
  return { text: format === 'json' ? formatJson(found) : formatOutline(found), status: 0 };
};

function formatOutline({ name, description, args = [], secrets = [], ssh = [] }: Outline): string {
  const head = [...row('TARGET:', name), ...row('DESCRIPTION:', description)];
  const rows = args.map((each) => [each.name, each.value ?? '', each.description ?? '']);
  const tables = [
    rows.length === 0 ? '' : formatColumns([['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...rows], 3),
    formatSecrets('SECRET', secrets),
    formatSecrets('SSH', ssh),
  ];
  const parts = tables.filter((table) => table !== '').join('\n');
  return head.length === 0 ? parts : `${formatColumns(head, 1)}\n${parts}`;
}

function row(title: string, text: string | undefined): readonly (readonly string[])[] {
  return text === undefined ? [] : [[title, text]];
}

function formatSecrets(title: string, secrets: readonly OutlineSecret[]): string {
  if (secrets.length === 0) return '';
  const rows = secrets.map(({ name, required }) => [name, required === true ? 'true' : '']);
  return formatColumns([[title, 'REQUIRED'], ...rows], 3);
}
