import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holds, propertyTimeout } from '../../helpers/property.ts';
import { shellCommands } from '../../../src/checks/shell/commands.ts';

/** Words with `·` between, then what is assigned, then what is written. */
const read = (text: string): readonly string[] =>
  shellCommands(text).map(({ words, assignments, written }) =>
    [words.join('·'), ...assignments, ...written.map((path) => `>${path}`)].join(' '),
  );

describe('the commands of a shell text', () => {
  test.each([
    ['a && b || c; d | e & f', ['a', 'b', 'c', 'd', 'e', 'f']],
    ['a\nb\r\n\n c', ['a', 'b', 'c']],
    ['a b\\\n c', ['a·b·c']],
    [`a "b c" 'd "e'"f"\\ g`, ['a·b c·d "ef g']],
    ['a "b\\"c\\d"', ['a·b"c\\d']],
    ['a # b && c\nd#e', ['a', 'd#e']],
    ['A=1 B="2 3" c', ['c A=1 B=2 3']],
    ['A=1', []],
    ['if [ -f x ]; then a; elif b; then c; else d; fi', ['[·-f·x·]', 'a', 'b', 'c', 'd']],
    ['for i in a b; do c $i; done', ['for·i·in·a·b', 'c·$i']],
    ['! a', ['a']],
    ['{ a; b; }', ['a', 'b']],
    ['(cd a && b)', ['cd·a', 'b']],
    ['sudo -E env A=1 a', ['a A=1']],
    ['exec time a', ['a']],
    ['a > x 2>> y', ['a >x >y']],
    ['a >x 2>&1 <in', ['a >x']],
    ['a &> x', ['a >x']],
    ['a >&2', ['a']],
    ['> x', [': >x']],
    ['a $(b "c d") `e`', ['b·c d', 'e', 'a·$(b "c d")·`e`']],
    ['a "$(b; c)"', ['b', 'c', 'a·$(b; c)']],
    ['a $((1 + 2)) ${B:-c d}', ['a·$((1 + 2))·${B:-c d}']],
    ['cat <<EOF > x\nrm y\nEOF\nz', ['cat >x', 'z']],
    ["cat <<-'EOF' && a\n\trm y\n\tEOF\nb", ['cat', 'a', 'b']],
    ['a <<< "b; c"', ['a']],
    ['', []],
    [';; && |', []],
    ['a "b', ['a·b']],
    ["a 'b", ['a·b']],
    ['a $(b', ['b', 'a·$(b']],
    ['a >', ['a']],
    ['cat <<EOF', ['cat']],
  ])('%j', (text, commands) => {
    expect(read(text)).toEqual(commands);
  });

  test('of any text are read in a time that grows with its length alone', () => {
    const started = performance.now();
    for (const part of ['$(', '"$(', '`', '${', '<<A ', "'", '\\', '((', 'a;', '$(a;'])
      shellCommands(part.repeat(20_000));
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test(
    'have words, whatever the text',
    () => {
      const parts = 'a b ; & | ( ) < > << <<- $( ${ ` " \' \\ \n # = $ { } ! A=1 if cd'.split(' ');
      return holds(
        'commands of a shell text',
        fc.property(fc.array(fc.constantFrom(' ', ...parts), { maxLength: 40 }), (words) => {
          for (const command of shellCommands(words.join(''))) expect(command.words.length).toBeGreaterThan(0);
        }),
      );
    },
    propertyTimeout,
  );
});
