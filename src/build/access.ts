import type { Helper } from '../native/helper-types.ts';
import type { Store } from '../store/types.ts';
import type { Emit } from './events.ts';
import type { ResolvedOptions } from './options.ts';
import type { Secrets } from './secrets.ts';

/** What everything in one build shares, also before there are steps. */
export interface BuildAccess {
  readonly options: ResolvedOptions;
  readonly store: Store;
  readonly helper: Helper;
  readonly signal: AbortSignal;
  readonly secrets: Secrets;
  readonly emit: Emit;
}
