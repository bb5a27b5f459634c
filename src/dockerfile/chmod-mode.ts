/** What `--chmod` asks for. */
export interface ChmodMode {
  /** Octal: the same for everything. Undefined: it depends on the mode of what is copied. */
  readonly fixed: number | undefined;
  /** The 07777 bits of something whose bits are `mode`. */
  apply(mode: number, isDirectory: boolean): number;
}

/**
 * The value of `--chmod`: octal up to 07777, or symbolic as for chmod(1), with the meaning of BSD's setmode(3) under the umask 0, which is what docker implements. So `X` looks at the mode from before the
 * first clause, `=` with `u`, `g` or `o` behind it keeps set-id bits, and `=` without a `who` keeps the sticky bit. Undefined for what docker refuses.
 */
export function parseChmod(text: string): ChmodMode | undefined {
  if (/^\d/.test(text)) {
    const mode = Number.parseInt(text, 8);
    return /^[0-7]+$/.test(text) && mode <= allBits ? { fixed: mode, apply: () => mode } : undefined;
  }
  if (!symbolic.test(text)) return undefined;
  const changes = text.split(',').flatMap(parseClause);
  return {
    fixed: undefined,
    apply(mode, isDirectory) {
      const canExecute = isDirectory || (mode & 0o111) !== 0;
      return changes.reduce((current, change) => change(current, canExecute), mode & allBits);
    },
  };
}

const allBits = 0o7777;
const setIds = 0o6000;
const sticky = 0o1000;
const classes = { u: 0o4700, g: 0o2070, o: 0o0007, a: 0o6777 } as const;
const permissions = { r: 0o444, w: 0o222, x: 0o111 } as const;
const shifts = { u: 6, g: 3, o: 0 } as const;

const symbolic = /^[ugoa]*(?:[-+=][rwxXstugo]*)+(?:,[ugoa]*(?:[-+=][rwxXstugo]*)+)*$/;

type Operator = '+' | '-' | '=';
type Change = (mode: number, canExecute: boolean) => number;

/** `[who](op[perms])+`: the operators of a clause hold for the same classes. */
function parseClause(clause: string): Change[] {
  const who = /^[ugoa]*/.exec(clause)?.[0] ?? '';
  const bits = who.split('').reduce((all, letter) => all | classes[letter as keyof typeof classes], 0);
  const actions = clause.slice(who.length).match(/[-+=][^-+=]*/g) ?? [];
  return actions.flatMap((action) => parseAction(action[0] as Operator, action.slice(1), bits));
}

function parseAction(operator: Operator, letters: string, who: number): Change[] {
  const changes: Change[] = [];
  // Set-id and sticky bits mean nothing to others alone.
  const takesSpecial = who === 0 || (who & ~classes.o) !== 0;
  let classBits = who;
  let pending = 0;
  let isConditional = false;
  let isEqualDone = operator !== '=';
  for (const letter of letters) {
    switch (letter) {
      case 'u':
      case 'g':
      case 'o':
        if (pending !== 0) changes.push(setBits(operator, classBits, pending));
        pending = 0;
        isEqualDone = true;
        if (operator === '+' && isConditional) {
          changes.push(setExecute(operator, classBits));
          isConditional = false;
        }
        changes.push(copyBits(operator, classBits, letter));
        break;
      case 's':
        if (takesSpecial) pending |= setIds;
        break;
      case 't':
        if (takesSpecial) {
          classBits |= sticky;
          pending |= sticky;
        }
        break;
      case 'X':
        isConditional = true;
        break;
      default:
        pending |= permissions[letter as 'r' | 'w' | 'x'];
    }
  }
  if (pending !== 0 || !isEqualDone) changes.push(setBits(operator, classBits, pending));
  if (isConditional) changes.push(setExecute(operator, classBits));
  return changes;
}

function setBits(operator: Operator, who: number, bits: number): Change {
  const affected = (who === 0 ? allBits : who) & bits;
  switch (operator) {
    case '+':
      return (mode) => mode | affected;
    case '-':
      return (mode) => mode & ~affected;
    case '=':
      return (mode) => (mode & ~(who === 0 ? classes.a : who)) | affected;
  }
}

/** `X`: execution, where something could be executed before. Unlike BSD's, docker's takes it away behind a minus. */
function setExecute(operator: Operator, who: number): Change {
  const affected = (who === 0 ? allBits : who) & permissions.x;
  return (mode, canExecute) => (operator === '-' ? mode & ~affected : canExecute ? mode | affected : mode);
}

/** Gives the permissions of one class to others, as they are when it is this clause's turn. */
function copyBits(operator: Operator, who: number, from: 'u' | 'g' | 'o'): Change {
  const targets = (['u', 'g', 'o'] as const).filter((to) => who === 0 || (who & (0o7 << shifts[to])) !== 0);
  return (mode) => {
    const value = (mode >> shifts[from]) & 0o7;
    return targets.reduce((current, to) => {
      const cleared = operator === '+' ? 0 : operator === '-' ? value : 0o7;
      const added = operator === '-' ? 0 : value;
      return (current & ~(cleared << shifts[to])) | (added << shifts[to]);
    }, mode);
  };
}
