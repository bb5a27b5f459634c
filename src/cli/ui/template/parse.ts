import { TbuildError } from '../../../index.ts';

/** A value or a call within `{{…}}`. */
export type Operand =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | undefined }
  /** `.A.B`; without names the dot itself. */
  | { readonly kind: 'field'; readonly names: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  /** `(…)`, perhaps with `.A` behind it. */
  | { readonly kind: 'group'; readonly pipeline: Pipeline; readonly names: readonly string[] };

/** Commands joined by `|`; each has the result of the one before as its last argument. */
export type Pipeline = readonly (readonly Operand[])[];

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

/** Reads a template of Go's package text/template, as docker's `--format` takes them; without variables and definitions. Throws TBUILD_USAGE. */
export function parseTemplate(text: string): readonly TemplateNode[] {
  const pieces = splitActions(text);
  const { nodes, end } = parseNodes(pieces, 0);
  if (end < pieces.length) throw malformed(`unexpected {{${actionAt(pieces, end)}}}`);
  return nodes;
}

export function malformed(why: string): TbuildError {
  return new TbuildError('TBUILD_USAGE', `--format: ${why}`, {
    hint: "a format is json, table, 'table TEMPLATE' or 'TEMPLATE', for example 'table {{.ID}}\\t{{.Size}}'",
  });
}

type Piece = { readonly text: string } | { readonly action: string };

function splitActions(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let rest = text;
  for (let open = rest.indexOf('{{'); open >= 0; open = rest.indexOf('{{')) {
    const close = findClose(rest, open + 2);
    const before = rest.slice(0, open);
    const action = rest.slice(open + 2, close);
    const trimsBefore = /^-\s/.test(action);
    const trimsBehind = /\s-$/.test(action);
    if (before !== '') pieces.push({ text: trimsBefore ? before.trimEnd() : before });
    const inner = action.slice(trimsBefore ? 1 : 0, trimsBehind ? -1 : undefined).trim();
    if (!/^\/\*.*\*\/$/s.test(inner)) pieces.push({ action: inner });
    rest = rest.slice(close + 2);
    if (trimsBehind) rest = rest.trimStart();
  }
  return [...pieces, { text: rest }];
}

/** The `}}` that is in no quotes. */
function findClose(text: string, start: number): number {
  const token = /"(?:[^"\\]|\\.)*"|`[^`]*`|\/\*.*?\*\/|\}\}|[^]/gsy;
  token.lastIndex = start;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '}}') return match.index;
  }
  throw malformed('an action {{ is not closed');
}

function actionAt(pieces: readonly Piece[], index: number): string {
  const piece = pieces[index];
  return piece !== undefined && 'action' in piece ? piece.action : '';
}

/** Up to an `end` or `else` that belongs to somebody further out. */
function parseNodes(pieces: readonly Piece[], start: number): { nodes: readonly TemplateNode[]; end: number } {
  const nodes: TemplateNode[] = [];
  let index = start;
  while (index < pieces.length) {
    const piece = pieces[index];
    if (piece === undefined || 'text' in piece) {
      if (piece !== undefined && piece.text !== '') nodes.push({ kind: 'text', text: piece.text });
      index++;
      continue;
    }
    const [word = ''] = /^\w*/.exec(piece.action) ?? [];
    if (word === 'end' || word === 'else') break;
    if (word === 'if' || word === 'with' || word === 'range') {
      const { node, end } = parseBlock(pieces, index, { kind: word, condition: piece.action.slice(word.length) });
      nodes.push(node);
      index = end;
      continue;
    }
    if (/^(define|template|block|break|continue)$|^\$/.test(word === '' ? piece.action.slice(0, 1) : word))
      throw malformed(`{{${piece.action}}} is not supported`);
    nodes.push({ kind: 'print', pipeline: parsePipeline(piece.action) });
    index++;
  }
  return { nodes, end: index };
}

interface BlockHead {
  readonly kind: 'if' | 'with' | 'range';
  readonly condition: string;
}

