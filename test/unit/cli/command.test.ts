import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../../src/cli/command.ts';
import { formatHelp } from '../../../src/cli/help.ts';
import type { CommandSpec } from '../../../src/cli/command.ts';
import { commandLoaders, findLoader } from '../../../src/cli/commands/index.ts';
import { keyValues, required } from '../../../src/cli/key-values.ts';

const spec: CommandSpec = {
  name: 'run',
  usage: 'tbuild run [OPTIONS] IMAGE [COMMAND]',
  summary: 'Run',
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },
  stopAtPositional: true,
  options: {
    env: { type: 'string', short: 'e', multiple: true, value: 'NAME', help: 'Variable' },
    user: { type: 'string', short: 'u', help: 'User' },
    rm: { type: 'boolean', help: 'Remove' },
    interactive: { type: 'boolean', short: 'i', help: 'Input' },
  },
};

describe('a command whose options end at the first argument', () => {
  test.each([
    [['image', '--rm', '-e', 'x'], [], ['image', '--rm', '-e', 'x']],
    [['-e', 'A=1', 'image'], ['A=1'], ['image']],
    [['-eA=1', 'image', '-e'], ['A=1'], ['image', '-e']],
    [['-ie', 'A=1', 'image'], ['A=1'], ['image']],
    [['-ieA=1', 'image'], ['A=1'], ['image']],
    [['--env=A=1', '-i', 'image'], ['A=1'], ['image']],
    [['--env', 'A', '--', '-e', 'x'], ['A'], ['-e', 'x']],
    [['--rm', 'image', '--', 'x'], [], ['image', '--', 'x']],
    [['-e', '-', 'image'], ['-'], ['image']],
  ])('%j', (argv, env, positionals) => {
    const parsed = parseArguments(spec, argv);
    expect(parsed.strings('env')).toEqual(env);
    expect(parsed.positionals).toEqual(positionals);
  });

  test.each([[['-x', 'image']], [['--env']], [[]], [['-e', 'A=1']]])('refuses %j', (argv) => {
    expect(() => parseArguments(spec, argv)).toThrow(expect.objectContaining({ code: 'TBUILD_USAGE' }));
  });
});

test('options that are not given are undefined, empty or false; the last of several counts', () => {
  const parsed = parseArguments(spec, ['--user', 'a', '-u', 'b', 'image']);
  expect(parsed.string('user')).toBe('b');
  expect(parsed.string('store')).toBeUndefined();
  expect(parsed.strings('env')).toEqual([]);
  expect(parsed.flag('rm')).toBe(false);
  expect(parsed.choice('user', ['a', 'b'])).toBe('b');
  expect(() => parsed.choice('user', ['a', 'c'])).toThrow('--user must be a or c, not "b"');
});

describe('a switch', () => {
  const options = {
    human: { type: 'boolean', short: 'H', initial: true, help: 'Human' },
    quiet: { type: 'boolean', short: 'q', help: 'Quiet' },
    user: { type: 'string', short: 'u', help: 'User' },
  } as const;
  const parse = (...argv: readonly string[]): ReturnType<typeof parseArguments> =>
    parseArguments({ ...spec, stopAtPositional: false, options }, [...argv, 'image']);

  test.each([
    [[], true, false],
    [['--human', '-q'], true, true],
    [['--human=false', '--quiet=true'], false, true],
    [['-H=0', '-q=1'], false, true],
    [['-H=F', '-q=T'], false, true],
    [['--human=false', '--human', '--quiet', '--quiet=false'], true, false],
    [['-Hq'], true, true],
  ])('%j', (argv, human, quiet) => {
    const parsed = parse(...argv);
    expect([parsed.flag('human'), parsed.flag('quiet')]).toEqual([human, quiet]);
    expect(parsed.positionals).toEqual(['image']);
  });

  test('behind -- is no option', () => {
    const parsed = parse('--', '--human=false');
    expect([parsed.flag('human'), parsed.positionals]).toEqual([true, ['--human=false', 'image']]);
  });

  test('the value of another option is none of its own', () => {
    expect(parse('-u', '-', '--human=false').flag('human')).toBe(false);
    expect(parse('--user', 'x=false').string('user')).toBe('x=false');
  });

  test('may take words of its own, each of which switches it on; the last one counts', () => {
    const check = { check: { type: 'boolean', words: ['strict'], help: 'Check' } } as const;
    const read = (...argv: readonly string[]): readonly [boolean, string | undefined] => {
      const parsed = parseArguments({ ...spec, stopAtPositional: false, options: check }, [...argv, 'image']);
      return [parsed.flag('check'), parsed.word('check')];
    };
    expect(read()).toEqual([false, undefined]);
    expect(read('--check')).toEqual([true, undefined]);
    expect(read('--check=strict')).toEqual([true, 'strict']);
    expect(read('--check=strict', '--check')).toEqual([true, undefined]);
    expect(read('--check=strict', '--check=false')).toEqual([false, undefined]);
    expect(read('--check=false', '--check=strict')).toEqual([true, 'strict']);
    expect(() => read('--check=strictly')).toThrow('does not take an argument');
    expect(formatHelp({ ...spec, options: check })).toContain('--check[=strict]');
  });

  test('takes nothing but a truth value', () => {
    expect(() => parse('--human=no')).toThrow('does not take an argument');
  });
});

