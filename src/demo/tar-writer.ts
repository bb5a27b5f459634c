/** One entry of a tar: a regular file when it has content, a symlink when it has a link, else a directory. Owner root, mtime 0. */
export interface TarEntry {
  /** Without leading slash; directories without the slash behind, too. */
  readonly path: string;
  readonly mode: number;
  readonly link?: string | undefined;
  readonly content?: Buffer | undefined;
}

const blockSize = 512;

/** A ustar archive, block by block. Throws a `RangeError` for a path that ustar cannot hold (about 250 bytes). */
export function* writeTar(entries: Iterable<TarEntry>): Generator<Buffer> {
  for (const entry of entries) {
    yield header(entry);
    if (entry.content === undefined || entry.content.length === 0) continue;
    yield entry.content;
    yield Buffer.alloc((blockSize - (entry.content.length % blockSize)) % blockSize);
  }
  yield Buffer.alloc(2 * blockSize);
}

function header(entry: TarEntry): Buffer {
  const type = entry.link !== undefined ? '2' : entry.content !== undefined ? '0' : '5';
  const { prefix, name } = splitPath(type === '5' ? `${entry.path}/` : entry.path);
  const block = Buffer.alloc(blockSize);
  block.write(name, 0);
  writeOctal(block, { value: entry.mode & 0o7777, at: 100, size: 8 });
  writeOctal(block, { value: 0, at: 108, size: 8 });
  writeOctal(block, { value: 0, at: 116, size: 8 });
  writeOctal(block, { value: entry.content?.length ?? 0, at: 124, size: 12 });
  writeOctal(block, { value: 0, at: 136, size: 12 });
  block.write(type, 156);
  if (Buffer.byteLength(entry.link ?? '') > 100)
    throw new RangeError(`the target of ${entry.path} is too long for ustar`);
  block.write(entry.link ?? '', 157);
  block.write('ustar\0' + '00', 257, 'latin1');
  block.write(prefix, 345);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function writeOctal(block: Buffer, { value, at, size }: { value: number; at: number; size: number }): void {
  block.write(value.toString(8).padStart(size - 1, '0'), at, 'latin1');
}

/** 100 bytes of name, or up to 155 of prefix and 100 of name, parted at a slash. */
function splitPath(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  for (let slash = path.indexOf('/'); slash > 0 && slash < path.length - 1; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { prefix, name };
  }
  throw new RangeError(`the path ${path} is too long for ustar`);
}
