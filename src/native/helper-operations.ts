import type {
  ChangedFile,
  CommittedDiff,
  DiffOptions,
  Fields,
  Helper,
  HelperInfo,
  LinkedFile,
  TreeUsage,
} from './helper-types.ts';
import { decodeFields } from './frames.ts';
import type { Operation } from './operation.ts';
import { TbuildError } from '../errors.ts';
import { performRun } from './run-operation.ts';
import { sendEntries } from './write-entries.ts';

type Start = (name: string, signal?: AbortSignal) => Operation;

/** The helper's operations as functions: fields in, frames out. */
export function helperOperations(start: Start): Omit<Helper, typeof Symbol.asyncDispose> {
  return {
    async info() {
      const result = await simple(start, 'hello', { fields: [] });
      return { pid: Number(result.get('pid')), userns: (result.get('userns') ?? 'none') as HelperInfo['userns'] };
    },
    async write(options, entries) {
      const operation = start('write', options.signal);
      const sources = (options.sources ?? []).map((path) => ['source', path] as const);
      return withOperation(operation, async () => {
        const reuse: Fields =
          options.reuse === undefined
            ? []
            : [
                ['reuse', options.reuse.diff],
                ['reuse-listing', options.reuse.listing],
              ];
        await operation.sendFields('R', [['op', 'write'], ...diffFields(options), ...sources, ...reuse]);
        // Both directions at once: the helper may report changes, or fail, before it has read everything.
        const [committed] = await bothOrFirstFailure(collectDiff(operation, options), sendEntries(operation, entries));
        return committed;
      });
    },
    async commit(options) {
      const operation = start('commit', options.signal);
      const work: Fields = options.work === undefined ? [] : [['work', options.work]];
      return withOperation(operation, async () => {
        await operation.sendFields('R', [['op', 'commit'], ...diffFields(options), ...work]);
        return collectDiff(operation, options);
      });
    },
    async *tar({ diff, listing, signal }) {
      const operation = start('tar', signal);
      try {
        await operation.sendFields('R', [
          ['op', 'tar'],
          ['diff', diff],
          ['listing', listing],
        ]);
        for await (const frame of operation.frames()) if (frame.type === 'D') yield frame.payload;
      } finally {
        await operation.close();
      }
    },
    async read({ root, path, max, cut = false, offset = 0 }) {
      const operation = start('read');
      return withOperation(operation, async () => {
        await operation.sendFields('R', [
          ['op', 'read'],
          ['root', root],
          ['path', path],
          ['max', String(max)],
          ...(cut ? [['cut', '1'] as const] : []),
          ...(offset > 0 ? [['offset', String(offset)] as const] : []),
        ]);
        const chunks: Buffer[] = [];
        try {
          for await (const frame of operation.frames()) if (frame.type === 'D') chunks.push(Buffer.from(frame.payload));
        } catch (error) {
          if (error instanceof TbuildError && error.details['errno'] === 'ENOENT') return undefined;
          throw error;
        }
        return Buffer.concat(chunks);
      });
    },
    async export({ layers, destination, onProgress, signal }) {
      const result = await simple(start, 'export', {
        fields: [
          ...layers.map((layer) => ['layer', layer] as const),
          ['destination', destination],
          ...progressFields(onProgress),
        ],
        onProgress,
        signal,
      });
      return Number(result.get('size'));
    },
    async usage(paths) {
      if (paths.length === 0) return [];
      const operation = start('usage');
      return withOperation(operation, async () => {
        await operation.sendFields('R', [['op', 'usage'], ...paths.map((path) => ['path', path] as const)]);
        return collectUsage(operation);
      });
    },
    async remove(paths) {
      if (paths.length > 0) await simple(start, 'remove', { fields: paths.map((path) => ['path', path] as const) });
    },
    run(request, callbacks) {
      const operation = start('run', callbacks.signal);
      return withOperation(operation, () => performRun(operation, request, callbacks));
    },
  };
}

