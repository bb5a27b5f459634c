/** Bytes that belong together, such as those of all layers of a pull. */
export interface ByteTally {
  note(event: { readonly label: string; readonly current: number; readonly total: number | undefined }): void;
  readonly current: number;
  /** Undefined when any part's is. */
  readonly total: number | undefined;
}

export function createByteTally(): ByteTally {
  const parts = new Map<string, { readonly current: number; readonly total: number | undefined }>();
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return {
    note({ label, current, total }) {
      parts.set(label, { current, total });
    },
    get current() {
      return sum([...parts.values()].map(({ current }) => current));
    },
    get total() {
      const totals = [...parts.values()].map(({ total }) => total);
      return totals.every((total) => total !== undefined) ? sum(totals) : undefined;
    },
  };
}

/** True for the label of a blob that is fetched. */
export function isFetch(label: string): boolean {
  return label.startsWith('sha256:');
}
