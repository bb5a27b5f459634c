import { defaultPath } from './defaults.ts';

export interface EnvironmentOptions {
  /** Of the image config, `NAME=value`. */
  readonly image: readonly string[];
  /** Build arguments in scope. An image variable of the same name wins. */
  readonly buildArguments?: Readonly<Record<string, string>>;
  /** Of the user, from the image's /etc/passwd. */
  readonly home: string;
}

/**
 * What a command finds in its environment, as `docker build` sets it: build arguments and the image's variables, the last of a name winning; PATH where there is none; HOME where there is none
 * or an empty one. Nothing of the caller's own environment.
 */
export function commandEnvironment({ image, buildArguments, home }: EnvironmentOptions): readonly string[] {
  const variables = new Map<string, string>(Object.entries(buildArguments ?? {}));
  for (const entry of image) {
    const at = entry.indexOf('=');
    if (at < 0) variables.set(entry, '');
    else variables.set(entry.slice(0, at), entry.slice(at + 1));
  }
  if (!variables.has('PATH')) variables.set('PATH', defaultPath);
  if ((variables.get('HOME') ?? '') === '') variables.set('HOME', home);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}
