import { constants } from 'node:os';
import type { ExecFailure } from '../native/helper-types.ts';
import { encodePlan } from '../sandbox/encode.ts';
import { planSandbox } from '../sandbox/plan.ts';
import type { Store } from '../store/types.ts';
import { accessOf } from './open-store.ts';

/** errno(3) of Linux, which node:os does not have: the program's loader is for another machine. */
const ELIBBAD = 80;

/** The kernel found nothing that executes such a file. */
export function isUnknownFormat({ errno }: Pick<ExecFailure, 'errno'>): boolean {
  return errno === constants.errno.ENOEXEC || errno === ELIBBAD;
}

/** The bytes that tell ELF files of two machines apart. */
const telling = 20;
const known = new Map<string, Promise<boolean>>();

/**
 * Whether this kernel hands programs that begin so to an emulator: finds out by starting a file that has nothing but these first bytes, alone in a sandbox. Once for each kind of program.
 */
export function isEmulated(store: Store, head: Buffer): Promise<boolean> {
  const kind = head.toString('hex', 0, telling);
  let answer = known.get(kind);
  if (answer === undefined) {
    answer = tryOut(store, head);
    known.set(kind, answer);
    answer.catch(() => known.delete(kind));
  }
  return answer;
}

async function tryOut(store: Store, head: Buffer): Promise<boolean> {
  const { helper, identity } = accessOf(store);
  await using job = await store.createJob();
  const root = { mode: 0o755, uid: 0, gid: 0 };
  await helper.write({ diff: job.diff, rootAttributes: { ...root, xattrs: {} }, tar: false }, [
    {
      ...root,
      type: 'file',
      path: 'program',
      mtime: 0,
      content: { kind: 'stream', size: head.length, data: only(head) },
    },
  ]);
  const plan = planSandbox({
    layers: [],
    job: job.path,
    identity: identity(),
    network: 'none',
    argv: ['/program'],
    environment: [],
    cwd: '/',
    cwdOwner: 'root',
    user: { uid: 0, gid: 0, groups: [0] },
    resolvConf: '',
    mounts: [],
    security: 'sandbox',
    stdin: false,
  });
  let wasRefused = false;
  await helper.run(encodePlan(plan), {
    onOutput: () => undefined,
    onExecFailed: (failure) => void (wasRefused = isUnknownFormat(failure)),
  });
  return !wasRefused;
}

async function* only(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
