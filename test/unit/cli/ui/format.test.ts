import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drained } from '../../../../src/cli/drained.ts';
import { formatError } from '../../../../src/cli/ui/error.ts';
import { formatAgo, formatDuration, formatSize, shortId } from '../../../../src/cli/ui/format.ts';
import { formatTable } from '../../../../src/cli/ui/table.ts';
import { TbuildError } from '../../../../src/index.ts';

test.each([
  [0, '0B'],
  [999, '999B'],
  [1000, '1kB'],
  [1234, '1.23kB'],
  [83_886_080, '83.9MB'],
  [1_000_000_000, '1GB'],
  [5e15, '5000TB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

// What docker prints: go-units, HumanDuration.
test.each([
  [-5, 'Less than a second ago'],
  [0, 'Less than a second ago'],
  [1, '1 second ago'],
  [59, '59 seconds ago'],
  [minute, 'About a minute ago'],
  [2 * minute - 1, 'About a minute ago'],
  [59 * minute, '59 minutes ago'],
  [hour, 'About an hour ago'],
  [89 * minute, 'About an hour ago'],
  [91 * minute, '2 hours ago'],
  [47 * hour, '47 hours ago'],
  [48 * hour, '2 days ago'],
  [13 * day, '13 days ago'],
  [14 * day, '2 weeks ago'],
  [59 * day, '8 weeks ago'],
  [60 * day, '2 months ago'],
  [729 * day, '24 months ago'],
  [731 * day, '2 years ago'],
])('%d seconds are %s', (seconds, text) => {
  const now = Date.parse('2026-06-01T00:00:00Z');
  expect(formatAgo(new Date(now - seconds * 1000).toISOString(), now)).toBe(text);
});

test('no time, and one that is none', () => {
  expect(formatAgo(undefined)).toBe('N/A');
  expect(formatAgo('yesterday')).toBe('N/A');
});

test.each([
  [0.4, '0ms'],
  [999, '999ms'],
  [1000, '1.0s'],
  [59_940, '59.9s'],
  [61_000, '1m01s'],
  [3_600_000, '60m00s'],
])('%d milliseconds are %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test('ids are twelve digits', () => {
  expect(shortId(`sha256:${'a'.repeat(64)}`)).toBe('a'.repeat(12));
});

test('a table has columns of ten or more, three blanks between them, none at the end, and nothing that moves the cursor', () => {
  expect(
    formatTable(
      ['A', 'LONG'],
      [
        ['very wide', ''],
        ['x', '\u001b[2J\r\n'],
      ],
    ),
  ).toBe('A           LONG\nvery wide\nx           \ufffd[2J\ufffd\ufffd\n');
  expect(formatTable(['A', 'B'], [])).toBe('A         B\n');
});

describe('an error for people', () => {
  let directory: string;
  let path: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tbuild-error-'));
    path = join(directory, 'Dockerfile');
    writeFileSync(path, 'FROM a\r\n\tRUN b \\\n    c\nRUN d\n');
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('has the place with the lines around it and a caret, and everything that is known', () => {
    const error = new TbuildError('TBUILD_RUN_FAILED', 'it failed', {
      span: { file: path, line: 2, column: 2, endLine: 3, endColumn: 6 },
      cause: new Error('the reason'),
      hint: 'do this',
      details: { output: 'one\ntwo\n', cleanup: ['and that failed'] },
    });
    expect(formatError(error).replace(path, 'Dockerfile')).toBe(
      'ERROR: it failed\n' +
        'Dockerfile:2\n' +
        '  1 | FROM a\n' +
        '> 2 | \tRUN b \\\n' +
        '    | \t^^^^^^^\n' +
        '> 3 |     c\n' +
        '  4 | RUN d\n' +
        'last output:\n  one\n  two\n' +
        'cause: the reason\n' +
        'and while cleaning up: and that failed\n' +
        'hint: do this\n' +
        '(TBUILD_RUN_FAILED)\n',
    );
  });

  test.each([
    ['of one word', [6, 7], '     ^'],
    ['at the end of the line, when it is behind that', [9, 9], '      ^'],
  ] as const)('the caret %s', (_, [column, endColumn], caret) => {
    const span = { file: path, line: 1, column, endLine: 1, endColumn };
    expect(formatError(new TbuildError('TBUILD_IO', 'x', { span }))).toContain(`    | ${caret}\n`);
  });

  test.each([['/dev/stdin'], ['/nowhere/Dockerfile'], ['/']])(
    'has only the place when %s cannot be read again',
    (file) => {
      const span = { file, line: 7, column: 1, endLine: 7, endColumn: 2 };
      expect(formatError(new TbuildError('TBUILD_IO', 'x', { span }))).toBe(`ERROR: x\n  at ${file}:7\n(TBUILD_IO)\n`);
    },
  );

  test('of another kind is our fault, and says so', () => {
    expect(formatError(new TypeError('oops'))).toMatch(/^tbuild: TypeError: oops\n {4}at [^]*please report it\.\n$/);
    expect(formatError('text')).toMatch(/^tbuild: text\n/);
  });
});

describe('waiting for a slow reader', () => {
  const full = (): PassThrough => {
    const stream = new PassThrough({ highWaterMark: 1 });
    stream.on('error', () => undefined);
    stream.write('xx');
    return stream;
  };
  const never = new AbortController().signal;

  test('ends when it has read', async () => {
    const stream = full();
    const waiting = drained(stream, never);
    stream.resume();
    await expect(waiting).resolves.toBeUndefined();
    await expect(drained(new PassThrough(), never)).resolves.toBeUndefined();
    expect(stream.listenerCount('drain')).toBe(0);
  });

  test('ends when it is gone, and when nobody waits any more', async () => {
    const gone = full();
    const waiting = drained(gone, never);
    gone.destroy(new Error('gone'));
    await expect(waiting).resolves.toBeUndefined();
    const abort = new AbortController();
    const aborted = drained(full(), abort.signal);
    abort.abort();
    await expect(aborted).resolves.toBeUndefined();
    await expect(drained(full(), abort.signal)).resolves.toBeUndefined();
  });
});
