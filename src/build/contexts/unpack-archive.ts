import { TbuildError, isTbuildError } from '../../errors.ts';
import type { CommittedDiff } from '../../native/helper-types.ts';
import type { Job } from '../../store/types.ts';
import { decompress } from '../../tar/decompress.ts';
import { layerEntries } from '../../tar/layer-entries.ts';
import type { Omission } from '../../tar/layer-entries.ts';
import { readTar } from '../../tar/read-tar.ts';
import type { BuildAccess } from '../access.ts';
import { warnOfDevices } from '../omitted-devices.ts';

export interface UnpackRequest {
  readonly job: Job;
  /** For messages: `the build context on standard input`. */
  readonly origin: string;
}

/** A tar, compressed or not, into the job, to be committed or held there. Files keep their owners (as docker build). */
export async function unpackArchive(
  { helper, signal, emit }: BuildAccess,
  stream: AsyncIterable<Uint8Array>,
  { job, origin }: UnpackRequest,
): Promise<CommittedDiff> {
  const { userns } = await helper.info();
  const omissions: Omission[] = [];
  const entries = layerEntries(readTar(decompress(stream)), {
    whiteouts: 'refuse',
    devices: userns === 'none' ? 'make' : 'omit',
    onOmitted: (omission) => omissions.push(omission),
  });
  const rootAttributes = { mode: 0o755, uid: 0, gid: 0, xattrs: {} };
  try {
    const diff = await helper.write({ diff: job.diff, rootAttributes, tar: false, signal }, entries);
    warnOfDevices(emit, omissions, { origin, span: undefined });
    return diff;
  } catch (error) {
    throw ofContext(error, origin);
  }
}

function ofContext(error: unknown, origin: string): unknown {
  if (isTbuildError(error, 'TBUILD_CHOWN')) {
    return new TbuildError('TBUILD_CHOWN', `${origin}: ${error.message}`, {
      cause: error,
      hint: 'make the tar with --owner=0 --group=0, or get ranges of ids in /etc/subuid and /etc/subgid',
      details: error.details,
    });
  }
  if (!isTbuildError(error, 'TBUILD_ARCHIVE')) return error;
  const { hint, details } = error;
  return new TbuildError('TBUILD_ARCHIVE', `${origin}: ${error.message}`, { cause: error, hint, details });
}
