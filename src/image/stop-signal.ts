import { suggest } from '../dockerfile/suggest.ts';

/**
 * True for what docker takes after STOPSIGNAL: any number but 0, or a name of Linux with or without `SIG`, in any case (`sigterm`, `RTMIN+3`).
 */
export function isStopSignal(text: string): boolean {
  if (/^[+-]?\d+$/.test(text)) return Number(text) !== 0;
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) return isRealTime(realTime);
  return signalNames.has(name);
}

/** The name that was probably meant. */
export function suggestStopSignal(text: string): string | undefined {
  const near = suggest(text.toUpperCase().replace(/^SIG/, ''), signalNames);
  return near === undefined ? undefined : `SIG${near}`;
}

const signalNames: ReadonlySet<string> = new Set(
  (
    'ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP ' +
    'TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ'
  ).split(' '),
);

/** 34 (RTMIN) to 64 (RTMAX), written RTMIN to RTMIN+15 and RTMAX-14 to RTMAX. */
function isRealTime([, base, sign, digits]: RegExpExecArray): boolean {
  if (sign === undefined) return true;
  const offset = Number(digits);
  if (String(offset) !== digits || offset === 0) return false;
  return base === 'MIN' ? sign === '+' && offset <= 15 : sign === '-' && offset <= 14;
}