test('the help aligns options, and puts the text of a very long one on its own line', () => {
  const long = { ...spec.options, long: { type: 'string', value: 'x'.repeat(40), help: 'Long' } } as const;
  expect(formatHelp({ ...spec, options: long, details: 'More.' })).toMatchInlineSnapshot(`
    "Usage: tbuild run [OPTIONS] IMAGE [COMMAND]

    Run

    More.

    Options:
      -e, --env NAME                        Variable
      -u, --user VALUE                      User
          --rm                              Remove
      -i, --interactive                     Input
          --long xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                                            Long
      -h, --help                            Print this help
          --store DIR                       Where layers and images are kept (default: $TBUILD_STORE, or your own store)

    Environment:
      TBUILD_STORE  Where layers and images are kept, unless --store is given

    Examples:
      The command of the image:
          tbuild run --rm app
      Another one, with a variable:
          tbuild run --rm -e GREETING=hello app sh -c 'echo $GREETING'
      With a directory of this machine, and without a network:
          tbuild run --rm --network none -v "$PWD:/src:ro" -w /src app ls
      Something on its standard input:
          echo text | tbuild run --rm -i app cat
    "
  `);
});

describe('the commands', () => {
  test('are found by each of their names, two words before one', async () => {
    for (const { names } of commandLoaders) {
      for (const name of names) {
        const words = name.split(' ');
        const found = findLoader([...words, 'rest']);
        expect(found?.words).toBe(words.length);
        expect((await found?.load())?.spec.name).toBe(names[0]);
      }
    }
    expect(findLoader(['cache'])).toBeUndefined();
    expect(findLoader([])).toBeUndefined();
  });

  test('use no letter for two options', async () => {
    for (const { load } of commandLoaders) {
      const { options } = (await load()).spec;
      const letters = Object.values(options).flatMap(({ short }) => short ?? []);
      expect(new Set([...letters, 'h']).size).toBe(letters.length + 1);
    }
  });
});

describe('NAME=VALUE', () => {
  test('splits at the first =, keeps empty values, and takes the last of a name', () => {
    expect(keyValues('--x', ['a=b=c', 'd=', 'a=2'], required('--x'))).toEqual({ a: '2', d: '' });
  });

  test('without = asks for the value, or leaves the name out', () => {
    const known = (name: string): string | undefined => (name === 'known' ? 'value' : undefined);
    expect(keyValues('--x', ['known', 'unknown'], known)).toEqual({ known: 'value' });
    expect(() => keyValues('--x', ['a'], required('--x'))).toThrow('--x must be NAME=VALUE, not "a"');
    expect(() => keyValues('--x', ['http://u:p@h'], required('--x'))).toThrow(/^--x must be NAME=VALUE$/);
  });

  test('has a name; __proto__ is one', () => {
    expect(() => keyValues('--x', ['=a'], () => '')).toThrow('--x "=a" has no name');
    expect(Object.entries(keyValues('--x', ['__proto__=a'], () => ''))).toEqual([['__proto__', 'a']]);
  });
});
