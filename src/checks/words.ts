/** As the command line shows it. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : Number(value.toPrecision(3))}${units[unit] ?? ''}`;
}

export function formatSeconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)}ms` : `${(milliseconds / 1000).toFixed(1)}s`;
}

export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** An instruction in a sentence. */
export function shortText(text: string): string {
  const [line = ''] = text.split('\n', 1);
  const characters = Array.from(line);
  return line === text && characters.length <= 60 ? text : `${characters.slice(0, 59).join('').trimEnd()}…`;
}

/** A name that somebody else gave a file must not begin another line of a message. */
export function shownPath(path: string): string {
  return path.replaceAll(/\p{Cc}/gu, '\ufffd');
}
