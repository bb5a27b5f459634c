import type { ElfFacts } from './program.ts';

/** e_machine (elf(5), and the registry of the ELF specification) → GOARCH, by width and byte order where they tell architectures apart. */
const architectures: Readonly<Record<number, (head: ElfFacts) => string>> = {
  3: () => '386',
  8: ({ bits, isLittleEndian }) => `mips${bits === 64 ? '64' : ''}${isLittleEndian ? 'le' : ''}`,
  20: () => 'ppc',
  21: ({ isLittleEndian }) => (isLittleEndian ? 'ppc64le' : 'ppc64'),
  22: ({ bits }) => (bits === 64 ? 's390x' : 's390'),
  40: ({ isLittleEndian }) => (isLittleEndian ? 'arm' : 'armbe'),
  62: ({ bits }) => (bits === 64 ? 'amd64' : 'amd64p32'),
  183: ({ isLittleEndian }) => (isLittleEndian ? 'arm64' : 'arm64be'),
  243: ({ bits }) => (bits === 64 ? 'riscv64' : 'riscv'),
  258: ({ bits }) => (bits === 64 ? 'loong64' : 'loong32'),
};

/** The architecture of a program as a platform names it; undefined where it is none of those. */
export function elfArchitecture(elf: ElfFacts): string | undefined {
  return architectures[elf.machine]?.(elf);
}

/** For people: `linux/arm64`, or the number of one that is not known. */
export function elfPlatform(elf: ElfFacts): string {
  const architecture = elfArchitecture(elf);
  return architecture === undefined ? `ELF machine ${elf.machine}` : `linux/${architecture}`;
}

/** uname's machine → what its kernel always runs, and what it runs where it, and the processor, were made for that. */
const kernels: readonly (readonly [machine: RegExp, always: string, perhaps: readonly string[]])[] = [
  [/^x86_64$/, 'amd64', ['386', 'amd64p32']],
  // A 32-bit personality of a 64-bit kernel says so too.
  [/^i[3-6]86$/, '386', ['amd64', 'amd64p32']],
  [/^aarch64$/, 'arm64', ['arm']],
  [/^arm(v\d.*)?l$/, 'arm', ['arm64']],
  [/^ppc64le$/, 'ppc64le', []],
  [/^ppc64$/, 'ppc64', ['ppc']],
  [/^s390x$/, 's390x', ['s390']],
  [/^riscv64$/, 'riscv64', ['riscv']],
  [/^loongarch64$/, 'loong64', ['loong32']],
];

/** Whether a kernel runs programs of an architecture by itself. `perhaps` also for a machine that is not known here. */
export function runsNatively(machine: string, elf: ElfFacts): 'yes' | 'perhaps' | 'no' {
  const kernel = kernels.find(([pattern]) => pattern.test(machine));
  if (kernel === undefined) return 'perhaps';
  const [, always, perhaps] = kernel;
  const architecture = elfArchitecture(elf) ?? '';
  if (architecture === always) return 'yes';
  return perhaps.includes(architecture) ? 'perhaps' : 'no';
}

/** uname's machine as a platform names it. */
export function kernelArchitecture(machine: string): string {
  return kernels.find(([pattern]) => pattern.test(machine))?.[1] ?? machine;
}