function parseBlock(
  pieces: readonly Piece[],
  start: number,
  { kind, condition }: BlockHead,
): { node: TemplateNode; end: number } {
  const pipeline = parsePipeline(condition);
  const { nodes: body, end } = parseNodes(pieces, start + 1);
  const word = actionAt(pieces, end);
  if (word === 'end') return { node: { kind, pipeline, body, otherwise: [] }, end: end + 1 };
  const more = /^else\s+(if|with)\b(.*)$/s.exec(word);
  if (more !== null) {
    const [, next, rest = ''] = more;
    const inner = parseBlock(pieces, end, { kind: next === 'if' ? 'if' : 'with', condition: rest });
    return { node: { kind, pipeline, body, otherwise: [inner.node] }, end: inner.end };
  }
  if (word !== 'else') throw malformed(`{{${kind}${condition}}} has no {{end}}`);
  const { nodes: otherwise, end: last } = parseNodes(pieces, end + 1);
  if (actionAt(pieces, last) !== 'end') throw malformed(`{{${kind}${condition}}} has no {{end}}`);
  return { node: { kind, pipeline, body, otherwise }, end: last + 1 };
}

const tokens =
  /\s+|(?<string>"(?:[^"\\\n]|\\.)*")|(?<raw>`[^`]*`)|(?<number>[-+]?\d+(?:\.\d+)?\b)|(?<field>(?:\.[A-Za-z_]\w*)+|\.)|(?<word>[A-Za-z_]\w*)|(?<mark>[|()])/gy;

type Token = readonly [kind: string, text: string];

function parsePipeline(text: string): Pipeline {
  const found: Token[] = [];
  tokens.lastIndex = 0;
  while (tokens.lastIndex < text.length) {
    const at = tokens.lastIndex;
    const match = tokens.exec(text);
    if (match === null) throw malformed(`{{${text}}}: unexpected ${JSON.stringify(text.slice(at, at + 10))}`);
    const kind = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined);
    // What follows a closing parenthesis without a space is a field of it.
    if (kind !== undefined) found.push(kind[0] === 'field' && text[at - 1] === ')' ? ['of', kind[1]] : kind);
  }
  const rest = found.toReversed();
  const pipeline = parseCommands(rest, text);
  if (rest.length > 0) throw malformed(`{{${text}}}: a parenthesis is closed that was not opened`);
  return pipeline;
}

/** @param rest tokens still to be read, the next one last */
function parseCommands(rest: Token[], text: string): Pipeline {
  const commands: (readonly Operand[])[] = [];
  let operands: Operand[] = [];
  const endCommand = (): void => {
    if (operands.length === 0) throw malformed(`{{${text}}}: a value is missing`);
    commands.push(operands);
    operands = [];
  };
  for (let token = rest.pop(); token !== undefined; token = rest.pop()) {
    const [kind, value] = token;
    if (kind === 'mark' && value === ')') {
      rest.push(token);
      break;
    }
    if (kind === 'mark' && value === '|') endCommand();
    else if (kind === 'mark') operands.push(parseGroup(rest, text));
    else operands.push(parseOperand(kind, value));
  }
  endCommand();
  return commands;
}

function parseGroup(rest: Token[], text: string): Operand {
  const pipeline = parseCommands(rest, text);
  if (rest.pop() === undefined) throw malformed(`{{${text}}}: a parenthesis is not closed`);
  const names = rest.at(-1)?.[0] === 'of' ? namesOf(rest.pop()?.[1] ?? '') : [];
  return { kind: 'group', pipeline, names };
}

function parseOperand(kind: string, text: string): Operand {
  switch (kind) {
    case 'string':
      return { kind: 'constant', value: unquote(text) };
    case 'raw':
      return { kind: 'constant', value: text.slice(1, -1) };
    case 'number':
      return { kind: 'constant', value: Number(text) };
    case 'field':
      return { kind: 'field', names: namesOf(text) };
    default: {
      const constants = new Map<string, boolean | undefined>([
        ['true', true],
        ['false', false],
        ['nil', undefined],
      ]);
      return constants.has(text) ? { kind: 'constant', value: constants.get(text) } : { kind: 'function', name: text };
    }
  }
}

function namesOf(text: string): readonly string[] {
  return text.split('.').filter((name) => name !== '');
}

/** Go's escapes that JSON has as well. */
function unquote(text: string): string {
  try {
    return JSON.parse(text.replaceAll('\t', '\\t')) as string;
  } catch {
    throw malformed(`${text} is not a string`);
  }
}
