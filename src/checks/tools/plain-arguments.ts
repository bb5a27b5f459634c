/** Options of package managers whose value is the next word. */
const withValue: ReadonlySet<string> = new Set([
  '-C',
  '-F',
  '-j',
  '-o',
  '--cache',
  '--cache-folder',
  '--cwd',
  '--dir',
  '--extra',
  '--extras',
  '--filter',
  '--gemfile',
  '--group',
  '--include',
  '--jobs',
  '--loglevel',
  '--network-concurrency',
  '--network-timeout',
  '--omit',
  '--only',
  '--path',
  '--prefix',
  '--registry',
  '--repo',
  '--repository',
  '--retry',
  '--store-dir',
  '--with',
  '--without',
  '--working-dir',
  '--workspace',
]);

/** The words that are neither options nor values of options. */
export function plainArguments(args: readonly string[]): readonly string[] {
  return args.filter((arg, index) => !arg.startsWith('-') && !withValue.has(args[index - 1] ?? ''));
}
