/** What takes time and is counted in bytes. */
export type Tell = (label: string, current: number, total: number | undefined) => void;

/** Between two reports of one label, milliseconds: more often nobody looks. */
const pace = 100;

/** Passes on the first report of each label, the one that completes it, and of those between one in a tenth of a second. */
export function paced(tell: Tell): Tell {
  const told = new Map<string, number>();
  return (label, current, total) => {
    const now = performance.now();
    const last = told.get(label);
    if (last !== undefined && now - last < pace && current !== total) return;
    told.set(label, now);
    tell(label, current, total);
  };
}
