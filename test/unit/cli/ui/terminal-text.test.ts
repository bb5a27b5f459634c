import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encoderFor, printableLine, printableText, textForTerminal } from '../../../../src/cli/ui/terminal-text.ts';

const colours = new RegExp(String.raw`\u{1b}\[[\d;:]*m`, 'gu');
const utf8 = { LANG: 'C.UTF-8' };

/** Text that is rich in what terminals obey. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b',
        '[',
        ']',
        '\u009b',
        '\u009d',
        '\u0090',
        'P',
        '?',
        '25l',
        '2J',
        ';',
        '31',
        'm',
        '\u0007',
      ),
      fc.constantFrom('\\', '\r', '\n', '\t', '\b', 'ab', '日', '\u202e', '\u2028', '\ud800', '\u007f', '\u0000'),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

describe('a line of output', () => {
  test.each([
    ['plain text', 'plain text'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['a\u001b[2J\u001b[1;1Hb', 'ab'],
    ['\u001b]0;title\u0007after', 'after'],
    ['\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link'],
    ['\u001bPq#0;2\u001b\\after', 'after'],
    ['\u001b]0;never ends', ''],
    ['\u009b2Jb', 'b'],
    ['\u001b[?1049halt', 'alt'],
    ['\u001b(Bascii', 'ascii'],
    ['\u001b', ''],
    ['10%\r20%\r100%', '100%'],
    ['windows\r', 'windows'],
    ['a\tb', 'a       b'],
    ['12345678\tb', '12345678        b'],
    ['a\bb\u0000\u007f', 'ab'],
    ['abc\u202edef', 'abcdef'],
    ['日本語', '日本語'],
  ])('%j is shown as %j', (line, shown) => {
    expect(printableLine(line)).toBe(shown);
  });

  test('never holds a control character, whatever it was', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        for (const line of text.split('\n')) expect(printableLine(line)).not.toMatch(/[\p{Cc}\p{Cs}\u202e\u2028]/u);
      }),
    );
  });
});

describe('a text for a terminal', () => {
  test('keeps lines, tabs and colours, which end with their line', () => {
    expect(printableText('a\tb\n\u001b[1;31mred\nplain\n')).toBe('a\tb\n\u001b[1;31mred\u001b[0m\nplain\n');
  });

  test('loses what moves the cursor, sets modes, or asks the terminal something', () => {
    expect(printableText('\u001b[2Ja\u001b[6nb\u001b]52;c;eA==\u0007c\u001b[?25ld\u001b[31me')).toBe(
      'abcd\u001b[31me\u001b[0m',
    );
  });

  test('holds no other sequence than colours, whatever it was', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = printableText(text);
        expect(shown.replaceAll(colours, '')).not.toMatch(/(?![\n\t\r])\p{Cc}/u);
        expect(shown.split('\n')).toHaveLength(text.split('\n').length);
      }),
    );
  });

  test('is ASCII where the terminal is not said to take UTF-8: its bytes might be controls there', () => {
    expect(textForTerminal('naïve 日本 …\n', { LANG: 'C' })).toBe('na?ve ?? ?\n');
    expect(textForTerminal('naïve 日本 …\n', utf8)).toBe('naïve 日本 …\n');
  });

  test.each([
    [{ LANG: 'de_DE.UTF-8' }, true],
    [{ LANG: 'de_DE.utf8' }, true],
    [{ LANG: 'de_DE.UTF-8', LC_CTYPE: 'de_DE.ISO-8859-1' }, false],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: '' }, true],
    [{ LANG: 'de_DE.UTF-8', TERM: 'linux' }, false],
    [{}, false],
  ])('the environment %j says UTF-8: %s', (env, isUtf8) => {
    expect(encoderFor(env)('é')).toBe(isUtf8 ? 'é' : '?');
  });
});
