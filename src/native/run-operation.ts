import { decodeFields, maxPayload } from './frames.ts';
import type { RunCallbacks, RunningCommand, RunOutcome, RunRequest } from './helper-types.ts';
import type { Operation } from './operation.ts';

/** What may be on its way to the command: less than the helper lets wait (addon/README.md). */
const inputWindow = 256 * 1024;

/** The helper's operation `run`, from its request to its result. */
export async function performRun(
  operation: Operation,
  request: RunRequest,
  callbacks: RunCallbacks,
): Promise<RunOutcome> {
  await sendRequest(operation, request);
  const input = callbacks.stdin === undefined ? undefined : feed(operation, callbacks.stdin);
  const take = async (event: ReadonlyMap<string, string>): Promise<void> => {
    switch (event.get('event')) {
      case 'started':
        return callbacks.onStarted?.(runningCommand(operation, Number(event.get('pid'))));
      case 'exec-failed':
        return callbacks.onExecFailed?.({ errno: Number(event.get('errno')), path: event.get('path') ?? '' });
      case 'input-taken':
        return input?.taken(Number(event.get('bytes')));
      case 'input-closed':
        return input?.stop();
      default:
    }
  };
  try {
    const frames = operation.frames();
    for (;;) {
      const next = await frames.next();
      if (next.done === true) return outcome(next.value);
      const { type, payload } = next.value;
      if (type === 'O') await callbacks.onOutput('stdout', payload);
      else if (type === 'e') await callbacks.onOutput('stderr', payload);
      else if (type === 'P') await take(decodeFields(payload));
    }
  } finally {
    input?.stop();
  }
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

function runningCommand(operation: Operation, pid: number): RunningCommand {
  return {
    pid,
    kill: (signal) => void operation.send('S', Buffer.from(String(signal))),
    resize: ({ rows, columns }) => void operation.send('W', Buffer.from(`${rows} ${columns}`)),
  };
}

interface Feed {
  /** There is room for so many bytes more. */
  taken(bytes: number): void;
  /** Nobody reads any more. */
  stop(): void;
}

/** Sends standard input as the command takes it. It has no say in how the command ends: where it fails, it is at its end. */
function feed(operation: Operation, stdin: AsyncIterable<Uint8Array>): Feed {
  let room = inputWindow;
  let isStopped = false;
  let wake = (): void => undefined;
  const sendChunk = async (chunk: Uint8Array): Promise<void> => {
    let rest = chunk;
    while (rest.length > 0 && !isStopped) {
      if (room === 0) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const piece = rest.subarray(0, room);
      room -= piece.length;
      rest = rest.subarray(piece.length);
      await operation.send('D', piece);
    }
  };
  const sendAll = async (): Promise<void> => {
    try {
      for await (const chunk of stdin) {
        await sendChunk(chunk);
        if (isStopped) return;
      }
    } catch {
      // What the stream has to say is said by whoever owns it.
    }
    if (!isStopped) await operation.send('Z', Buffer.alloc(0));
  };
  void sendAll();
  return {
    taken(bytes) {
      room += bytes;
      wake();
    },
    stop() {
      isStopped = true;
      wake();
    },
  };
}

function outcome(result: ReadonlyMap<string, string>): RunOutcome {
  const signal = result.get('signal');
  if (signal !== undefined) return { kind: 'signal', signal: Number(signal) };
  return { kind: 'exit', exitCode: Number(result.get('exit')) };
}
