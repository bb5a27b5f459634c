import { isChecksum, parseGitUrl } from '../../git/git-url.ts';
import type { GitSource } from '../../git/git-source.ts';
import type { AddInstruction } from '../instruction.ts';
import { hidePasswords } from '../redact-url.ts';
import { syntaxError } from '../syntax-error.ts';

/** What a source of ADD is. */
export type AddSource =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'url'; readonly text: string }
  | { readonly kind: 'git'; readonly source: GitSource }
  | { readonly kind: 'malformed'; readonly why: string };

/** As BuildKit tells them apart: git before plain downloads. */
export function classifySource(text: string): AddSource {
  const git = parseGitUrl(text);
  if (git !== undefined) return git;
  return isHttp(text) ? { kind: 'url', text } : { kind: 'local', path: text };
}

export function isHttp(source: string): boolean {
  return source.startsWith('http://') || source.startsWith('https://');
}

/** Refuses what no download or repository can be, and flags that do not go with the sources. Called again when variables have been expanded. */
export function checkRemotes(
  { sources, inlineFiles, checksum, keepGitDir, span }: AddInstruction,
  isFinal: (text: string) => boolean,
): void {
  if (checksum !== undefined && sources.length + inlineFiles.length !== 1) {
    throw syntaxError("checksum can't be specified for multiple sources", span);
  }
  // What still has a variable, quotes or escapes is classified when they are gone.
  for (const text of sources.filter(isFinal)) {
    const source = classifySource(text);
    if (source.kind === 'malformed') throw syntaxError(`ADD ${hidePasswords(text)}: ${source.why}`, span);
    if (source.kind === 'url' && !URL.canParse(text))
      throw syntaxError(`ADD ${hidePasswords(text)}: it is no valid URL`, span);
    if (source.kind === 'git' && conflicts(keepGitDir, source.source.keepGitDir)) {
      throw syntaxError('--keep-git-dir conflicts with keep-git-dir in the query of the URL', span);
    }
    if (checksum !== undefined && isFinal(checksum)) checkChecksum(source, checksum, span);
  }
}

function conflicts(flag: boolean | undefined, query: boolean | undefined): boolean {
  return flag !== undefined && query !== undefined && flag !== query;
}

function checkChecksum(source: AddSource, checksum: string, span: AddInstruction['span']): void {
  switch (source.kind) {
    case 'git':
      if (!isChecksum(checksum)) {
        throw syntaxError(`invalid checksum ${checksum} for Git URL, expected hex commit hash`, span);
      }
      if (source.source.checksum !== undefined && source.source.checksum !== checksum) {
        throw syntaxError('--checksum conflicts with the one in the query of the URL', span);
      }
      return;
    case 'url':
      if (!/^sha256:[0-9a-f]{64}$/.test(checksum)) {
        throw syntaxError(
          `invalid checksum ${checksum}`,
          span,
          'It is written as sha256: and 64 digits, as sha256sum prints them.',
        );
      }
      return;
    default:
      throw syntaxError('checksum requires HTTP(S) or Git sources', span);
  }
}
