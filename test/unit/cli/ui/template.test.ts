import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTbuildError } from '../../../../src/index.ts';
import { formatRows } from '../../../../src/cli/ui/row-format.ts';
import { executeTemplate } from '../../../../src/cli/ui/template/execute.ts';
import { parseTemplate } from '../../../../src/cli/ui/template/parse.ts';

const value = {
  ID: '3dca0734e600',
  Size: '300kB',
  Count: 3,
  Empty: '',
  Config: { Cmd: ['sh', '-c', 'a "b"'], Labels: { b: '2', a: '1' } },
};

const run = (text: string): string => executeTemplate(parseTemplate(text), value);

// What `docker history --format` and `docker inspect --format` print for such values.
describe('templates', () => {
  test.each([
    ['plain', 'plain'],
    ['{{.ID}}: {{ .Size }}', '3dca0734e600: 300kB'],
    ['{{json .Config.Cmd}}', '["sh","-c","a \\"b\\""]'],
    ['{{.Config.Cmd}}', '[sh -c a "b"]'],
    ['{{.Config.Labels}}', 'map[a:1 b:2]'],
    ['{{.Config.Labels.a}}', '1'],
    ['{{upper .Size}} {{lower "ABC"}} {{title "two words"}}', '300KB abc Two Words'],
    ['{{truncate .ID 4}}|{{pad .Size 1 2}}|{{pad .Empty 1 2}}|', '3dca| 300kB  ||'],
    ['{{join .Config.Cmd ", "}}', 'sh, -c, a "b"'],
    ['{{split "a:b" ":" | json}}', '["a","b"]'],
    [
      '{{printf "%-15s|%5s|%.3s|%q|%d|%05d|%x|%%" .ID "x" .ID "q" 7 42 255}}',
      '3dca0734e600   |    x|3dc|"q"|7|00042|ff|%',
    ],
    ['{{.ID | printf "%s-%s" "x" | upper}}', 'X-3DCA0734E600'],
    ['{{index .Config.Cmd 1}} {{index .Config.Labels "b"}} {{len .Config.Cmd}} {{len .ID}}', '-c 2 3 12'],
    ['{{(index .Config.Cmd 0)}}{{(.Config).Labels.a}}', 'sh1'],
    ['{{if .Empty}}a{{else}}b{{end}}', 'b'],
    ['{{if eq .Count 1}}one{{else if gt .Count 2}}many{{else}}two{{end}}', 'many'],
    ['{{if and .ID (not .Empty)}}yes{{end}}{{if or .Empty false}}no{{end}}', 'yes'],
    ['{{range .Config.Cmd}}<{{.}}>{{end}}', '<sh><-c><a "b">'],
    ['{{range .Config.Missing | or .Config.Cmd}}x{{end}}', undefined],
    ['{{range split "" "x"}}<{{.}}>{{else}}none{{end}}', '<>'],
    ['{{with .Config.Labels}}{{.a}}{{end}}{{with .Empty}}x{{else}}{{.ID}}{{end}}', '13dca0734e600'],
    ['a  {{- .Size -}}  b', 'a300kBb'],
    ['a{{/* a }} comment */}}b', 'ab'],
    ['{{"}}"}}{{`raw\\n`}}{{"tab\\t"}}', '}}raw\\ntab\t'],
    ['{{true}} {{nil}} {{-1}} {{1.5}}', 'true <no value> -1 1.5'],
    ['{{print "a" 1}}{{println "b"}}', 'a 1b\n'],
    ['{{eq .ID "x" "3dca0734e600"}} {{ne 1 2}} {{lt "a" "b"}} {{le 2 2}} {{ge 1 2}}', 'true true true true false'],
  ])('%s', (text, expected) => {
    if (expected === undefined) expect(() => run(text)).toThrow('no field .Missing');
    else expect(run(text)).toBe(expected);
  });

  test.each([
    ['{{.Nope}}', 'there is no field .Nope; there are .ID .Size .Count .Empty .Config'],
    ['{{.ID.x}}', 'there is no field .x'],
    ['{{nope 1}}', 'there is no function nope; there are and,'],
    ['{{.ID', 'an action {{ is not closed'],
    ['{{"a', 'an action {{ is not closed'],
    ['{{}}', '{{}}: a value is missing'],
    ['{{.ID | }}', 'a value is missing'],
    ['{{(.ID}}', 'a parenthesis is not closed'],
    ['{{.ID)}}', 'a parenthesis is closed that was not opened'],
    ['{{if .ID}}', 'has no {{end}}'],
    ['{{if .ID}}a{{else}}b', 'has no {{end}}'],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{$x := 1}}', '{{$x := 1}} is not supported'],
    ['{{define "x"}}', 'is not supported'],
    ['{{.ID 1}}', 'is no function and takes no arguments'],
    ['{{upper 1}}', 'a text is needed, not 1'],
    ['{{printf "%s"}}', 'there is no value for %s'],
    ['{{printf "x" 1}}', 'more values than verbs'],
    ['{{printf "%y" 1}}', '%y is not supported'],
    ['{{index .Config.Cmd 9}}', 'index out of range: 9'],
    ['{{lt 1 "a"}}', 'cannot be compared'],
    ['{{#}}', 'unexpected "#"'],
  ])('%s is a mistake', (text, message) => {
    expect(() => run(text)).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }));
    expect(() => run(text)).toThrow(message);
  });

  test('whatever is written, it is a text or a mistake', () => {
    const words = [
      '{{',
      '}}',
      '.ID',
      '(',
      ')',
      '|',
      'if ',
      'end',
      'else',
      'range ',
      '"',
      '`',
      '1',
      ' ',
      '-',
      'json ',
      'x',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), (parts) => {
        try {
          expect(typeof run(parts.join(''))).toBe('string');
        } catch (error) {
          if (!isTbuildError(error, 'TBUILD_USAGE')) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('formatRows', () => {
  const columns = { ID: 'IMAGE', Size: 'SIZE', Comment: 'COMMENT' };
  const rows = [
    { ID: 'abc', Size: '1B', Comment: 'two\nlines' },
    { ID: '<missing>', Size: '120.5MB', Comment: '' },
  ];
  const format = (text: string | undefined): string =>
    formatRows({ columns, shown: ['ID', 'Size'], format: text }, rows);

  test('a table by default, as docker aligns it', () => {
    const table = 'IMAGE       SIZE\nabc         1B\n<missing>   120.5MB\n';
    expect(format(undefined)).toBe(table);
    expect(format('table')).toBe(table);
  });

  test('columns of a template, their heads in the place of values', () => {
    expect(format('table {{.Size}}\\t{{.ID}} {{upper .Comment}}')).toBe(
      'SIZE      IMAGE COMMENT\n1B        abc TWO LINES\n120.5MB   <missing>\n',
    );
  });

  test('a template a line, and JSON with its names in order', () => {
    expect(format('{{.ID}}\\t{{.Comment}}')).toBe('abc\ttwo\nlines\n<missing>\t\n');
    expect(format('json')).toBe(
      '{"Comment":"two\\nlines","ID":"abc","Size":"1B"}\n{"Comment":"","ID":"<missing>","Size":"120.5MB"}\n',
    );
  });
});
