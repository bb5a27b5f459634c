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
  /** Files taken from the context, another stage or an image: those of COPY and ADD, of each bind mount of RUN. */
  readonly files: readonly TakenFiles[];
  /** State of the chain below; undefined for a step that does not read it as a whole. */
  readonly below: string | undefined;
}

export interface TakenFiles {
  /** `the build context`, `stage build`, an image reference: for people. */
  readonly origin: string;
  readonly digest: string;
}

/** The part of the inputs that goes into the static key. */
export function keyOf(inputs: StepInputs): { readonly [key: string]: Canonical } {
  const { text, environment, settings, files } = inputs;
  return { text, environment, settings, files: files.map(({ digest }) => digest) };
}
