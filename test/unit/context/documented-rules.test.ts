import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileGoMatch } from '../../../src/context/go-match.ts';
import { parseIgnoreFile } from '../../../src/context/ignore-file.ts';
import { compileIgnoreRules } from '../../../src/context/ignore-rules.ts';
import { holds, propertyTimeout } from '../../helpers/property.ts';

// The rules once more, as the documentation of Go's path/filepath.Match and of .dockerignore has them, each piece as a regular expression.

interface Piece {
  readonly written: string;
  readonly means: string;
}

const literal = (character: string): Piece => ({
  written: /[*?[\]\\^-]/.test(character) ? `\\${character}` : character,
  means: `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
});
const letter = fc.constantFrom('a', 'b', 'c', 'é', '-', '^', '*', '[', '.', '\\');
const letterPiece = letter.map(literal);
const range = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('a', 'b', 'c'))
  .map(([from, to]) => [from, to].toSorted())
  .map(([from, to]) => `${from}-${to}`);
const inClass = fc.oneof(
  range.map((text) => ({ written: text, means: text })),
  letterPiece,
);
const classPiece = fc
  .tuple(fc.boolean(), fc.array(inClass, { minLength: 1, maxLength: 3 }))
  .map(([isNegated, parts]): Piece => {
    const join = (key: keyof Piece): string => parts.map((part) => part[key]).join('');
    return {
      written: `[${isNegated ? '^' : ''}${join('written')}]`,
      means: `[${isNegated ? '^' : ''}${join('means')}]`,
    };
  });
const one: Piece = { written: '?', means: '[^\\/]' };
const star: Piece = { written: '*', means: '[^\\/]*' };
const slash: Piece = { written: '/', means: '\\/' };

function pattern(pieces: readonly fc.Arbitrary<Piece>[], maxLength: number): fc.Arbitrary<Piece> {
  return fc.array(fc.oneof(...pieces), { minLength: 1, maxLength }).map((parts) => ({
    written: parts.map(({ written }) => written).join(''),
    means: parts.map(({ means }) => means).join(''),
  }));
}

test(
  "a pattern with classes matches a name as filepath.Match's documentation says",
  { timeout: propertyTimeout },
  async () => {
    // Without slashes: a negated class may take one, and then Go does not look on behind the first place where what follows a star fits.
    const name = fc.array(letter, { maxLength: 8 }).map((parts) => parts.join(''));
    const pieces = [letterPiece, letterPiece, classPiece, fc.constantFrom(one, star)];
    let matched = 0;
    await holds(
      'filepath.Match',
      fc.property(pattern(pieces, 6), name, ({ written, means }, asked) => {
        const expected = new RegExp(`^${means}$`, 'u').test(asked);
        if (expected) matched++;
        expect(compileGoMatch(written)(asked)).toBe(expected);
      }),
    );
    expect(matched).toBeGreaterThan(10);
  },
);

const component = pattern([fc.constantFrom('a', 'b', 'é').map(literal), fc.constantFrom(one, star)], 3);
const deep: Piece = { written: '**', means: '**' };
const ignored = fc
  .tuple(fc.boolean(), fc.array(fc.oneof(component, component, fc.constant(deep)), { minLength: 1, maxLength: 4 }))
  // What stars of different kinds come to when they touch is in no documentation.
  .filter(([, parts]) => parts.every(({ written, means }) => means === '**' || !written.includes('**')))
  .map(([isException, parts]) => ({
    isException,
    written: `${isException ? '!' : ''}${parts.map(({ written }) => written).join('/')}`,
    expression: expressionOf(parts),
  }));

/** `**` is any number of directories, also none; at the end it is everything below. */
function expressionOf(parts: readonly Piece[]): RegExp {
  const text = parts.map(({ means }, index) => {
    const isLast = index === parts.length - 1;
    if (means === '**') return isLast ? '.*' : '(?:.*\\/)?';
    return means + (isLast ? '' : slash.means);
  });
  return new RegExp(`^${text.join('')}$`, 'u');
}

interface Line {
  readonly isException: boolean;
  readonly expression: RegExp;
}

/** By line: whether it matched the path or took effect on a directory above it. */
function judge(
  lines: readonly Line[],
  path: string,
): { readonly isIgnored: boolean; readonly hits: readonly boolean[] } {
  const end = path.lastIndexOf('/');
  const above = end === -1 ? undefined : judge(lines, path.slice(0, end)).hits;
  let isIgnored = false;
  const hits = lines.map(({ isException, expression }, index) => {
    const isInherited = above?.[index] === true;
    // A line that would change nothing is not looked at.
    if (!isInherited && isException !== isIgnored) return false;
    const isHit = isInherited || expression.test(path);
    if (isHit) isIgnored = !isException;
    return isHit;
  });
  return { isIgnored, hits };
}

test(
  'the last line that matches a path, or that took effect on a directory above it, decides',
  { timeout: propertyTimeout },
  async () => {
    const path = fc
      .array(fc.constantFrom('a', 'b', 'ab', 'ba', 'é', 'aa'), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/'));
    let ignoredPaths = 0;
    await holds(
      '.dockerignore',
      fc.property(fc.array(ignored, { minLength: 1, maxLength: 4 }), path, (lines, asked) => {
        const { isIgnored } = judge(lines, asked);
        const text = lines.map(({ written }) => written).join('\n');
        const rules = compileIgnoreRules({ path: '.dockerignore', lines: parseIgnoreFile(text, '.dockerignore') });
        if (isIgnored) ignoredPaths++;
        expect(rules.isIgnored(asked)).toBe(isIgnored);
      }),
    );
    expect(ignoredPaths).toBeGreaterThan(10);
  },
);
