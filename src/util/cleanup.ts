/** What has to be released later, in reverse order. */
export interface Cleanup extends AsyncDisposable {
  /** Runs `release` on disposal, after everything that was deferred later. */
  defer(release: () => void | Promise<void>): void;
  /** Disposes the resource on disposal. */
  use<T extends AsyncDisposable>(resource: T): T;
}

/**
 * Releases in reverse order and goes on after a failure. One failure is thrown as it is, several as an `AggregateError`.
 * Stands in for `AsyncDisposableStack`, which Node 24 has: delete this file when Node 20 and 22 are no longer supported.
 */
export function openCleanup(): Cleanup {
  const releases: (() => void | Promise<void>)[] = [];
  return {
    defer(release) {
      releases.push(release);
    },
    use(resource) {
      releases.push(async () => {
        await resource[Symbol.asyncDispose]();
      });
      return resource;
    },
    async [Symbol.asyncDispose]() {
      const errors: unknown[] = [];
      for (let release = releases.pop(); release !== undefined; release = releases.pop()) {
        try {
          await release();
        } catch (error) {
          errors.push(error);
        }
      }
      throwAll(errors);
    },
  };
}

function throwAll(errors: readonly unknown[]): void {
  if (errors.length === 0) return;
  if (errors.length === 1) throw asError(errors[0]);
  const first = asError(errors[0]);
  throw new AggregateError(errors, `${first.message} (and ${errors.length - 1} more while cleaning up)`);
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
