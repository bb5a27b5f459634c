import type { SuspiciousFile } from '../evidence.ts';
import type { EvidenceRule } from '../rule.ts';
import { counted, shortText, shownPath } from '../words.ts';

export const secretInCopiedFile: EvidenceRule = {
  over: 'evidence',
  name: 'SecretInCopiedFile',
  description: 'Files with secrets should not be copied into the image',
  why: 'Whoever has the image can read every file of every layer, also one that a later step deletes.',
  fix: 'Add the file to .dockerignore. What a command needs it gets with RUN --mount=type=secret,id=NAME and tbuild build --secret id=NAME,src=FILE.',
  *find({ looked, evidence }) {
    for (const step of looked.flatMap(({ steps }) => steps)) {
      const files = evidence.secrets.get(step) ?? [];
      if (files.length === 0) continue;
      const shown = files.slice(0, most).map(describe).join(', ');
      const more = files.length > most ? ` and ${counted(files.length - most, 'more file')}` : '';
      yield { message: `"${shortText(step.instruction.text)}" takes ${shown}${more}`, span: step.span };
    }
  },
};

const most = 5;

function describe({ path, what, line }: SuspiciousFile): string {
  return `${shownPath(path)} (line ${line} looks like ${what})`;
}
