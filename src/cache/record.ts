import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/digest.ts';
import type { LayerId } from '../store/types.ts';
import type { Fact } from './facts.ts';
import type { StepInputs } from './inputs.ts';

/** What a step's result depends on in the state below. */
export type ReadSet =
  { readonly kind: 'state'; readonly state: string } | { readonly kind: 'facts'; readonly facts: readonly Fact[] };

/** A stored result of a step, found by its static key. `layer` is null for a step that changes only the config. */
export interface CacheRecord {
  readonly version: 1;
  /** The instruction after expansion, for people; shortened. Absent in records of earlier versions. */
  readonly text?: string;
  readonly layer: LayerId | null;
  readonly diffId: Digest | null;
  /** stateDigest of the layer. */
  readonly state: string | null;
  /** Milliseconds since the epoch: the time that history shows. */
  readonly created: number;
  readonly readSet: ReadSet;
  /** Chain state on which the read set last held: equal means that it holds, and nothing is looked up. */
  readonly heldOn: string;
  /** How long the step took when it ran. */
  readonly durationMs: number;
}

/** Records are read from disk: whatever is not one is as good as absent. */
export function asRecord(value: unknown): CacheRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Partial<CacheRecord>;
  const hasLayer = typeof record.layer === 'string' && typeof record.state === 'string' && isDigest(record.diffId);
  const valid =
    record.version === 1 &&
    (hasLayer || record.layer === null) &&
    typeof record.created === 'number' &&
    typeof record.heldOn === 'string' &&
    typeof record.durationMs === 'number' &&
    (record.text === undefined || typeof record.text === 'string') &&
    isReadSet(record.readSet);
  return valid ? (value as CacheRecord) : undefined;
}

const longestText = 500;

/** A heredoc of RUN can be as long as a book, and every build reads the records that it goes by. */
export function recordText({ text }: Pick<StepInputs, 'text'>): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
}

function isReadSet(value: unknown): value is ReadSet {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, state, facts } = value as Record<string, unknown>;
  if (kind === 'state') return typeof state === 'string';
  return kind === 'facts' && Array.isArray(facts) && facts.every((fact) => Array.isArray(fact) && fact.length === 2);
}
