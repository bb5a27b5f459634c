/** A file name that nobody else makes up, across processes. It is no secret: for directories that only their owner can enter. `node:crypto` costs half a millisecond when first asked. */
export function uniqueName(): string {
  const random = (): string => Math.floor(Math.random() * 36 ** 9).toString(36);
  return `${process.pid.toString(36)}-${random()}${random()}`;
}
