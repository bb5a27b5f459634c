/**
 * Runs `work` on all items, at most `limit` at a time, and gives the results in the items' order. The first failure aborts the signal that the others got; it is thrown when all of them have ended,
 * so that nothing still runs afterwards.
 */
export async function eachInParallel<T, R>(
  items: readonly T[],
  options: { readonly limit: number; readonly signal?: AbortSignal | undefined },
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const failure = new AbortController();
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      signal.throwIfAborted();
      const index = next++;
      results[index] = await work(items[index] as T, signal);
    }
  };
  const workers = Array.from({ length: Math.min(options.limit, items.length) }, async () => {
    try {
      await worker();
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(workers);
  if (failure.signal.aborted) throw failure.signal.reason;
  return results;
}
