/** A git repository as a source of ADD or as a build context names it. */
export interface GitSource {
  /** What git is given: without credentials, query and fragment. */
  readonly remote: string;
  readonly protocol: 'https' | 'http' | 'ssh' | 'git';
  /** With the port, where there is one. */
  readonly host: string;
  /** Of an http URL. Never shown. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Branch, tag, commit or full name of a ref. Undefined: what HEAD is. */
  readonly ref: string | undefined;
  /** Without leading or trailing slash; '' is all of it. */
  readonly subdir: string;
  /** The first digits of the commit, or of the tag, that the ref must be. */
  readonly checksum: string | undefined;
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean;
  /** The time that files get. */
  readonly mtime: 'checkout' | 'commit';
  /** Ask the server for the commit instead of the ref. */
  readonly fetchByCommit: boolean;
}
