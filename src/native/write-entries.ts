import { TbuildError } from '../errors.ts';
import { createFrameBatch, maxPayload } from './frames.ts';
import type { Fields, WriteEntry } from './helper-types.ts';
import type { Operation } from './operation.ts';

const batchSize = 128 * 1024;

/** Sends the entries of a `write` operation, many at a time with the contents that come with them, and the end mark. */
export async function sendEntries(
  operation: Operation,
  entries: Iterable<WriteEntry> | AsyncIterable<WriteEntry>,
): Promise<void> {
  const batch = createFrameBatch(2 * batchSize);
  /** A promise only where there is something to wait for: there may be a hundred thousand entries. */
  const flushWhenFull = (): Promise<void> | undefined =>
    batch.length < batchSize ? undefined : operation.sendRaw(batch.take());
  const sendContent = async (path: string, size: number, data: AsyncIterable<Uint8Array>): Promise<void> => {
    let sent = 0;
    for await (const chunk of data) {
      sent += chunk.length;
      for (let start = 0; start < chunk.length; start += maxPayload) {
        batch.addBytes('D', chunk.subarray(start, start + maxPayload));
        await flushWhenFull();
      }
    }
    if (sent !== size)
      throw new TbuildError('TBUILD_ARCHIVE', `${path}: ${sent} bytes of content where ${size} were announced`);
  };
  const send = (entry: WriteEntry): Promise<void> | undefined => {
    batch.addFields('E', entryFields(entry));
    if (entry.type === 'file' && entry.content.kind === 'stream')
      return sendContent(entry.path, entry.content.size, entry.content.data);
    return flushWhenFull();
  };
  if (Symbol.asyncIterator in entries) {
    for await (const entry of entries) await send(entry);
  } else {
    for (const entry of entries) {
      const sending = send(entry);
      if (sending !== undefined) await sending;
    }
  }
  batch.addFields('Z', []);
  await operation.sendRaw(batch.take());
}

function entryFields(entry: WriteEntry): Fields {
  const fields: [string, string][] = [
    ['path', entry.path],
    ['type', entry.type],
  ];
  if (entry.type === 'whiteout') return fields;
  if (entry.type === 'hardlink') return [...fields, ['link', entry.link]];
  fields.push(['mode', entry.mode.toString(8)], ['uid', String(entry.uid)], ['gid', String(entry.gid)]);
  if (entry.type !== 'parent' && entry.mtime !== undefined) fields.push(['mtime', String(entry.mtime)]);
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) fields.push(['xattr', `${name}=${value}`]);
  if (entry.type === 'symlink') fields.push(['link', entry.link]);
  if (entry.type === 'directory' && entry.opaque === true) fields.push(['opaque', '1']);
  if (entry.type === 'character' || entry.type === 'block') {
    fields.push(['major', String(entry.major)], ['minor', String(entry.minor)]);
  }
  if (entry.type === 'file') fields.push(...contentFields(entry.content));
  return fields;
}

function contentFields(content: Extract<WriteEntry, { type: 'file' }>['content']): [string, string][] {
  if (content.kind === 'stream') return [['size', String(content.size)]];
  const fields: [string, string][] = [
    ['from', String(content.source)],
    ['source-path', content.path],
    ['sha256', content.sha256],
  ];
  const { expect } = content;
  if (expect !== undefined) fields.push(['expect', `${expect.size}:${expect.mtimeNs}:${expect.ctimeNs}`]);
  if (content.verify === true) fields.push(['verify', '1']);
  return fields;
}
