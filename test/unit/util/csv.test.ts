import { describe, expect, test } from 'vitest';
import { MalformedCsv, readCsv } from '../../../src/util/csv.ts';

describe('a line of comma-separated values', () => {
  test.each([
    ['a', ['a']],
    ['a,b=c', ['a', 'b=c']],
    [',', ['', '']],
    ['a,,b,', ['a', '', 'b', '']],
    [' a , b', [' a ', ' b']],
    ['"a,b",c', ['a,b', 'c']],
    ['"a""b"', ['a"b']],
    ['""', ['']],
    ['"",x', ['', 'x']],
    ['""""', ['"']],
  ])('%s', (line, fields) => {
    expect(readCsv(line)).toEqual(fields);
  });

  // Places as `docker build` names them.
  test.each([
    ['', 'EOF'],
    ['type=tmpfs,target=/x"y', 'parse error on line 1, column 21: bare " in non-quoted-field'],
    ['type=tmpfs,"target=/x', 'parse error on line 1, column 13: extraneous or missing " in quoted-field'],
    ['type=tmpfs,"target=/x"z', 'parse error on line 1, column 22: extraneous or missing " in quoted-field'],
  ])('refuses %s', (line, message) => {
    expect(() => readCsv(line)).toThrow(new MalformedCsv(message));
  });
});
