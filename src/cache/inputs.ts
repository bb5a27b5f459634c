import type { Canonical } from './key.ts';

/**
 * What a step depends on, in readable form: kept in the report of a build so that the next one can say which input differs.
 * Never holds secret values.
 */
export interface StepInputs {
  /** The instruction after expansion, as one line. */
  readonly text: string;
  /** Environment that the command sees, ARGs included. */
  readonly environment: Readonly<Record<string, string>>;
  /** Everything else in the static key, by name: user, workdir, network, platform… */
  readonly settings: Readonly<Record<string, string>>;
  /** Digest of the files taken from the context or another stage. */
  readonly files: { readonly origin: string; readonly digest: string } | undefined;
  /** State of the chain below; undefined for a step that does not read it as a whole. */
  readonly below: string | undefined;
}

/** The part of the inputs that goes into the static key. */
export function keyOf(inputs: StepInputs): { readonly [key: string]: Canonical } {
  return { text: inputs.text, environment: inputs.environment, settings: inputs.settings, files: inputs.files?.digest };
}
