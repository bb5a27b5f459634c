import { isLegacyKeyValue } from '../../dockerfile/instructions/key-values.ts';
import { visibleVariables } from '../../image/draft.ts';
import { nearest } from '../nearest.ts';
import type { BuildRule } from '../rule.ts';

export const undefinedVar: BuildRule = {
  over: 'build',
  name: 'UndefinedVar',
  description: 'Variables should be defined before their use',
  why: 'A variable that neither ENV nor ARG declares in this stage is replaced by nothing. An ARG of before the first FROM counts only where the stage repeats it.',
  fix: 'Correct the name, or declare it above: ARG NAME or ENV NAME=VALUE.',
  *find({ looked }) {
    let asked = 0;
    for (const { undefinedNames, isBaseKnown } of looked) {
      // What the base sets is not undefined.
      if (!isBaseKnown) continue;
      for (const { names, draft, span } of undefinedNames) {
        for (const name of names) {
          const near = asked++ < mostSuggestions ? nearest(name, visibleVariables(draft).keys()) : undefined;
          const hint = near === undefined ? '' : ` (did you mean $${near}?)`;
          yield { message: `Usage of undefined variable '$${name}'${hint}`, span };
        }
      }
    }
  },
};

/** Each compares a name with all that there are: of a file that has more undefined ones nobody has written the names. */
const mostSuggestions = 200;

export const legacyKeyValueFormat: BuildRule = {
  over: 'build',
  name: 'LegacyKeyValueFormat',
  description: 'Legacy key/value format with whitespace separator should not be used',
  why: 'With a blank for the equals sign the whole rest of the line is the value: a second pair on the line becomes part of the first.',
  fix: 'Write NAME=VALUE, with quotes around a value that has blanks.',
  *find({ looked, escape }) {
    for (const { raw, span } of looked.flatMap(({ steps }) => steps)) {
      if ((raw.name !== 'env' && raw.name !== 'label') || !isLegacyKeyValue(raw.args, escape)) continue;
      const message = `"${raw.keyword} key=value" should be used instead of legacy "${raw.keyword} key value" format`;
      yield { message, span };
    }
  },
};

export const secretsUsedInArgOrEnv: BuildRule = {
  over: 'build',
  name: 'SecretsUsedInArgOrEnv',
  description: 'Sensitive data should not be used in the ARG or ENV commands',
  why: 'Values of ARG and ENV stand in the config and the history of the image, for everybody who has it.',
  fix: 'Give it to the command that needs it: RUN --mount=type=secret,id=NAME,env=NAME, and tbuild build --secret id=NAME,env=NAME.',
  *find({ looked }) {
    for (const { instruction, span } of looked.flatMap(({ steps }) => steps)) {
      const names =
        instruction.kind === 'env'
          ? instruction.pairs.map(({ key }) => key)
          : instruction.kind === 'arg'
            ? instruction.args.map(({ name }) => name)
            : [];
      for (const name of names.filter(looksSecret)) {
        const message = `Do not use ARG or ENV instructions for sensitive data (${instruction.kind.toUpperCase()} "${name}")`;
        yield { message, span };
      }
    }
  },
};

/** Docker's words, each between underscores or the ends of the name; where one of the harmless words is in it too, it is about a secret and none itself. */
function looksSecret(name: string): boolean {
  const words = name.toLowerCase().split('_');
  return words.some((word) => secretWords.has(word)) && !words.some((word) => harmlessWords.has(word));
}

const secretWords: ReadonlySet<string> = new Set([
  'apikey',
  'auth',
  'credential',
  'credentials',
  'key',
  'password',
  'pword',
  'passwd',
  'secret',
  'token',
]);
const harmlessWords: ReadonlySet<string> = new Set(['public', 'file', 'version']);
