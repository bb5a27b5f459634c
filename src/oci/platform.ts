import { TbuildError } from '../errors.ts';
import { objectOf, stringOf } from './json.ts';

/** Normalised: `amd64`, never `x86_64`; `arm` always with its variant; `arm64` without `v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/**
 * Reads what a person writes after `--platform`: `linux/arm64/v8`, `arm64`, `linux`. Missing parts are the host's.
 * Throws TBUILD_USAGE when malformed and TBUILD_UNSUPPORTED for systems other than Linux.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || !parts.every((part) => /^[A-Za-z0-9_.-]+$/.test(part))) throw invalid(text);
  const [first = '', architecture, variant] = parts;
  if (architecture !== undefined) {
    requireLinux(first, text);
    const platform = normalizePlatform({ os: first, architecture, variant });
    if (!isKnownArchitecture(platform.architecture)) throw invalid(text);
    return platform;
  }
  const alone = normalizePlatform({ os: 'linux', architecture: first });
  if (isKnownArchitecture(alone.architecture)) return alone;
  requireLinux(first, text);
  return hostPlatform();
}

/** `linux/arm/v7` */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** The same names that containerd's `platforms.Normalize` gives. */
export function normalizePlatform(platform: {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}): Platform {
  const { architecture, variant } = normalizeArchitecture(
    platform.architecture.toLowerCase(),
    (platform.variant ?? '').toLowerCase(),
  );
  const os = platform.os.toLowerCase() === 'macos' ? 'darwin' : platform.os.toLowerCase();
  return variant === '' ? { os, architecture } : { os, architecture, variant };
}

export function hostPlatform(): Platform {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return normalizePlatform({ os: 'linux', architecture: names[process.arch] ?? process.arch });
}

export function samePlatform(a: Platform, b: Platform): boolean {
  return formatPlatform(normalizePlatform(a)) === formatPlatform(normalizePlatform(b));
}

/**
 * Chooses as docker does (containerd `platforms.Only`): the exact platform, then what it can run (amd64 before 386, arm64 before arm v8…v5, arm v7 before v6), the first of equals;
 * candidates that name no platform come last. Undefined: none fits.
 */
export function matchPlatform<T extends { readonly platform?: Platform }>(
  candidates: readonly T[],
  wanted: Platform,
): T | undefined {
  for (const acceptable of runnablePlatforms(wanted)) {
    const found = candidates.find(({ platform }) => platform !== undefined && samePlatform(platform, acceptable));
    if (found !== undefined) return found;
  }
  return candidates.find(({ platform }) => platform === undefined);
}

/** The platform object of a descriptor; os.version and the like are not kept. Empty or unknown names are legal there and match nothing. */
export function platformOf(value: unknown, what: string): Platform {
  const { os, architecture, variant } = objectOf(value, what);
  const optional = variant === undefined || variant === null ? undefined : stringOf(variant, `${what}.variant`);
  return normalizePlatform({
    os: stringOf(os, `${what}.os`),
    architecture: stringOf(architecture, `${what}.architecture`),
    variant: optional,
  });
}

function runnablePlatforms(wanted: Platform): readonly Platform[] {
  const { os, architecture, variant } = normalizePlatform(wanted);
  const platform = (name: string, version?: number): Platform =>
    normalizePlatform({ os, architecture: name, variant: version === undefined ? undefined : `v${version}` });
  const own = normalizePlatform(wanted);
  const version = Number(variant?.replace(/^v/, '') ?? 0);
  const below = (from: number, to: number): readonly number[] =>
    Array.from({ length: Math.max(0, from - to) }, (_, index) => from - 1 - index);
  switch (architecture) {
    case 'amd64':
      return [own, ...below(version, 1).map((each) => platform('amd64', each)), platform('386')];
    case 'arm':
      return [own, ...below(version, 5).map((each) => platform('arm', each))];
    case 'arm64':
      return [
        own,
        ...(variant === undefined ? [] : [platform('arm64')]),
        ...[8, 7, 6, 5].map((each) => platform('arm', each)),
      ];
    default:
      return [own];
  }
}

function normalizeArchitecture(architecture: string, variant: string): { architecture: string; variant: string } {
  switch (architecture) {
    case 'i386':
    case 'i686':
      return { architecture: '386', variant: '' };
    case 'x86_64':
    case 'x86-64':
    case 'x64':
    case 'amd64':
      return { architecture: 'amd64', variant: variant === 'v1' ? '' : variant };
    case 'aarch64':
    case 'arm64':
      return { architecture: 'arm64', variant: variant === '8' || variant === 'v8' ? '' : variant };
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' };
    case 'armel':
      return { architecture: 'arm', variant: 'v6' };
    case 'arm':
      return { architecture: 'arm', variant: variant === '' ? 'v7' : variant.replace(/^(?=[5-8]$)/, 'v') };
    default:
      return { architecture, variant };
  }
}

function isKnownArchitecture(architecture: string): boolean {
  const known = '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x';
  return known.split(' ').includes(architecture);
}

function requireLinux(os: string, text: string): void {
  if (os.toLowerCase() === 'linux') return;
  if (/^(?:windows|darwin|macos|freebsd|netbsd|openbsd|solaris|illumos|plan9|aix|wasip1|js)$/i.test(os)) {
    throw new TbuildError('TBUILD_UNSUPPORTED', `platform ${text}: only Linux images are built`);
  }
  throw invalid(text);
}

function invalid(text: string): TbuildError {
  return new TbuildError('TBUILD_USAGE', `platform ${JSON.stringify(text.slice(0, 100))} is not known`, {
    hint: 'A platform is written os/architecture[/variant], for example linux/arm64 or linux/arm/v7.',
  });
}
