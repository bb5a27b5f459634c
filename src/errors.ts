/** A place in a Dockerfile. Lines and columns count from 1; `endColumn` is one past the last character. */
export interface SourceSpan {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/**
 * Every code that a user can meet, with its one-sentence meaning. Stable: a code is never reused or renamed.
 * `docs/errors.md` documents each one; a test compares the two lists both ways.
 */
export const errorCodes = {
  TBUILD_USAGE: 'An option or argument is unknown, missing or malformed.',
  TBUILD_UNSUPPORTED: 'Something that Docker knows and tbuild does not, or not yet.',
  TBUILD_PLATFORM: 'This machine, kernel or Node installation lacks something that tbuild needs.',
  TBUILD_DOCKERFILE_NOT_FOUND: 'The Dockerfile does not exist or cannot be read.',
  TBUILD_DOCKERFILE_SYNTAX: 'The Dockerfile does not parse.',
  TBUILD_CHECK: 'A check of the Dockerfile found something, and was to fail the build.',
  TBUILD_EXPANSION: 'A variable in the Dockerfile cannot be expanded.',
  TBUILD_STAGE_NOT_FOUND: 'No stage has the name that --target or --from asks for.',
  TBUILD_STAGE_CYCLE: 'A stage depends on itself.',
  TBUILD_CONTEXT: 'The build context does not exist, cannot be read, or has a malformed ignore file.',
  TBUILD_SOURCE_NOT_FOUND: 'A COPY or ADD source matches nothing.',
  TBUILD_COPY: 'COPY, ADD or WORKDIR cannot be carried out on this state.',
  TBUILD_DOWNLOAD: 'What a URL names could not be downloaded.',
  TBUILD_GIT: 'A git repository could not be fetched, or does not hold what is asked for.',
  TBUILD_USER_NOT_FOUND: 'A user or group name is not in the /etc/passwd or /etc/group of the image.',
  TBUILD_CHOWN: 'A file cannot be given its owner, because the id is not mapped in this user namespace.',
  TBUILD_LAYER: 'A command or step left something that an image layer cannot hold.',
  TBUILD_DEVICE_NODE: 'A device node cannot be made without root.',
  TBUILD_ARCHIVE: 'An archive is malformed, hostile, or uses a feature that is not supported.',
  TBUILD_SECRET: 'A secret or SSH agent that a step asks for was not given, or cannot be used.',
  TBUILD_NOT_ALLOWED: 'A step asks for something that only --allow grants.',
  TBUILD_RUN_FAILED: 'A command ended with a status other than 0.',
  TBUILD_FOREIGN_BINARY: 'A program of the image is for another architecture, and nothing emulates it here.',
  TBUILD_KERNEL_TOO_OLD: 'A program or C library of the image asks for a newer kernel than the running one.',
  TBUILD_SANDBOX_SETUP: 'The sandbox could not be set up.',
  TBUILD_HELPER: 'The helper process failed or could not be started.',
  TBUILD_IO: 'The operating system refused a file operation.',
  TBUILD_STORE_VERSION: 'The store was written by another version of tbuild.',
  TBUILD_STORE_CORRUPT: 'A file of the store does not match its checksum or digest.',
  TBUILD_IMAGE_NOT_FOUND: 'The store has no image of this name or id.',
  TBUILD_IMAGE_IN_USE: 'The image is used by something and was not removed.',
  TBUILD_REFERENCE: 'An image reference is malformed.',
  TBUILD_DIGEST_MISMATCH: 'Content does not match its digest.',
  TBUILD_REGISTRY: 'The registry answered with an error, or could not be reached.',
  TBUILD_REGISTRY_AUTH: 'The registry refused the credentials, or asked for some.',
  TBUILD_MANIFEST: 'An image manifest, index or config is malformed or not supported.',
  TBUILD_PLATFORM_MISMATCH: 'The image is not available for the platform.',
  TBUILD_OUTPUT: 'An --output or an archive cannot be written.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorOptions {
  /** What to do next, in one sentence. */
  readonly hint?: string | undefined;
  /** Where in the Dockerfile. */
  readonly span?: SourceSpan | undefined;
  readonly cause?: unknown;
  /** Facts for programs: path, errno, digests, exit status… */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

const brand = Symbol.for('tbuild.error');

/** The one error class: every failure that a user can cause or meet. Programmer mistakes are plain `TypeError`s. */
export class TbuildError extends Error {
  /** Its own name also where the bundle has shortened all names. */
  static override readonly name: string = 'TbuildError';
  override readonly name: string = 'TbuildError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly span: SourceSpan | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.span = options.span;
    this.details = options.details ?? {};
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Narrows by code; unlike `instanceof` it works across two copies of this package. */
export function isTbuildError(error: unknown, code?: ErrorCode): error is TbuildError {
  return (
    error instanceof Error && brand in error && (code === undefined || (error as unknown as TbuildError).code === code)
  );
}
