import { relative, resolve } from 'node:path';
import { checkDockerfile } from '../../index.ts';
import type { CheckFinding, CheckReport } from '../../index.ts';
import type { CallMethod } from './call.ts';
import { formatJson } from './layout.ts';

/** `--call=check`: what docker prints, with the reason for each rule and what to write instead. */
export const checkCall: CallMethod = async (options, format) => {
  const report = await checkDockerfile(options);
  const { error, findings } = report;
  const status = findings.length > 0 || error !== undefined ? 1 : 0;
  if (format === 'json') return { text: formatJson(documentOf(report)), status };
  // A violation says no more than the findings do.
  return { text: formatText(report), status, error: error?.code === 'TBUILD_CHECK' ? undefined : error };
};

function formatText({ findings, error, dockerfile }: CheckReport): string {
  // A file that cannot be built has more to be found.
  if (findings.length === 0 && error !== undefined) return '';
  const lines = Buffer.from(dockerfile.bytes).toString('utf8').split('\n');
  return [`${headline(findings.length)}\n`, ...findings.map((finding) => formatFinding(finding, lines))].join('\n');
}

function headline(count: number): string {
  if (count === 0) return 'Check complete, no warnings found.';
  return `Check complete, ${count === 1 ? '1 warning has' : `${count} warnings have`} been found!`;
}

function formatFinding({ rule, url, message, span, why, fix }: CheckFinding, lines: readonly string[]): string {
  return [
    `WARNING: ${rule}${url === undefined ? '' : ` - ${url}`}`,
    message,
    `${shownPath(span.file)}:${span.line}`,
    ...excerpt(span, lines),
    `why: ${why}`,
    `fix: ${fix}`,
    '',
  ].join('\n');
}

const around = 2;

function excerpt({ line, endLine }: CheckFinding['span'], lines: readonly string[]): readonly string[] {
  const rule = '-'.repeat(20);
  const first = Math.max(1, line - around);
  const last = Math.min(lines.length, endLine + around);
  const rows = lines.slice(first - 1, last).map((text, index) => {
    const number = first + index;
    const mark = number >= line && number <= endLine ? '>>>' : '   ';
    return `${String(number).padStart(4)} | ${mark} ${text.replace(/\r$/, '')}`;
  });
  return [rule, ...rows, rule];
}

/** As whoever called would write it. */
function shownPath(file: string): string {
  const path = relative(process.cwd(), resolve(file));
  return file.startsWith('<') || path.startsWith('..') ? file : path;
}

/** Docker's document: `warnings`, `sources`, and `buildError` where the build would fail. */
function documentOf({ findings, error, dockerfile }: CheckReport): object {
  return {
    warnings: findings.map(({ rule, description, url, message, span, why, fix }) => ({
      ruleName: rule,
      description,
      url,
      detail: message,
      location: { ranges: ranges(span) },
      why,
      fix,
    })),
    sources: [
      {
        filename: shownPath(dockerfile.path),
        language: 'Dockerfile',
        data: Buffer.from(dockerfile.bytes).toString('base64'),
      },
    ],
    ...(error === undefined ? {} : { buildError: buildError(error) }),
  };
}

function buildError(error: NonNullable<CheckReport['error']>): object {
  const { code, message, hint, span } = error;
  const isViolation = code === 'TBUILD_CHECK';
  return {
    message,
    location: span === undefined || isViolation ? {} : { ranges: ranges(span) },
    code,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** One for each line. */
function ranges({ line, endLine }: CheckFinding['span']): readonly object[] {
  return Array.from({ length: endLine - line + 1 }, (_, index) => ({
    start: { line: line + index },
    end: { line: line + index },
  }));
}
