/** One or more lines on standard output. */
export function say(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Announces a part of the demo. */
export function title(text: string): void {
  say(`\n==> ${text}\n`);
}
