import { namesIn } from '../util/names-in.ts';
import type { StoreContext } from './context.ts';
import { isHexId } from './paths.ts';
import { recordsAt } from './records.ts';
import type { ValueKind } from './types.ts';

export function allRecords({ paths, checksum }: StoreContext): ReadonlyMap<string, readonly unknown[]> {
  const keys = namesIn(paths.inside('records'))
    .flatMap((shard) => namesIn(paths.inside('records', shard)))
    .filter(isHexId);
  return new Map(keys.map((key) => [key, recordsAt(paths.records(key), checksum)]));
}

export function valueNames({ paths }: StoreContext, kind: ValueKind): readonly string[] {
  return namesIn(paths.inside(kind)).filter((name) => !name.includes('%'));
}
