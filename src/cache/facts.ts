import type { ListingEntry } from '../store/types.ts';

/** One thing that a result depends on in the state below: what was asked, and the answer as text. */
export type Fact = readonly [question: string, answer: string];

/** What facts are read from: the merged view of a chain. Paths without leading slash, '' is the root; never through symlinks. */
export interface StateView {
  find(path: string): ListingEntry | undefined;
}

const absent = 'absent';

/** Reads the state and remembers each answer, so that a later build can ask the same questions of another state. */
export interface FactReader {
  /** Everything about one component of a walked path. */
  component(path: string): ListingEntry | undefined;
  /** A place where a directory is written. */
  directoryPlace(path: string): 'absent' | 'directory' | 'other';
  /** A place where anything else is written. */
  filePlace(path: string): 'directory' | 'other';
  /** The content digest of a file that was read (/etc/passwd, /etc/group). */
  content(path: string): string | undefined;
  facts(): readonly Fact[];
}

export function factReader(view: StateView): FactReader {
  const known = new Map<string, string>();
  const ask = (question: string): string => {
    let answer = known.get(question);
    if (answer === undefined) known.set(question, (answer = answerFact(view, question)));
    return answer;
  };
  return {
    component(path) {
      ask(`component ${path}`);
      return view.find(path);
    },
    directoryPlace: (path) => ask(`directory ${path}`) as 'absent' | 'directory' | 'other',
    filePlace: (path) => ask(`file ${path}`) as 'directory' | 'other',
    content(path) {
      const answer = ask(`content ${path}`);
      return answer === absent ? undefined : answer;
    },
    facts: () => [...known],
  };
}

/** The first fact that does not hold in the state, with its answer there; undefined when all hold. */
export function firstDifference(
  view: StateView,
  facts: readonly Fact[],
): { question: string; before: string; after: string } | undefined {
  for (const [question, before] of facts) {
    const after = answerFact(view, question);
    if (after !== before) return { question, before, after };
  }
  return undefined;
}

function answerFact(view: StateView, question: string): string {
  const space = question.indexOf(' ');
  const path = question.slice(space + 1);
  const entry = view.find(path);
  switch (question.slice(0, space)) {
    case 'component':
      return describeComponent(entry);
    case 'directory':
      return entry === undefined ? absent : entry.type === 'directory' ? 'directory' : 'other';
    case 'file':
      return entry?.type === 'directory' ? 'directory' : 'other';
    case 'content':
      return entry?.type === 'file' ? (entry.sha256 ?? absent) : absent;
    default:
      return 'unknown question';
  }
}

/** Type, mode, owner, xattrs and link target: what a copy walks through and what its layer repeats as `parent`. */
function describeComponent(entry: ListingEntry | undefined): string {
  if (entry === undefined) return absent;
  const xattrs = Object.entries(entry.xattrs)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ` ${name}=${value}`);
  return `${entry.type} ${entry.mode.toString(8)} ${entry.uid}:${entry.gid}${entry.link === undefined ? '' : ` -> ${entry.link}`}${xattrs.join('')}`;
}
