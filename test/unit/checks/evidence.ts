import { look, readForRules } from '../../../src/checks/check-dockerfile.ts';
import type { CopiedFile, Deletion, Evidence, PastStep, SuspiciousFile } from '../../../src/checks/evidence.ts';
import type { LookedStep } from '../../../src/checks/looked.ts';
import { runRules } from '../../../src/checks/run-rules.ts';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { resolveStages } from '../../../src/dockerfile/stages.ts';
import { scratchDraft } from '../../../src/image/draft.ts';
import { hostPlatform } from '../../../src/oci/platform.ts';

/** What there is beside a Dockerfile. Steps are named by their lines. */
export interface EvidenceWish {
  readonly strict?: boolean;
  readonly target?: string;
  readonly namedContexts?: readonly string[];
  readonly copied?: Readonly<Record<number, readonly (Partial<CopiedFile> & { readonly path: string })[]>>;
  readonly secrets?: Readonly<Record<number, readonly SuspiciousFile[]>>;
  readonly past?: Readonly<Record<number, Partial<PastStep>>>;
  readonly deletions?: Readonly<Record<number, readonly (Omit<Deletion, 'writer'> & { readonly writer: number })[]>>;
  readonly digests?: Readonly<Record<string, string>>;
}

/** What the rules over evidence say, as `Rule: message (line N)`. */
export function findings(text: string, wish: EvidenceWish = {}): readonly string[] {
  const platform = hostPlatform();
  const read = readForRules(text, 'Dockerfile', new Set());
  const dockerfile = parseDockerfile(text, 'Dockerfile');
  const resolved = resolveStages(dockerfile, { buildArgs: new Map(), platform, target: wish.target });
  const bases = new Map(
    dockerfile.stages.map(({ index }) => [index, { draft: scratchDraft(platform), triggers: [] }] as const),
  );
  const indexes = wish.target === undefined ? dockerfile.stages.map(({ index }) => index) : resolved.reachable;
  const build = { dockerfile, resolved, indexes, buildArgs: new Map<string, string>(), platform, bases, images: [] };
  const { input, problem } = look(read.text, { ...build, ignore: undefined });
  if (problem !== undefined) throw problem;
  const at = (line: number): LookedStep => {
    const step = input.looked.flatMap(({ steps }) => steps).find(({ span }) => span.line === line);
    if (step === undefined) throw new TypeError(`there is no step in line ${line}`);
    return step;
  };
  const byStep = <T, U>(values: Readonly<Record<number, T>> | undefined, make: (value: T) => U): Map<LookedStep, U> =>
    new Map(Object.entries(values ?? {}).map(([line, value]) => [at(Number(line)), make(value)]));
  const evidence: Evidence = {
    isStrict: wish.strict ?? false,
    copied: byStep(wish.copied, (files) =>
      files.map((file) => ({ place: file.path, cameAlong: true, size: 1, ...file })),
    ),
    secrets: byStep(wish.secrets, (files) => files),
    past: byStep(wish.past, (past) => ({ durationMs: 0, reruns: () => 0, listing: undefined, ...past })),
    deletions: byStep(wish.deletions, (found) => found.map((each) => ({ ...each, writer: at(each.writer) }))),
    digests: new Map(Object.entries(wish.digests ?? {})),
  };
  const isNamedContext = (name: string): boolean => wish.namedContexts?.includes(name) === true;
  const own = new Set([
    'CopyBeforeInstall',
    'PackageCacheInLayer',
    'DeletedInLaterLayer',
    'SecretInCopiedFile',
    'BaseWithoutDigest',
  ]);
  return runRules(read.text, { ...input, target: resolved.target, isNamedContext, evidence }, read.check)
    .filter(({ rule }) => own.has(rule))
    .map(({ rule, message, span }) => `${rule}: ${message} (line ${span.line})`);
}
