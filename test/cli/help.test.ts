import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLoaders } from '../../src/cli/commands/index.ts';
import { openShell } from '../helpers/shell.ts';
import type { Shell } from '../helpers/shell.ts';

let shell: Shell;
beforeAll(async () => {
  shell = await openShell();
});
afterAll(() => shell[Symbol.dispose]());

const manual = readFileSync(fileURLToPath(new URL('../../docs/cli.md', import.meta.url)), 'utf8');

describe('help', () => {
  test.each(commandLoaders.map(({ names }) => names.at(-1) ?? ''))(
    'tbuild %s --help is a section of docs/cli.md',
    async (name) => {
      const { status, stdout, stderr } = await shell.tbuild(...name.split(' '), '--help');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(manual).toContain(`\n\n\`\`\`\n${stdout}\`\`\`\n`);
    },
  );

  test.each([['-h'], ['help']])('tbuild %s lists the commands', async (word) => {
    const { status, stdout } = await shell.tbuild(word);
    expect(status).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: tbuild [build] [OPTIONS] CONTEXT
             tbuild COMMAND [OPTIONS]

      Builds OCI images from Dockerfiles: no daemon, no engine, no root.

      Commands:
        build       Build an image from a Dockerfile
        run         Run a command on an image
        images      List images
        inspect     Show an image or a running container: config, layers and the directories that hold them
        history     Show how an image was made
        tag         Give an image one more name
        rmi         Remove names, and images that have none left
        load        Load images from an archive
        save        Save images to an archive
        import      Make a base image from the tar of a root file system
        cache ls    List the layers in the store and what uses them
        cache du    Show what the store takes on the disk, and what prune frees of it
        cache why   Say why steps of the last build ran again
        prune       Remove what no image, cache record or running build needs
        doctor      Say what this kernel and user can do, and which sandbox will be used

      Run 'tbuild COMMAND --help' for more about a command.
      "
    `);
  });

  test('tbuild help COMMAND is tbuild COMMAND --help, also for two words', async () => {
    expect(await shell.tbuild('help', 'cache', 'ls')).toEqual(await shell.tbuild('cache', 'ls', '-h'));
  });

  test('a missing argument does not hide the help', async () => {
    expect((await shell.tbuild('tag', '--help')).status).toBe(0);
  });

  test('without any argument it is a mistake, and the help is shown', async () => {
    const { status, stdout } = await shell.tbuild();
    expect(status).toBe(125);
    expect(stdout).toContain('Commands:');
  });

  test('--version', async () => {
    const { stdout } = await shell.tbuild('--version');
    expect(stdout).toMatch(/^tbuild version \d+\.\d+\.\d+\n$/);
  });
});

describe('a mistake on the command line ends with 125 and says what to do', () => {
  test.each([
    ['an unknown command', ['bild'], /"bild" is not a tbuild command\nhint: .*for a build context write \.\/bild/],
    [
      'half of a command',
      ['cache'],
      /"cache" is not a tbuild command\nhint: there is tbuild cache ls, tbuild cache du, tbuild cache why/,
    ],
    ['an unknown option', ['--squash', '.'], /tbuild build: Unknown option '--squash'\nhint: see tbuild build --help/],
    ['an unknown option of a command', ['images', '-z'], /tbuild images: Unknown option '-z'/],
    ['an option without its value', ['build', '.', '-t'], /tbuild build: Option '-t, --tag <value>' argument missing/],
    ['an option in place of a value', ['build', '-t', '--quiet', '.'], /Option '-t' argument is ambiguous\nhint/],
    ['a value for a switch', ['images', '--quiet=yes'], /Option '-q, --quiet' does not take an argument/],
    ['no context', ['build', '-t', 'x'], /tbuild build: too few arguments\nhint: usage: tbuild \[build\]/],
    ['two contexts', ['build', 'a', 'b'], /unexpected argument "b"/],
    ['an empty context', ['build', ''], /the build context must be a directory, or a URL, not an empty name/],
    [
      'a word that is not a choice',
      ['--network', 'bridge', '.'],
      /--network must be default or host or none, not "bridge"/,
    ],
    [
      'an unknown progress',
      ['--progress', 'fancy', '.'],
      /--progress must be auto or tty or plain or json or rawjson or quiet, not "fancy"/,
    ],
    [
      'the live view without a terminal',
      ['--progress', 'tty', '.'],
      /--progress=tty: standard error is not a terminal/,
    ],
    [
      'quiet with another progress',
      ['-q', '--progress', 'plain', '.'],
      /--progress=plain and --quiet cannot be used together/,
    ],
    ['a label without a name', ['--label', '=x', '.'], /--label "=x" has no name/],
    ['a context without a source', ['--build-context', 'x', '.'], /--build-context must be NAME=VALUE, not "x"/],
    [
      'an output of an unknown type',
      ['-o', 'type=dockr', '.'],
      /--output "type=dockr": type must be oci, docker, tar or local/,
    ],
    ['an id that is none', ['--userns-start', '-1x', '.'], /Option '--userns-start' argument is ambiguous/],
    ['an id out of range', ['--userns-start', '99999999999', '.'], /--userns-start must be an id/],
    [
      'a relative mount point',
      ['run', '-v', '/a:b', 'base'],
      /--volume must be HOST:PATH\[:ro\], with an absolute PATH/,
    ],
    [
      'a volume that does not exist',
      ['run', '-v', '/nowhere:/b', 'base', 'true'],
      /--volume: \/nowhere cannot be used/,
    ],
    ['too many arguments', ['tag', 'a', 'b', 'c'], /tbuild tag: unexpected argument "c"/],
  ])('%s', async (_, argv, message) => {
    const { status, stdout, stderr } = await shell.tbuild(...argv);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\(TBUILD_USAGE\)\n$/);
    expect({ status, stdout }).toEqual({ status: 125, stdout: '' });
  });

  test('SOURCE_DATE_EPOCH that is no number', async () => {
    const { stderr } = await shell.tbuild('--build-arg', 'SOURCE_DATE_EPOCH=now', '.');
    expect(stderr).toContain('SOURCE_DATE_EPOCH must be a number of seconds, not "now"');
  });
});

describe('what cannot be read', () => {
  test.each([
    ['a context', ['./nowhere'], /the build context .*\/nowhere does not exist\n\(TBUILD_CONTEXT\)/],
    ['a context that is a file', ['./base.tar'], /the build context .*\/base\.tar is not a directory/],
    ['a Dockerfile', ['.'], /there is no .*\/Dockerfile\nhint: give its path with -f/],
    ['a Dockerfile given with -f', ['-f', 'none', '.'], /there is no .*\/none/],
    ['a context nobody serves', ['http://127.0.0.1:1/x'], /connection refused.*\n.*\nhint: Check the host and port/],
    [
      'a context of another kind',
      ['ftp://example.org/x'],
      /ftp:.* does not exist\nhint: Besides directories there are/,
    ],
    ['an archive to import', ['import', 'none.tar', 'x'], /none\.tar cannot be read\ncause: ENOENT/],
  ])('%s: one sentence, not a stack', async (_, argv, message) => {
    const { status, stderr } = await shell.tbuild(...argv);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('    at ');
    expect(status).toBe(1);
  });
});
