import type {
  ChangedFile,
  CommittedDiff,
  DiffOptions,
  Fields,
  Helper,
  HelperInfo,
  RunCallbacks,
  RunOutcome,
  RunRequest,
} from './helper-types.ts';
import { decodeFields, maxPayload } from './frames.ts';
import type { Operation } from './operation.ts';
import { TbuildError } from '../errors.ts';
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
    async remove(paths) {
      if (paths.length > 0) await simple(start, 'remove', { fields: paths.map((path) => ['path', path] as const) });
    },
    run: (request, callbacks) => run(start('run', callbacks.signal), request, callbacks),
  };
}

async function run(operation: Operation, request: RunRequest, callbacks: RunCallbacks): Promise<RunOutcome> {
  const ended = new AbortController();
  return withOperation(operation, async () => {
    await sendRequest(operation, request);
    // Standard input has no say in how the command ends: it is fed until the result is there.
    if (callbacks.stdin !== undefined) void feed(operation, callbacks.stdin, ended.signal).catch(() => undefined);
    const frames = operation.frames();
    for (;;) {
      const next = await frames.next();
      if (next.done === true) return outcome(next.value);
      const { type, payload } = next.value;
      if (type === 'O') await callbacks.onOutput('stdout', payload);
      else if (type === 'e') await callbacks.onOutput('stderr', payload);
      else if (type === 'P') await announce(operation, decodeFields(payload), callbacks);
    }
  }).finally(() => ended.abort());
}

async function sendRequest(operation: Operation, { fields, mounts }: RunRequest): Promise<void> {
  await operation.sendFields('R', [['op', 'run'], ...fields, ['mounts', String(mounts.length)]]);
  for (const mount of mounts) {
    await operation.sendFields('E', mount.fields);
    const { content = new Uint8Array() } = mount;
    for (let start = 0; start < content.length; start += maxPayload) {
      await operation.send('D', content.subarray(start, start + maxPayload));
    }
  }
}

async function announce(
  operation: Operation,
  event: ReadonlyMap<string, string>,
  callbacks: RunCallbacks,
): Promise<void> {
  const name = event.get('event');
  if (name === 'exec-failed') {
    await callbacks.onExecFailed?.({ errno: Number(event.get('errno')), path: event.get('path') ?? '' });
  } else if (name === 'started') {
    const kill = (signal: number): void => void operation.send('S', Buffer.from(String(signal)));
    callbacks.onStarted?.(Number(event.get('pid')), kill);
  }
}

async function feed(operation: Operation, stdin: AsyncIterable<Uint8Array>, ended: AbortSignal): Promise<void> {
  for await (const chunk of stdin) {
    if (ended.aborted) return;
    await operation.send('D', chunk);
  }
  await operation.send('Z', Buffer.alloc(0));
}

function outcome(result: ReadonlyMap<string, string>): RunOutcome {
  const signal = result.get('signal');
  if (signal !== undefined) return { kind: 'signal', signal: Number(signal) };
  return { kind: 'exit', exitCode: Number(result.get('exit')) };
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
