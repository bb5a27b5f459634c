/** One thing that was looked at: what it is, how it is, and what would mend it. */
export interface Finding {
  readonly status: 'ok' | 'warning' | 'failure';
  readonly what: string;
  readonly finding: string;
  readonly remedy?: string | undefined;
}
