import { createByteTally } from '../byte-tally.ts';
import type { ByteTally } from '../byte-tally.ts';
import { formatSize } from '../format.ts';

/** Bytes on their way, and how fast. */
export interface Transfer {
  /** Said with the bytes; may be empty. */
  readonly verb: string;
  readonly tally: ByteTally;
  /** How many bytes there were at times of the last seconds, oldest first. Milliseconds. */
  readonly samples: { readonly time: number; readonly bytes: number }[];
}

/** Over which the rate is taken, milliseconds. */
const rateWindow = 3000;
const samplePace = 100;
/** A rate over less says little. */
const leastWindow = 500;

export function createTransfer(verb: string): Transfer {
  return { verb, tally: createByteTally(), samples: [] };
}

export function noteTransfer(
  { tally, samples }: Transfer,
  progress: Parameters<ByteTally['note']>[0],
  now: number,
): void {
  tally.note(progress);
  const last = samples.at(-1);
  if (last === undefined || now - last.time >= samplePace) samples.push({ time: now, bytes: tally.current });
  while (samples.length > 1 && now - (samples[0]?.time ?? now) > rateWindow) samples.shift();
}

/** The bytes so far, of how many, and in a second: the most important first. */
export function transferCounts({ verb, tally, samples }: Transfer, now: number): readonly string[] {
  const { current, total } = tally;
  const amount = total === undefined ? formatSize(current) : `${formatSize(current)}/${formatSize(total)}`;
  const bytes = verb === '' ? amount : `${verb} ${amount}`;
  const [first] = samples;
  if (first === undefined || now - first.time < leastWindow) return [bytes];
  return [bytes, `${formatSize(Math.round(((current - first.bytes) * 1000) / (now - first.time)))}/s`];
}
