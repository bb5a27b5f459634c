import type { RootFiles } from './accounts.ts';
import { findFile } from './program.ts';

/** Which release of which distribution (os-release(5)). */
export interface OsRelease {
  /** `debian` */
  readonly id: string;
  /** `13` */
  readonly version: string | undefined;
  /** `Debian GNU/Linux 13 (trixie)` */
  readonly name: string;
}

const longest = 64 * 1024;

/** Undefined: the image does not say. */
export async function readOsRelease({ view, store, helper }: RootFiles): Promise<OsRelease | undefined> {
  const file = findFile(view, 'etc/os-release') ?? findFile(view, 'usr/lib/os-release');
  if (file === undefined) return undefined;
  const text = await helper.read({ root: store.diffDirectory(file.layer), path: file.path, max: longest, cut: true });
  return parseOsRelease(text?.toString('utf8') ?? '');
}

/** Missing names are those that os-release(5) gives. */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map(
    [...text.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => [name, unquote(value.trim())]),
  );
  return {
    id: values.get('ID') ?? 'linux',
    version: values.get('VERSION_ID'),
    name: values.get('PRETTY_NAME') ?? values.get('NAME') ?? 'Linux',
  };
}

/** Quoted as a shell does. */
function unquote(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  if (quoted === null) return value;
  const [, quote, inner = ''] = quoted;
  return quote === '"' ? inner.replace(/\\(["\\$`])/g, '$1') : inner;
}
