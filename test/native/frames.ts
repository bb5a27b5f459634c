import type { RawField, RawFrame } from './raw-client.ts';
import { data, entry } from './raw-client.ts';

/** Frames of the operation `write`, with the fields that a test does not care about filled in. */

export function streamed(path: string, content: string, ...fields: RawField[]): RawFrame[] {
  return streamedBytes(Buffer.from(path), content, ...fields);
}

export function streamedBytes(path: Buffer, content: string, ...fields: RawField[]): RawFrame[] {
  const mode: RawField[] = fields.some(([key]) => key === 'mode') ? [] : [['mode', '644']];
  const size = String(Buffer.byteLength(content));
  return [entry(['path', path], ['type', 'file'], ['size', size], ...mode, ...fields), ...chunks(content)];
}

export function chunks(text: string): RawFrame[] {
  return Array.from({ length: Math.ceil(text.length / 65_536) }, (_, index) =>
    data(text.slice(index * 65_536, (index + 1) * 65_536)),
  );
}

export function directory(path: string, ...fields: RawField[]): RawFrame {
  const mode: RawField[] = fields.some(([key]) => key === 'mode') ? [] : [['mode', '755']];
  return entry(['path', path], ['type', 'directory'], ...mode, ...fields);
}

export function parent(path: string): RawFrame {
  return entry(['path', path], ['type', 'parent'], ['mode', '755']);
}

export function copied(path: string, source: string, ...fields: RawField[]): RawFrame {
  const from: RawField[] = fields.some(([key]) => key === 'from') ? [] : [['from', '0']];
  return entry(['path', path], ['type', 'file'], ['mode', '644'], ['source-path', source], ...from, ...fields);
}
