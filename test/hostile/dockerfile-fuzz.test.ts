import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTbuildError } from '../../src/index.ts';
import { openWorkshop } from '../helpers/workshop.ts';
import type { Workshop } from '../helpers/workshop.ts';
import { closeWorkshop } from './leftovers.ts';

const seeds = [
  'FROM scratch AS a\nARG A=1\nENV B=${A:-2} C="x y"\nCOPY --chown=1:2 --chmod=644 f d/ /out/\nLABEL l="${B}" m=n\n',
  '# escape=`\nFROM scratch\nWORKDIR `\n  /w\nADD f /x\nEXPOSE 80/tcp 90-99\nVOLUME ["/v", "/w"]\nSTOPSIGNAL 9\n',
  'ARG V=scratch\nFROM ${V}\nHEALTHCHECK --interval=1s --retries=3 CMD ["x"]\nONBUILD COPY f /o\nSHELL ["/s", "-c"]\nCMD x y\nENTRYPOINT ["e"]\nUSER 1:1\nMAINTAINER m\n',
  'FROM scratch AS one\nCOPY f /\nFROM scratch\nCOPY --from=one --link / /\nCOPY --from=0 /f* /g/\n',
  'FROM scratch\nCOPY <<EOF /heredoc\ntext $A\nEOF\nCOPY <<-"E" <<F /two/\n\tx\n\tE\ny\nF\n',
];

const scraps = [
  '\0',
  '\r',
  '\t',
  '\\',
  '\\\n',
  '`',
  '"',
  "'",
  '$',
  '${',
  '}',
  '${A',
  '${A:?',
  '${A:-${B}}',
  '$$',
  '[',
  ']',
  '["',
  ',',
  '<<',
  '<<EOF',
  '<<-',
  '--',
  '--from=',
  '--chown=',
  '--mount=',
  '=',
  ':',
  '/',
  '..',
  '../',
  '*',
  '?',
  '[a-',
  '#',
  '# syntax=x',
  '# escape=',
  '\ufeff',
  '\u{1f4a9}',
  '\ud800',
  '\u202e',
  '%s',
  '\u001b[2J',
  'ONBUILD',
  'ONBUILD ONBUILD',
  'COPY',
  'ARG',
  'ENV',
  'FROM scratch',
  '4294967296',
  '-1',
  '1e309',
  '__proto__',
  'constructor',
  'x'.repeat(70_000),
  '$'.repeat(3000),
  '('.repeat(3000),
  '['.repeat(3000),
  '\n'.repeat(3000),
];

describe('a Dockerfile of anything at all', () => {
  let shop: Workshop;
  beforeAll(async () => {
    shop = await openWorkshop();
  });
  afterAll(() => closeWorkshop(shop));

  it('is built or refused with a code, in good time', async () => {
    const random = randomFrom(20_260_822);
    const context = shop.context({ f: 'x', 'd/g': 'y' });
    const codes = new Map<string, number>();
    for (let run = 0; run < 300; run++) {
      const text = mutated(seeds[run % seeds.length] ?? '', random);
      // Nothing of this is to be asked of a registry.
      if (/FROM(?!\s+(scratch|\$\{V\}))|--from=(?!one|0)|RUN/i.test(text)) continue;
      const dockerfile = join(context, 'Dockerfile');
      writeFileSync(dockerfile, text);
      const started = Date.now();
      const outcome = await shop.build(context, { signal: AbortSignal.timeout(20_000) }).then(
        () => 'built',
        (error: unknown) =>
          isTbuildError(error) ? error.code : `${String(error)} for ${JSON.stringify(text.slice(0, 2000))}`,
      );
      expect(outcome).toMatch(/^(built|TBUILD_[A-Z_]+)$/);
      expect(Date.now() - started).toBeLessThan(15_000);
      codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
    }
    // Both happen, or the mutations would prove nothing.
    expect(codes.get('built')).toBeGreaterThan(10);
    expect(codes.get('TBUILD_DOCKERFILE_SYNTAX')).toBeGreaterThan(10);
  });

  it.each([
    ['10,000 stages', `${Array.from({ length: 10_000 }, (_, n) => `FROM scratch AS s${n}`).join('\n')}\nCOPY f /\n`],
    [
      'a chain of 2,000 stages',
      `FROM scratch AS s0\nCOPY f /\n${Array.from({ length: 2000 }, (_, n) => `FROM s${n} AS s${n + 1}`).join('\n')}\n`,
    ],
    [
      '300 variables',
      `FROM scratch\n${Array.from({ length: 300 }, (_, n) => `ARG A${n}=$A${n - 1}x`).join('\n')}\nCOPY f /\n`,
    ],
    [
      'a variable that doubles 40 times',
      `FROM scratch\nARG A0=xxxxxxxxxx\n${Array.from({ length: 40 }, (_, n) => `ARG A${n + 1}=$A${n}$A${n}`).join('\n')}\nCOPY f /\n`,
    ],
    ['100,000 escaped lines', `FROM scratch\nENV A=1 \\\n${'\\\n'.repeat(100_000)} B=2\n`],
    ['17 MiB', `FROM scratch\n#${'x'.repeat(17 << 20)}\n`],
    ['patterns that backtrack', `FROM scratch\nCOPY ${'*'.repeat(200)}${'?*'.repeat(200)}z /\n`],
  ])('is built or refused within seconds: %s', async (_title, text) => {
    const context = shop.context({ f: 'x', ['a'.repeat(200)]: 'x' });
    writeFileSync(join(context, 'Dockerfile'), text);
    const started = Date.now();
    const outcome = await shop.build(context, { signal: AbortSignal.timeout(60_000) }).then(
      () => 'built',
      (error: unknown) => (isTbuildError(error) ? error.code : String(error)),
    );
    expect(outcome).toMatch(/^(built|TBUILD_[A-Z_]+)$/);
    expect(Date.now() - started).toBeLessThan(30_000);
  });
});

function mutated(seed: string, random: (limit: number) => number): string {
  let text = seed;
  for (let times = 1 + random(2); times > 0; times--) {
    const at = random(text.length + 1);
    const until = Math.min(text.length, at + random(12));
    const scrap = scraps[random(scraps.length)] ?? '';
    const kind = random(4);
    if (kind === 0) text = text.slice(0, at) + scrap + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(until);
    else if (kind === 2) text = text.slice(0, at) + scrap + text.slice(until);
    else text = text.slice(0, until) + text.slice(at);
  }
  return text;
}

/** mulberry32: the same cases every time. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
