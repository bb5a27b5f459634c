import { escapePath } from '../../context/describe.ts';
import { heredocFileName } from '../../dockerfile/heredoc.ts';
import type { InlineFile } from '../../dockerfile/instruction.ts';
import { sha256Hex } from '../../native/sha256.ts';
import { encodePathBytes } from '../../util/path-bytes.ts';
import type { TransferSource } from '../steps/copy-step.ts';
import type { SourceItem } from '../transfer/source.ts';

/** What docker gives to a file that a heredoc holds. */
const fileMode = 0o644;

/** Files that stand in the Dockerfile itself, as heredocs. */
export function inlineSource(files: readonly InlineFile[]): TransferSource {
  const hashed = files.map((file) => {
    const bytes = encodePathBytes(file.content);
    return { file, bytes, sha256: sha256Hex(bytes) };
  });
  const digest = sha256Hex(JSON.stringify(hashed.map(({ file, sha256 }) => ['heredoc', file.name, sha256])));
  return {
    origin: 'the Dockerfile',
    digest: () => Promise.resolve(digest),
    select: () => Promise.resolve({ digest, items: hashed.map(({ file, bytes }) => toItem(file, bytes)), roots: [] }),
    withChanges: () => {
      throw new TypeError('nothing changes what a heredoc holds');
    },
    describe: () =>
      hashed
        .map(({ file, sha256 }) => `${escapePath(`<<${file.name}`)} f ${fileMode.toString(8)} sha256=${sha256}\n`)
        .join(''),
    explain: (error) => error,
  };
}

function toItem(file: InlineFile, bytes: Buffer): SourceItem {
  const content = { kind: 'stream', size: bytes.length, data: once(bytes) } as const;
  // BuildKit writes the file in this build, so that it has the time of now.
  const mtime = Math.floor(Date.now() / 1000);
  const attributes = { path: '', mode: fileMode, uid: 0, gid: 0, mtime, xattrs: {} };
  return {
    name: heredocFileName(file) ?? file.name,
    source: `<<${file.name}`,
    entries: [{ ...attributes, type: 'file', size: bytes.length, hardlink: undefined, content }],
  };
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
