import type { ContainerConfig } from '../oci/config.ts';
import { defaultPath, sandboxHostname } from '../sandbox/defaults.ts';

export interface RunEnvironment {
  readonly config: ContainerConfig;
  /** undefined: the variable is not set, whatever the image says. */
  readonly given: Readonly<Record<string, string | undefined>>;
  readonly hasTerminal: boolean;
}

/** Variables of a container as `docker run` sets them: those that every one has, the image's, and what is given. HOME is added where the user is known. */
export function runEnvironment({ config, given, hasTerminal }: RunEnvironment): Readonly<Record<string, string>> {
  const variables = new Map<string, string>([
    ['PATH', defaultPath],
    ['HOSTNAME', sandboxHostname],
    ...(hasTerminal ? [['TERM', 'xterm'] as const] : []),
    ...(config.Env ?? []).map(split),
  ]);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) variables.delete(name);
    else variables.set(name, value);
  }
  return Object.fromEntries(variables);
}

function split(entry: string): readonly [string, string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}
