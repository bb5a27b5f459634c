import { mountSource } from '../../dockerfile/mount-flag.ts';
import type { LookedStage } from '../looked.ts';
import type { EvidenceInput, EvidenceRule, RuleFinding } from '../rule.ts';

export const baseWithoutDigest: EvidenceRule = {
  over: 'evidence',
  isStrict: true,
  name: 'BaseWithoutDigest',
  description: 'Images should be named with their digest',
  why: 'A tag can be moved to another image at any time: the same Dockerfile then builds something else, and nobody is told.',
  fix: 'Write the digest behind the name, FROM image:tag@sha256:…, and let a tool of your forge propose new ones.',
  *find(input) {
    const told = new Set<string>();
    for (const stage of input.looked) {
      for (const { name, span } of imagesOf(stage, input)) {
        const key = `${span.line} ${name}`;
        if (/@sha256:[0-9a-f]{64}$/.test(name) || told.has(key)) continue;
        told.add(key);
        const digest = input.evidence.digests.get(name);
        const now = digest === undefined ? '' : `; now it is ${name}@${digest}`;
        yield { message: `${name} has no digest, and may be another image next time${now}`, span };
      }
    }
  },
};

/** Images of registries that a stage stands on, copies or mounts from. */
function* imagesOf(
  { stage, base, steps }: LookedStage,
  { stages, isNamedContext }: EvidenceInput,
): Generator<{ readonly name: string; readonly span: RuleFinding['span'] }> {
  if (base.kind === 'image' && !isNamedContext(base.name)) yield { name: base.name, span: stage.span };
  const names = new Set(stages.flatMap(({ name }) => name ?? []));
  const isImage = (name: string | undefined): name is string =>
    name !== undefined &&
    !/^[+-]?\d+$/.test(name) &&
    name !== 'scratch' &&
    !names.has(name.toLowerCase()) &&
    !isNamedContext(name);
  for (const { instruction, span } of steps) {
    if (instruction.kind === 'copy' && isImage(instruction.from)) yield { name: instruction.from, span };
    if (instruction.kind === 'run') {
      for (const name of instruction.mounts.map(mountSource).filter(isImage)) yield { name, span };
    }
  }
}
