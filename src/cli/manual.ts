/** What `--help` has beside usage and options. Loaded when help is asked for. */
export interface Manual {
  /** Each is a line for a shell, and a test types them all in. */
  readonly examples: readonly { readonly what: string; readonly command: string }[];
  /** Further variables that the command looks at, with their meanings. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Variables that every command looks at. */
export const commonEnvironment: Readonly<Record<string, string>> = {
  TBUILD_STORE: 'Where layers and images are kept, unless --store is given',
};

/** By the name of the command. */
export const manual: Readonly<Record<string, Manual>> = {
  build: {
    environment: {
      TBUILD_PROGRESS: 'As --progress, unless that is given',
      SOURCE_DATE_EPOCH:
        'Seconds since 1970: the time of everything in the image, so that equal inputs make an equal image',
      DOCKER_HOST: 'Where --load finds Docker or Podman: unix://PATH (default: the usual places)',
      NO_COLOR: 'When set and not empty: no colours',
    },
    examples: [
      { what: 'Build ./Dockerfile and name the image', command: 'tbuild -t app .' },
      { what: 'One stage, with an argument', command: 'tbuild -t app:dev --target build --build-arg MODE=debug .' },
      { what: 'The context from a pipe', command: 'tar -c . | tbuild -t app -' },
      { what: 'An archive for docker load and podman load', command: 'tbuild -t app -o type=docker,dest=app.tar .' },
      { what: 'The files alone, into a directory', command: 'tbuild -o type=local,dest=out .' },
      { what: 'In a script: the id, and nothing else', command: 'id=$(tbuild -q .)' },
      { what: 'What could be better in the Dockerfile', command: 'tbuild --check .' },
      { what: 'The stages of the Dockerfile', command: 'tbuild --call=targets .' },
      {
        what: 'Build arguments and secrets of one, as data',
        command: 'tbuild --call=outline,format=json --target build .',
      },
    ],
  },
  run: {
    examples: [
      { what: 'The command of the image', command: 'tbuild run --rm app' },
      { what: 'Another one, with a variable', command: "tbuild run --rm -e GREETING=hello app sh -c 'echo $GREETING'" },
      {
        what: 'With a directory of this machine, and without a network',
        command: 'tbuild run --rm --network none -v "$PWD:/src:ro" -w /src app ls',
      },
      { what: 'Something on its standard input', command: 'echo text | tbuild run --rm -i app cat' },
    ],
  },
  images: {
    examples: [
      { what: 'All of them', command: 'tbuild images' },
      { what: 'As data', command: 'tbuild images --json' },
    ],
  },
  inspect: {
    examples: [
      { what: 'Config, layers and directories', command: 'tbuild inspect app' },
      {
        what: 'What the last layer changed',
        command: 'ls $(tbuild inspect app | sed -n \'s/.*"UpperDir": "\\([^"]*\\)".*/\\1/p\')',
      },
    ],
  },
  history: {
    examples: [{ what: 'From the last step to the first', command: 'tbuild history app' }],
  },
  tag: { examples: [{ what: 'A name with a version', command: 'tbuild tag app app:1.0' }] },
  rmi: {
    examples: [{ what: 'Take a name away', command: 'tbuild tag app old && tbuild rmi old' }],
  },
  import: {
    examples: [
      { what: 'A Debian system', command: 'mmdebstrap trixie | tbuild import - debian:trixie' },
      { what: 'An archive, with a command', command: `tbuild import -c 'CMD ["sh"]' base.tar base:own` },
    ],
  },
  load: {
    examples: [
      { what: 'Images of an archive', command: 'tbuild load -i app.tar' },
      { what: 'From another engine, without a file between', command: 'cat app.tar | tbuild load' },
    ],
  },
  save: {
    examples: [
      { what: 'Several images, for docker load and podman load', command: 'tbuild save -o images.tar app base' },
      { what: 'Compressed', command: 'tbuild save app | gzip > app.tar.gz' },
    ],
  },
  'cache ls': {
    examples: [{ what: 'Layers, with their directories', command: 'tbuild cache ls' }],
  },
  'cache du': {
    examples: [
      { what: 'Each layer and cache mount, and the sums', command: 'tbuild cache du' },
      { what: 'Cache mounts alone', command: 'tbuild cache du --filter type=exec.cachemount' },
    ],
  },
  'cache why': {
    examples: [{ what: 'The last build', command: 'tbuild cache why' }],
  },
  prune: {
    examples: [
      { what: 'What would go, and how much that is', command: 'tbuild prune --dry-run' },
      { what: 'Without a question', command: 'tbuild prune -f' },
      {
        what: 'All that no named image needs and that was not used for a day',
        command: 'tbuild prune --all -f --filter until=24h',
      },
      { what: 'Cache mounts alone', command: 'tbuild prune -f --filter type=exec.cachemount' },
      {
        what: 'The least recently used, for the store to take no more',
        command: 'tbuild prune -f --max-used-space 10g',
      },
    ],
  },
  doctor: {
    examples: [
      { what: 'This machine', command: 'tbuild doctor' },
      { what: 'What an image needs', command: 'tbuild doctor app' },
    ],
  },
};
