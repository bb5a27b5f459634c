/** Lines of the Dockerfile, counting from 1: one range for each. */
export interface SourceLocation {
  readonly ranges: readonly { readonly start: { readonly line: number }; readonly end: { readonly line: number } }[];
}

/** What a stage can be given. `JSON.stringify` makes of it what `docker buildx build --call=outline,format=json` prints. */
export interface Outline {
  /** Undefined: the stage has none. */
  readonly name: string | undefined;
  /** From a comment above the FROM that begins with the stage's name. */
  readonly description: string | undefined;
  /** Build arguments that make a difference, in the order of the file; undefined: none. */
  readonly args: readonly OutlineArgument[] | undefined;
  /** Undefined: none. */
  readonly secrets: readonly OutlineSecret[] | undefined;
  /** Agents and keys of `RUN --mount=type=ssh`; undefined: none. */
  readonly ssh: readonly OutlineSecret[] | undefined;
  /** The Dockerfile in Base64. */
  readonly sources: readonly string[];
}

export interface OutlineArgument {
  readonly name: string;
  /** From a comment above the ARG that begins with its name. */
  readonly description: string | undefined;
  /** What the build would take; undefined: nothing, or the empty text. */
  readonly value: string | undefined;
  readonly location: SourceLocation;
}

export interface OutlineSecret {
  /** The id that `--secret` or `--ssh` gives. */
  readonly name: string;
  /** The build fails without it; undefined: it does not. */
  readonly required: true | undefined;
  readonly location: SourceLocation;
}

/** The stages of a Dockerfile. `JSON.stringify` makes of it what `docker buildx build --call=targets,format=json` prints. */
export interface Targets {
  readonly targets: readonly Target[];
  /** The Dockerfile in Base64. */
  readonly sources: readonly string[];
}

export interface Target {
  readonly name: string | undefined;
  /** It is what is built without `--target`; undefined: it is not. */
  readonly default: true | undefined;
  readonly description: string | undefined;
  /** As written behind FROM. */
  readonly base: string;
  /** As written in `FROM --platform=`. */
  readonly platform: string | undefined;
  readonly location: SourceLocation;
}
