import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseChmod } from '../../../src/dockerfile/chmod-mode.ts';
import { chmodBefore, chmodCases } from './docker-chmod-cases.ts';

test.each(chmodCases)('--chmod=%s makes what docker makes: %s', (text, after) => {
  const mode = parseChmod(text);
  const made = chmodBefore.map((before, index) => mode?.apply(Number.parseInt(before, 8), index === 0).toString(8));
  expect(mode === undefined ? 'refused' : made.join(' ')).toBe(after);
});

test('an octal mode is the same for everything, a symbolic one is not', () => {
  expect(parseChmod('0755')?.fixed).toBe(0o755);
  expect(parseChmod('7777')?.fixed).toBe(0o7777);
  expect(parseChmod('u=rw')?.fixed).toBeUndefined();
});

test.each(['17777', '018', '755,u+s', 'u+x,', ',u+x', 'u=q', 'x', ' ', '', 'u + x', '-1', '0x1ff', '٧٥٥'])(
  '%j is refused',
  (text) => {
    expect(parseChmod(text)).toBeUndefined();
  },
);

test('whatever is written is refused or stays within 07777', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ugoa+-=rwxXst,0178'.split('')) }));
  fc.assert(
    fc.property(text, fc.nat(0o7777), fc.boolean(), (written, before, isDirectory) => {
      const after = parseChmod(written)?.apply(before, isDirectory) ?? 0;
      expect(after & ~0o7777).toBe(0);
      expect(after).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 5000 },
  );
});
