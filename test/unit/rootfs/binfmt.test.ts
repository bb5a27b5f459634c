import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { handlersFor, parseHandler, readEmulation } from '../../../src/rootfs/binfmt.ts';
import { emulationObstacle } from '../../../src/rootfs/runnable.ts';
import { mergedView } from '../../../src/store/merged.ts';
import { makeProgram } from '../../helpers/program-file.ts';

// As Debian's qemu-user-binfmt registers them.
const magic = '7f454c460201010000000000000000000200b700';
const mask = 'ffffffffffffff00fffffffffffffffffeffffff';
const handlerText = (state: string, flags: string): string =>
  `${state}\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: ${flags}\noffset 0\nmagic ${magic}\nmask ${mask}\n`;

const arm64 = makeProgram({ machine: 183 }).subarray(0, 256);
const riscv64 = makeProgram({ machine: 243 }).subarray(0, 256);

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'tbuild-binfmt-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
const read = (): ReturnType<typeof readEmulation> =>
  readEmulation({ directory, filesystems: join(directory, 'filesystems') });

describe('readEmulation', () => {
  test('reads what is registered, but not what goes by file names', () => {
    write('status', 'enabled\n');
    write('register', '');
    write('qemu-aarch64', handlerText('enabled', 'POCF'));
    write('jar', 'enabled\ninterpreter /usr/bin/jexec\nflags: \nextension .jar\n');
    expect(read()).toEqual({
      kind: 'seen',
      handlers: [
        {
          name: 'qemu-aarch64',
          isEnabled: true,
          interpreter: '/usr/libexec/qemu-binfmt/aarch64-binfmt-P',
          flags: 'POCF',
          offset: 0,
          magic: Buffer.from(magic, 'hex'),
          mask: Buffer.from(mask, 'hex'),
        },
      ],
    });
  });

  test('switched off as a whole: nothing', () => {
    write('status', 'disabled\n');
    write('qemu-aarch64', handlerText('enabled', 'F'));
    expect(read()).toEqual({ kind: 'seen', handlers: [] });
  });

  test('a kernel without it has nothing registered; one that does not show it may have', () => {
    write('filesystems', 'nodev\tproc\n\text4\n');
    expect(read()).toEqual({ kind: 'seen', handlers: [] });
    write('filesystems', 'nodev\tproc\nnodev\tbinfmt_misc\n');
    expect(read()).toEqual({ kind: 'hidden' });
  });
});

describe('handlersFor', () => {
  const handler = parseHandler('qemu-aarch64', handlerText('enabled', 'F'))!;
  const off = { ...handler, name: 'off', isEnabled: false };

  test('goes by magic and mask', () => {
    expect(handlersFor([handler], arm64)).toEqual([handler]);
    expect(handlersFor([handler], Buffer.from(arm64).fill(7, 7, 8))).toEqual([handler]);
    expect(handlersFor([handler], riscv64)).toEqual([]);
    expect(handlersFor([handler], arm64.subarray(0, 10))).toEqual([]);
  });

  test('with an offset, and without a mask', () => {
    const text = 'enabled\ninterpreter /x\nflags: \noffset 18\nmagic b700\n';
    const machine = parseHandler('machine', text)!;
    expect(handlersFor([machine], arm64)).toEqual([machine]);
    expect(handlersFor([machine], riscv64)).toEqual([]);
  });

  test('those that are switched on come first', () => {
    expect(handlersFor([off, handler], arm64)).toEqual([handler, off]);
  });
});

describe('emulationObstacle', () => {
  const view = mergedView([], () => {
    throw new Error('there is no layer');
  });
  const obstacle = (text: string | undefined): string | undefined => {
    const handler = text === undefined ? undefined : parseHandler('qemu-aarch64', text);
    return emulationObstacle({ view }, handler === undefined ? [] : [handler])?.reason;
  };

  test('what was opened at registration emulates', () => {
    expect(obstacle(handlerText('enabled', 'POCF'))).toBeUndefined();
  });

  test('says what is missing', () => {
    expect(obstacle(undefined)).toBe('no emulator is registered for it');
    expect(obstacle(handlerText('disabled', 'F'))).toBe('its emulator qemu-aarch64 is switched off');
    expect(obstacle(handlerText('enabled', 'POC'))).toBe(
      'its emulator /usr/libexec/qemu-binfmt/aarch64-binfmt-P is looked for in the image, which does not have it',
    );
  });
});
