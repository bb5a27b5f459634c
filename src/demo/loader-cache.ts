const magic = 'glibc-ld.so.cache1.1';
const headerSize = 48;
const entrySize = 24;

/**
 * `/etc/ld.so.cache` as ldconfig writes it since glibc 2.2: soname → paths, best first. The older format may stand before it in the same file; what is in neither form reads as empty,
 * which is what the loader does with it too.
 */
export function parseLoaderCache(file: Buffer): ReadonlyMap<string, readonly string[]> {
  const paths = new Map<string, string[]>();
  const start = file.indexOf(magic);
  if (start < 0 || file.length < start + headerSize) return paths;
  const count = file.readUInt32LE(start + 20);
  for (let index = 0; index < count; index++) {
    const at = start + headerSize + index * entrySize;
    if (at + entrySize > file.length) break;
    const soname = readString(file, start + file.readUInt32LE(at + 4));
    const path = readString(file, start + file.readUInt32LE(at + 8));
    paths.set(soname, [...(paths.get(soname) ?? []), path]);
  }
  return paths;
}

function readString(file: Buffer, offset: number): string {
  const end = file.indexOf(0, offset);
  return end < 0 ? '' : file.toString('utf8', offset, end);
}
