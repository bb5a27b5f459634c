import { constants, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** One record of a scan buffer; what is left out is the same for all. */
export interface FakeRecord {
  readonly path: string;
  readonly mode?: number;
  readonly ino?: number;
  readonly size?: number;
  readonly mtimeNs?: bigint;
  readonly ctimeNs?: bigint;
  readonly nlink?: number;
}

/** Encodes records as `scanTree` does, in the order given. */
export function encodeRecords(records: readonly FakeRecord[]): Buffer {
  return Buffer.concat(
    records.map((record, index) => {
      const path = Buffer.from(record.path);
      const header = Buffer.alloc(60);
      header.writeUInt32LE(path.length, 0);
      header.writeUInt32LE(record.mode ?? constants.S_IFREG | 0o644, 4);
      header.writeBigUInt64LE(1n, 16);
      header.writeBigUInt64LE(BigInt(record.ino ?? index + 1), 24);
      header.writeBigUInt64LE(BigInt(record.size ?? 0), 32);
      header.writeBigInt64LE(record.mtimeNs ?? 0n, 40);
      header.writeBigInt64LE(record.ctimeNs ?? 0n, 48);
      header.writeUInt32LE(record.nlink ?? 1, 56);
      return Buffer.concat([header, path]);
    }),
  );
}

/** A tree of empty files and the directories named, in the order of a walk. */
export function encodeTree(paths: readonly string[], directories: readonly string[]): Buffer {
  const walkOrder = (path: string): string => path.replaceAll('/', '\0');
  const sorted = [...paths].sort((left, right) =>
    Buffer.compare(Buffer.from(walkOrder(left)), Buffer.from(walkOrder(right))),
  );
  return encodeRecords(
    sorted.map((path) => (directories.includes(path) ? { path, mode: constants.S_IFDIR | 0o755 } : { path })),
  );
}

/** `scanTree` without rules, in JavaScript: what the native one is compared with. */
export function scanSlowly(root: string, below = ''): FakeRecord[] {
  const names = readdirSync(join(root, below)).sort((left, right) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  return names.flatMap((name) => {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(join(root, path), { bigint: true });
    const record = {
      path,
      mode: Number(stats.mode),
      ino: Number(stats.ino),
      size: Number(stats.size),
      mtimeNs: stats.mtimeNs,
      ctimeNs: stats.ctimeNs,
      nlink: Number(stats.nlink),
    };
    return stats.isDirectory() ? [record, ...scanSlowly(root, path)] : [record];
  });
}
