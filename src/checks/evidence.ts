import type { Listing } from '../store/types.ts';
import type { LookedStep } from './looked.ts';

/** What there is beside the Dockerfile. It is looked for with `--check` only: none of it is free. */
export interface Evidence {
  /** `--check=strict` */
  readonly isStrict: boolean;
  /** The files that COPY and ADD would take from the build context; missing where that is not known. */
  readonly copied: ReadonlyMap<LookedStep, readonly CopiedFile[]>;
  /** Files among them that hold something that looks like a secret. */
  readonly secrets: ReadonlyMap<LookedStep, readonly SuspiciousFile[]>;
  /** What earlier builds tell of a step; missing where no build is remembered. */
  readonly past: ReadonlyMap<LookedStep, PastStep>;
  /** What a step took away from layers below; missing where the layers are not known. */
  readonly deletions: ReadonlyMap<LookedStep, readonly Deletion[]>;
  /** What an image's name stands for, as `sha256:…`, by that name. */
  readonly digests: ReadonlyMap<string, string>;
}

export interface CopiedFile {
  /** In the context. */
  readonly path: string;
  /** Where it goes, relative to the destination; undefined: the destination itself, or a file of this name in it. */
  readonly place: string | undefined;
  /** It came along with a directory, and was not named, nor meant by a pattern. */
  readonly cameAlong: boolean;
  readonly size: number;
}

export interface SuspiciousFile {
  /** In the context, or the name of a heredoc. */
  readonly path: string;
  /** What it seems to be: `a private key`. Never the value. */
  readonly what: string;
  readonly line: number;
}

export interface PastStep {
  /** How long it took when it last ran. */
  readonly durationMs: number;
  /** How often it ran again because the files of a COPY or ADD had changed, by the text of that instruction. */
  readonly reruns: (text: string) => number;
  /** Of the layer that it made. */
  readonly listing: Listing | undefined;
}

/** Files of a layer that a later step of the same build hides. They stay in the image. */
export interface Deletion {
  readonly writer: LookedStep;
  /** The first of what was deleted, absolute. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}
