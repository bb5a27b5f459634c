import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isHttp } from '../../dockerfile/instructions/remote-sources.ts';
import { hidePasswords } from '../../dockerfile/redact-url.ts';
import { TbuildError } from '../../errors.ts';
import type { GitSource } from '../../git/git-source.ts';
import { parseGitUrl, shownGitSource } from '../../git/git-url.ts';
import { nearDirectory } from './near-directory.ts';

/** Files from somewhere. */
export type TreeSpec =
  /** Absolute. */
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'git'; readonly source: GitSource }
  /** An archive, or one file. As it was written, credentials included. */
  | { readonly kind: 'url'; readonly text: string };

/** What `CONTEXT` says. */
export type ContextSpec = TreeSpec | { readonly kind: 'stdin' };

/** What `--build-context NAME=…` says. */
export type NamedContext =
  | TreeSpec
  /** `PATH[:tag|@digest]` */
  | { readonly kind: 'oci-layout'; readonly reference: string }
  | { readonly kind: 'image'; readonly reference: string };

/** Whether it is there is not looked at, unless it could be something else. Throws TBUILD_CONTEXT for a URL that cannot be followed. */
export function parseContext(text: string, keepGitDir: boolean): ContextSpec {
  if (text === '-') return { kind: 'stdin' };
  return parseTree(text, 'the build context', keepGitDir);
}

/** Throws TBUILD_CONTEXT also for a directory that is not there, and TBUILD_USAGE for what only `bake` knows. */
export function parseNamedContext(name: string, source: string): NamedContext {
  const reference = source.slice(source.indexOf('://') + '://'.length);
  if (source.startsWith('docker-image://')) return { kind: 'image', reference };
  if (source.startsWith('oci-layout://')) return { kind: 'oci-layout', reference };
  const what = `--build-context ${name}=`;
  if (source.startsWith('target:')) {
    throw new TbuildError(
      'TBUILD_USAGE',
      `${what}${hidePasswords(source)}: there are no targets but in a file for bake`,
      {
        hint: 'name a stage of this Dockerfile in FROM or --from, or build the other one first and give docker-image://NAME',
      },
    );
  }
  const tree = parseTree(source, what, false);
  if (tree.kind === 'directory' && (source === '' || !isDirectory(tree.path))) {
    throw new TbuildError(
      'TBUILD_CONTEXT',
      `${what}${hidePasswords(source)}: ${source === '' ? "''" : hidePasswords(tree.path)} is not a directory`,
      {
        hint:
          nearDirectory(tree.path) ?? 'Give a directory, a git or http URL, docker-image://NAME or oci-layout://PATH.',
      },
    );
  }
  return tree;
}

/** For people, and for what is kept: without credentials, and without the query, which may be a secret as well. */
export function shownContext(spec: ContextSpec): string {
  switch (spec.kind) {
    case 'stdin':
      return '-';
    case 'directory':
      return spec.path;
    case 'git':
      return shownGitSource(spec.source);
    case 'url': {
      const { origin, pathname } = new URL(spec.text);
      return origin + pathname;
    }
  }
}

/** @param what it is for, in messages */
function parseTree(text: string, what: string, keepGitDir: boolean): TreeSpec {
  const path = resolve(text);
  // A directory comes first, whatever it is called (as docker build).
  if (!mayBeRemote(text) || isDirectory(path)) return { kind: 'directory', path };
  const subject = `${what}${what.endsWith('=') ? '' : ' '}${hidePasswords(text)}`;
  const git = parseGitUrl(text);
  if (git?.kind === 'malformed') throw new TbuildError('TBUILD_CONTEXT', `${subject}: ${git.why}`);
  if (git !== undefined) {
    return { kind: 'git', source: { ...git.source, keepGitDir: git.source.keepGitDir ?? keepGitDir } };
  }
  if (!isHttp(text)) throw new TbuildError('TBUILD_CONTEXT', `${subject} does not exist`, { hint: hintFor(text) });
  if (!URL.canParse(text)) throw new TbuildError('TBUILD_CONTEXT', `${subject}: it is no valid URL`);
  return { kind: 'url', text };
}

/** A scheme, `user@host:path`, or what docker's older builder took for GitHub. */
function mayBeRemote(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/|^[^/]*@[^/]*:|^github\.com\//i.test(text);
}

function hintFor(text: string): string {
  if (/^github\.com\//i.test(text)) return `To build from GitHub: https://${text.replace(/(?:\.git)?$/, '.git')}.`;
  if (/^file:/i.test(text)) return 'Give the path alone.';
  return 'Besides directories there are https://, http://, git://, ssh:// and user@host:path.';
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // A path that cannot be one (a NUL byte), or leads through a file.
    return false;
  }
}
