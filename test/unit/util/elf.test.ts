import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAbiTag, readElfHeaders } from '../../../src/util/elf.ts';
import { makeProgram } from '../../helpers/program-file.ts';
import type { ProgramRecipe } from '../../helpers/program-file.ts';

function read(file: Buffer): object | undefined {
  const headers = readElfHeaders(file);
  if (headers === undefined) return undefined;
  const { machine, bits, isLittleEndian, interpreter, notes } = headers;
  const piece = ({ offset, size }: { offset: number; size: number }): Buffer => file.subarray(offset, offset + size);
  const tags = notes.map((note) => readAbiTag(headers, note, piece(note)));
  return {
    machine,
    bits,
    isLittleEndian,
    loader: interpreter && piece(interpreter).toString(),
    oldestKernel: tags.find((tag) => tag !== undefined),
  };
}

describe('readElfHeaders and readAbiTag', () => {
  test.each<ProgramRecipe>([
    { machine: 62 },
    { machine: 183, loader: '/lib/ld-linux-aarch64.so.1', oldestKernel: [3, 7, 0] },
    { machine: 40, bits: 32, loader: '/lib/ld.so', oldestKernel: [3, 2, 0] },
    { machine: 22, isLittleEndian: false, loader: '/lib/ld64.so.1', oldestKernel: [3, 2, 0] },
    { machine: 8, bits: 32, isLittleEndian: false, oldestKernel: [2, 6, 32] },
    { machine: 62, loader: '/lib/ld.so', oldestKernel: [99, 0, 0], gap: 100_000 },
  ])('reads %j', (recipe) => {
    const { machine, bits = 64, isLittleEndian = true, loader, oldestKernel } = recipe;
    expect(read(makeProgram(recipe))).toEqual({
      machine,
      bits,
      isLittleEndian,
      loader: loader === undefined ? undefined : `${loader}\0`,
      oldestKernel,
    });
  });

  test('a note of another system does not count', () => {
    expect(read(makeProgram({ machine: 62, oldestKernel: [13, 0, 0], system: 3 }))).toMatchObject({
      oldestKernel: undefined,
    });
  });

  test('reads the very program that runs this test', () => {
    const machine = process.arch === 'x64' ? 62 : 183;
    expect(read(readFileSync(process.execPath))).toMatchObject({
      machine,
      bits: 64,
      isLittleEndian: true,
      loader: expect.stringMatching(/^\/lib.*\0$/),
      oldestKernel: [expect.any(Number), expect.any(Number), expect.any(Number)],
    });
  });

  test.each([
    ['a script', Buffer.from('#!/bin/sh\n'.padEnd(100))],
    ['nothing', Buffer.alloc(0)],
    ['a header that is cut short', makeProgram({ machine: 62 }).subarray(0, 60)],
    ['an unknown width', Buffer.from(makeProgram({ machine: 62 })).fill(3, 4, 5)],
    ['an unknown byte order', Buffer.from(makeProgram({ machine: 62 })).fill(0, 5, 6)],
  ])('%s is not ELF', (_, bytes) => {
    expect(readElfHeaders(bytes)).toBeUndefined();
  });

  test('whatever is in a file, it ends without an error', () => {
    const valid = makeProgram({ machine: 62, loader: '/l', oldestKernel: [1, 2, 3] });
    const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(edits, fc.nat(valid.length), (changes, length) => {
        const bytes = Buffer.from(valid);
        for (const [at, value] of changes) bytes[at] = value;
        read(bytes.subarray(0, length));
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, isLittleEndian) => {
        readAbiTag({ isLittleEndian }, { alignment: 8 }, Buffer.from(bytes));
      }),
    );
  });
});
