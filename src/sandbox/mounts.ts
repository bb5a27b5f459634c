import { posix } from 'node:path';
import type { Fields, MountRequest } from '../native/helper-types.ts';

/** Something that a command sees beside its layers. Targets are absolute paths in the sandbox. */
export type SandboxMount =
  /** A directory or file of this machine. */
  | (Target & {
      readonly type: 'bind';
      readonly source: string;
      /** What of the source is mounted, resolved inside it, symlinks too. @default all of it */
      readonly path?: string | undefined;
      readonly writable: boolean;
    })
  /** What a chain of layers adds up to. What is written is kept as long as the job, and seen by nobody else. */
  | (Target & {
      readonly type: 'layers';
      /** Diff directories, topmost first. */
      readonly layers: readonly string[];
      readonly path: string;
      readonly writable: boolean;
    })
  | (Target & {
      readonly type: 'tmpfs';
      /** Bytes. @default half of the machine's memory, as the kernel has it */
      readonly size: number | undefined;
      readonly writable: boolean;
    })
  /** A file in memory that is never swapped out. */
  | (Target & FileAttributes & { readonly type: 'secret'; readonly content: Uint8Array })
  /** A socket that somebody listens on, by its name in the job directory. */
  | (Target & FileAttributes & { readonly type: 'socket'; readonly name: string });

interface Target {
  readonly target: string;
}

/** As the sandbox sees it. */
export interface FileAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** In the order in which they are mounted: parents first. Of several with one target the last one counts, as in docker. Throws `TypeError` on paths that are not absolute. */
export function orderMounts(mounts: readonly SandboxMount[]): readonly SandboxMount[] {
  const byTarget = new Map<string, SandboxMount>();
  for (const mount of mounts) {
    check(mount);
    const target = cleanTarget(mount.target);
    byTarget.set(target, { ...mount, target });
  }
  return [...byTarget.values()].sort((a, b) => compareComponents(a.target, b.target));
}

function check(mount: SandboxMount): void {
  const sources = mount.type === 'bind' ? [mount.source] : mount.type === 'layers' ? mount.layers : [];
  const relative = [mount.target, ...sources].find((path) => !path.startsWith('/'));
  if (relative !== undefined) throw new TypeError(`not an absolute path: ${relative}`);
}

function cleanTarget(target: string): string {
  const path = posix.normalize(target);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function compareComponents(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (const [index, component] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (component !== other) return component < other ? -1 : 1;
  }
  return left.length - right.length;
}

/** The frames of the helper's operation `run` that tell of mounts (addon/README.md). */
export function encodeMount(mount: SandboxMount, index: number): MountRequest {
  const common: Fields = [
    ['type', mount.type],
    ['target', mount.target],
  ];
  switch (mount.type) {
    case 'bind':
      return { fields: [...common, access(mount), ['source', mount.source], ...pathOf(mount.path)] };
    case 'layers': {
      const layers = [...new Set(mount.layers)].map((layer) => ['layer', layer] as const);
      return { fields: [...common, access(mount), ['source', `mount-${index}`], ...layers, ...pathOf(mount.path)] };
    }
    case 'tmpfs':
      return { fields: [...common, access(mount), ['size', String(mount.size ?? 0)]] };
    case 'secret': {
      const { content } = mount;
      return { fields: [...common, ['size', String(content.length)], ...attributesOf(mount)], content };
    }
    case 'socket':
      return { fields: [...common, ['source', mount.name], ...attributesOf(mount)] };
  }
}

function access({ writable }: { readonly writable: boolean }): Fields[number] {
  return ['access', writable ? 'rw' : 'ro'];
}

function pathOf(path: string | undefined): Fields {
  return path === undefined || path === '' ? [] : [['path', path]];
}

function attributesOf({ mode, uid, gid }: FileAttributes): Fields {
  return [
    ['mode', mode.toString(8)],
    ['uid', String(uid)],
    ['gid', String(gid)],
  ];
}
