import type { SourceSpan } from '../errors.ts';
import type { CheckOptions } from './check-options.ts';
import type { MountFlag } from './mount-flag.ts';

/** What RUN, CMD and ENTRYPOINT hold. Shell form is the raw text; exec form is the JSON array. */
export type Command =
  { readonly form: 'shell'; readonly text: string } | { readonly form: 'exec'; readonly argv: readonly string[] };

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

interface Base {
  readonly span: SourceSpan;
  /** The instruction as one line, continuations joined as `docker history` shows it: `RUN apt-get update &&     apt-get install x`. */
  readonly text: string;
}

export interface RunInstruction extends Base {
  readonly kind: 'run';
  /** Heredocs are part of the text, or its script. */
  readonly command: Command;
  /** A heredoc that begins with `#!`: the command is its path. */
  readonly script: RunScript | undefined;
  readonly network: 'default' | 'none' | 'host' | undefined;
  readonly security: 'sandbox' | 'insecure' | undefined;
  /** In the order in which they are written; `readMount` says what they mean. */
  readonly mounts: readonly MountFlag[];
}

/** An executable file in /dev/pipes, for one command. */
export interface RunScript {
  /** Without `/`. */
  readonly name: string;
  /** Bytes that are not UTF-8 are lone surrogates (util/path-bytes.ts). */
  readonly content: string;
}

/** A file that a heredoc of COPY or ADD holds. */
export interface InlineFile {
  /** As written behind `<<`, without quotes; its last component is the file's. */
  readonly name: string;
  /** Bytes that are not UTF-8 are lone surrogates (util/path-bytes.ts). */
  readonly content: string;
  /** Variables in it are expanded, once, by `expandInstruction`. */
  readonly expands: boolean;
}

interface TransferInstruction extends Base {
  /** Paths as written (expanded by `expandInstruction`); may hold Go `filepath.Match` wildcards. */
  readonly sources: readonly string[];
  /** Written behind what the sources name. */
  readonly inlineFiles: readonly InlineFile[];
  readonly destination: string;
  /** `user[:group]`, names or numbers. */
  readonly chown: string | undefined;
  /** As {@link parseChmod} reads it. */
  readonly chmod: string | undefined;
  readonly link: boolean;
  /** Patterns as lines of an ignore file, relative to each source directory. Never expanded. */
  readonly exclude: readonly string[];
}

export interface CopyInstruction extends TransferInstruction {
  readonly kind: 'copy';
  /** Stage name, stage number, named context or image. Never expanded. */
  readonly from: string | undefined;
  readonly parents: boolean;
}

export interface AddInstruction extends TransferInstruction {
  readonly kind: 'add';
  /** `sha256:…` of what a URL gives; the first digits of a repository's commit. */
  readonly checksum: string | undefined;
  /** Undefined: as the repository's URL says. */
  readonly keepGitDir: boolean | undefined;
  /** Whether archives are unpacked. Undefined: those of the context are, those of URLs are not. */
  readonly unpack: boolean | undefined;
}

export interface EnvInstruction extends Base {
  readonly kind: 'env';
  readonly pairs: readonly KeyValue[];
}

export interface ArgInstruction extends Base {
  readonly kind: 'arg';
  readonly args: readonly { readonly name: string; readonly value: string | undefined }[];
}

export interface CmdInstruction extends Base {
  readonly kind: 'cmd';
  readonly command: Command;
}

export interface EntrypointInstruction extends Base {
  readonly kind: 'entrypoint';
  readonly command: Command;
}

export interface LabelInstruction extends Base {
  readonly kind: 'label';
  readonly pairs: readonly KeyValue[];
}

export interface ExposeInstruction extends Base {
  readonly kind: 'expose';
  readonly ports: readonly string[];
}

export interface UserInstruction extends Base {
  readonly kind: 'user';
  readonly user: string;
}

export interface WorkdirInstruction extends Base {
  readonly kind: 'workdir';
  readonly path: string;
}

export interface VolumeInstruction extends Base {
  readonly kind: 'volume';
  readonly paths: readonly string[];
}

export interface StopsignalInstruction extends Base {
  readonly kind: 'stopsignal';
  readonly signal: string;
}

export interface ShellInstruction extends Base {
  readonly kind: 'shell';
  readonly argv: readonly string[];
}

/** Durations in nanoseconds; 0 means "inherit" as in Docker's config. */
export interface HealthcheckInstruction extends Base {
  readonly kind: 'healthcheck';
  readonly check:
    | { readonly kind: 'none' }
    | {
        readonly kind: 'cmd';
        readonly command: Command;
        readonly intervalNs: number;
        readonly timeoutNs: number;
        readonly startPeriodNs: number;
        readonly startIntervalNs: number;
        readonly retries: number;
      };
}

export interface MaintainerInstruction extends Base {
  readonly kind: 'maintainer';
  readonly name: string;
}

export interface OnbuildInstruction extends Base {
  readonly kind: 'onbuild';
  /** The trigger as it goes into the image config, e.g. `COPY . /app`. */
  readonly trigger: string;
}

export type Instruction =
  | RunInstruction
  | CopyInstruction
  | AddInstruction
  | EnvInstruction
  | ArgInstruction
  | CmdInstruction
  | EntrypointInstruction
  | LabelInstruction
  | ExposeInstruction
  | UserInstruction
  | WorkdirInstruction
  | VolumeInstruction
  | StopsignalInstruction
  | ShellInstruction
  | HealthcheckInstruction
  | MaintainerInstruction
  | OnbuildInstruction;

export interface Stage {
  /** Counts from 0. */
  readonly index: number;
  /** Lower-cased `AS` name. */
  readonly name: string | undefined;
  /** As written after FROM, not expanded. */
  readonly image: string;
  /** As written in `--platform=`, not expanded. */
  readonly platform: string | undefined;
  readonly span: SourceSpan;
  readonly text: string;
  readonly instructions: readonly Instruction[];
}

/** Plain data (survives JSON): what `parseDockerfile` makes of a file. */
export interface Dockerfile {
  readonly file: string;
  readonly escape: '\\' | '`';
  /** ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
  /** What its `check` directive says. */
  readonly check: CheckOptions;
}