async function collectUsage(operation: Operation): Promise<readonly TreeUsage[]> {
  const trees: TreeUsage[] = [];
  let linked: LinkedFile[] = [];
  for await (const frame of operation.frames()) {
    if (frame.type !== 'P') continue;
    const event = decodeFields(frame.payload);
    const number = (name: string): number => Number(event.get(name));
    if (event.get('event') === 'linked') {
      linked.push({ inode: number('inode'), bytes: number('bytes'), links: number('links'), seen: number('seen') });
    } else {
      trees.push({ bytes: number('bytes'), linked });
      linked = [];
    }
  }
  return trees;
}

async function collectDiff(operation: Operation, { onProgress }: DiffOptions): Promise<CommittedDiff> {
  const listing: Buffer[] = [];
  const changed: ChangedFile[] = [];
  const frames = operation.frames();
  for (;;) {
    const next = await frames.next();
    if (next.done === true) {
      const result = next.value;
      const tarSize = result.get('tar-size');
      return {
        listing: Buffer.concat(listing),
        sha256: result.get('sha256') ?? '',
        state: result.get('state') ?? '',
        diffId: result.get('diffid'),
        tarSize: tarSize === undefined ? undefined : Number(tarSize),
        size: Number(result.get('size')),
        entries: Number(result.get('entries')),
        changed,
      };
    }
    const { type, payload } = next.value;
    if (type === 'L') listing.push(Buffer.from(payload));
    else if (type === 'P') {
      const event = decodeFields(payload);
      tellProgress(event, onProgress);
      if (event.get('event') !== 'changed') continue;
      changed.push({
        path: event.get('path') ?? '',
        sha256: event.get('sha256') ?? '',
        size: Number(event.get('size')),
      });
    }
  }
}

function diffFields(options: DiffOptions): Fields {
  const { mode, uid, gid, xattrs } = options.rootAttributes;
  return [
    ['diff', options.diff],
    ['root-mode', mode.toString(8)],
    ['root-uid', String(uid)],
    ['root-gid', String(gid)],
    ...Object.entries(xattrs).map(([name, value]) => ['root-xattr', `${name}=${value}`] as const),
    ...(options.epoch === undefined ? [] : [['epoch', String(options.epoch)] as const]),
    ...(options.tar === false ? [['tar', '0'] as const] : []),
    ...progressFields(options.onProgress),
  ];
}

type OnProgress = DiffOptions['onProgress'];

function progressFields(onProgress: OnProgress): Fields {
  return onProgress === undefined ? [] : [['progress', '1']];
}

function tellProgress(event: ReadonlyMap<string, string>, onProgress: OnProgress): void {
  if (event.get('event') === 'progress') onProgress?.(Number(event.get('bytes')));
}

interface Request {
  readonly fields: Fields;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal | undefined;
}

/** An operation that answers with its result alone. */
async function simple(
  start: Start,
  name: string,
  { fields, onProgress, signal }: Request,
): Promise<ReadonlyMap<string, string>> {
  const operation = start(name, signal);
  return withOperation(operation, async () => {
    await operation.sendFields('R', [['op', name], ...fields]);
    const frames = operation.frames();
    for (;;) {
      const next = await frames.next();
      if (next.done === true) return next.value;
      if (next.value.type === 'P') tellProgress(decodeFields(next.value.payload), onProgress);
    }
  });
}

async function withOperation<T>(operation: Operation, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    await operation.close();
  }
}

/** Awaits both, but fails as soon as the answer fails: the sender may then be waiting for a reader that is gone. */
async function bothOrFirstFailure<A, B>(answer: Promise<A>, sending: Promise<B>): Promise<[A, B]> {
  const sent = sending.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const failedToSend = sent.then((result) => {
    if ('error' in result) throw result.error;
    return new Promise<never>(() => undefined);
  });
  const first = await Promise.race([answer, failedToSend]);
  const result = await sent;
  if ('error' in result) throw result.error;
  return [first, result.value];
}
