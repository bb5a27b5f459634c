import { describe, expect, test } from 'vitest';
import { compareVersions, findLibraryVersion, kernelVersion } from '../../../src/rootfs/c-library.ts';
import { elfArchitecture, elfPlatform, kernelArchitecture, runsNatively } from '../../../src/rootfs/machine.ts';
import { parseOsRelease } from '../../../src/rootfs/os-release.ts';

const elf = { bits: 64, isLittleEndian: true, loader: undefined, oldestKernel: undefined } as const;

describe('architectures', () => {
  test.each([
    ['amd64', { machine: 62 }],
    ['amd64p32', { machine: 62, bits: 32 as const }],
    ['386', { machine: 3, bits: 32 as const }],
    ['arm64', { machine: 183 }],
    ['arm', { machine: 40, bits: 32 as const }],
    ['riscv64', { machine: 243 }],
    ['ppc64le', { machine: 21 }],
    ['ppc64', { machine: 21, isLittleEndian: false }],
    ['s390x', { machine: 22, isLittleEndian: false }],
    ['loong64', { machine: 258 }],
    ['mips64le', { machine: 8 }],
    ['mips', { machine: 8, bits: 32 as const, isLittleEndian: false }],
    [undefined, { machine: 94 }],
  ])('%s', (name, header) => {
    expect(elfArchitecture({ ...elf, ...header })).toBe(name);
  });

  const amd64 = { ...elf, machine: 62 };
  const arm64 = { ...elf, machine: 183 };
  const arm = { ...elf, machine: 40, bits: 32 } as const;
  const i386 = { ...elf, machine: 3, bits: 32 } as const;
  test.each([
    ['x86_64', amd64, 'yes'],
    ['x86_64', i386, 'perhaps'],
    ['x86_64', arm64, 'no'],
    ['i686', i386, 'yes'],
    ['i686', amd64, 'perhaps'],
    ['aarch64', arm64, 'yes'],
    ['aarch64', arm, 'perhaps'],
    ['aarch64', amd64, 'no'],
    ['armv7l', arm, 'yes'],
    ['armv8l', arm64, 'perhaps'],
    ['ppc64le', { ...elf, machine: 21, isLittleEndian: false }, 'no'],
    ['riscv64', { ...elf, machine: 94 }, 'no'],
    ['unheard-of', amd64, 'perhaps'],
  ] as const)('a kernel on %s runs %o: %s', (machine, program, answer) => {
    expect(runsNatively(machine, program)).toBe(answer);
  });

  test('people read a platform, or the number of what is none', () => {
    expect([arm64, { ...elf, machine: 94 }].map(elfPlatform)).toEqual(['linux/arm64', 'ELF machine 94']);
  });

  test('a machine is called as its platform', () => {
    expect(['x86_64', 'aarch64', 'armv7l', 'sparc64'].map(kernelArchitecture)).toEqual([
      'amd64',
      'arm64',
      'arm',
      'sparc64',
    ]);
  });
});

describe('kernel versions', () => {
  test.each([
    ['6.18.44-fc-v669', [6, 18, 44]],
    ['4.4.0', [4, 4, 0]],
    ['5.10', [5, 10, 0]],
    ['6.1.0-rc3+', [6, 1, 0]],
    ['strange', [0, 0, 0]],
  ])('%s', (release, version) => {
    expect(kernelVersion(release)).toEqual(version);
  });

  test('compare by number, not by text', () => {
    expect(compareVersions([3, 10, 0], [3, 9, 9])).toBeGreaterThan(0);
    expect(compareVersions([99, 0, 0], [6, 18, 44])).toBeGreaterThan(0);
    expect(compareVersions([3, 2, 0], [3, 2, 0])).toBe(0);
    expect(compareVersions([3, 2, 0], [3, 2, 1])).toBeLessThan(0);
  });
});

test('findLibraryVersion reads what a C library says of itself', () => {
  const glibc = Buffer.from('\0GNU C Library (Debian GLIBC 2.41-12) stable release version 2.41.\nCopyright\0');
  const musl = Buffer.from('\0musl libc (x86_64)\nVersion %s\n\x00127.0.0.1\x001.2.5\0');
  expect(findLibraryVersion('glibc', glibc)).toBe('2.41');
  expect(findLibraryVersion('musl', musl)).toBe('1.2.5');
  expect(findLibraryVersion('glibc', musl)).toBeUndefined();
  expect(findLibraryVersion('musl', Buffer.alloc(0))).toBeUndefined();
});

describe('parseOsRelease', () => {
  test('unquotes as a shell', () => {
    const text = 'PRETTY_NAME="Debian GNU/Linux 13 (\\"trixie\\")"\nID=debian\n# a comment\nVERSION_ID=\'13\'\n';
    expect(parseOsRelease(text)).toEqual({ id: 'debian', version: '13', name: 'Debian GNU/Linux 13 ("trixie")' });
  });

  test('what is missing has the defaults of os-release(5)', () => {
    expect(parseOsRelease('')).toEqual({ id: 'linux', version: undefined, name: 'Linux' });
    expect(parseOsRelease('NAME=Alpine\n').name).toBe('Alpine');
  });
});
