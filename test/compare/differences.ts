import type { Config, LoadedImage } from './image.ts';
import type { TarEntry } from './tar.ts';
import { unpack } from './tree.ts';
import type { Node, Unpacked } from './tree.ts';

/** One thing that is not the same in both images. */
export interface Difference {
  /** `tree`: of the unpacked images; `layer`: of what one layer says; `config`: of the config. */
  readonly area: 'tree' | 'layer' | 'config';
  /** Path in the image, or name of the member of the config. */
  readonly where: string;
  readonly what: string;
  /** As printed; 'absent' where there is none. */
  readonly ours: string;
  readonly docker: string;
  /** In a tree: what both have there. */
  readonly entries?: { readonly ours: TarEntry | undefined; readonly docker: TarEntry | undefined };
}

/** @param started seconds since the epoch, before either build: times after it are "now", and two nows are equal. */
export function compareImages(ours: LoadedImage, docker: LoadedImage, started: number): readonly Difference[] {
  const [a, b] = [unpack(ours.layers, started), unpack(docker.layers, started)];
  return [
    ...compareConfigs(ours.config, docker.config),
    ...compareChanges(a.changes, b.changes),
    ...compareTrees(a.tree, b.tree, started),
  ];
}

type Tree = ReadonlyMap<string, Node>;

function compareTrees(ours: Tree, docker: Tree, started: number): Difference[] {
  const differences: Difference[] = [];
  for (const path of new Set([...ours.keys(), ...docker.keys()])) {
    const [a, b] = [ours.get(path), docker.get(path)];
    const entries = { ours: a?.entry, docker: b?.entry };
    const [left, right] = [describe(a, started), describe(b, started)];
    const names = new Set([...Object.keys(left), ...Object.keys(right)]);
    for (const what of left['type'] === right['type'] ? names : ['type']) {
      const [x, y] = [left[what] ?? 'absent', right[what] ?? 'absent'];
      if (x !== y) differences.push({ area: 'tree', where: `/${path}`, what, ours: x, docker: y, entries });
    }
  }
  return differences;
}

function describe(node: Node | undefined, started: number): Record<string, string> {
  if (node === undefined) return {};
  const { entry, names } = node;
  return {
    type: entry.type,
    mode: entry.mode.toString(8),
    owner: `${entry.uid}:${entry.gid}`,
    mtime: entry.mtime >= started - 1 ? 'now' : new Date(entry.mtime * 1000).toISOString(),
    content: entry.type === 'file' ? `${entry.size} bytes ${entry.sha256.slice(0, 16)}` : '',
    target: entry.type === 'symlink' ? entry.link : '',
    device: entry.device,
    'hard links': names.length > 1 ? names.join(' ') : '',
    ...Object.fromEntries(Object.entries(entry.xattrs).map(([name, value]) => [`xattr ${name}`, value])),
  };
}

type Changes = Unpacked['changes'];

function compareChanges(ours: Changes, docker: Changes): Difference[] {
  const [x, y] = [ours.length, docker.length];
  if (x !== y) return [{ area: 'layer', where: 'all', what: 'count', ours: String(x), docker: String(y) }];
  return ours.flatMap((a, index) => {
    const b = docker[index] ?? new Map<string, string>();
    return [...new Set([...a.keys(), ...b.keys()])].flatMap((path): Difference[] => {
      const [left, right] = [a.get(path) ?? 'absent', b.get(path) ?? 'absent'];
      if (left === right) return [];
      return [{ area: 'layer', where: `${index + 1}:/${path}`, what: 'change', ours: left, docker: right }];
    });
  });
}

function compareConfigs(ours: Config, docker: Config): Difference[] {
  const differences: Difference[] = [];
  const compare = (where: string, a: unknown, b: unknown): void => {
    const [x, y] = [printed(a), printed(b)];
    if (x !== y) differences.push({ area: 'config', where, what: 'value', ours: x, docker: y });
  };
  for (const name of ['architecture', 'os', 'author'] as const) compare(name, ours[name], docker[name]);
  const [a, b] = [ours.config ?? {}, docker.config ?? {}];
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) compare(name, a[name], b[name]);
  const [left, right] = [ours.history ?? [], docker.history ?? []];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    for (const name of ['created_by', 'empty_layer', 'comment', 'author'] as const) {
      compare(`history[${index}].${name}`, left[index]?.[name], right[index]?.[name]);
    }
  }
  return differences;
}

/** Members in order; what is empty, false or null is the same as absent, which programs of docker write in different ways. */
function printed(value: unknown): string {
  if (value === undefined || value === null || value === '' || value === false) return 'absent';
  const text = JSON.stringify(value, (_, member: unknown) => sorted(member));
  return text === '{}' || text === '[]' ? 'absent' : text;
}

function sorted(member: unknown): unknown {
  if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
  return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
}
