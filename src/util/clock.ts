/** Milliseconds of a clock that only goes forward, for durations. Touching the global `performance` would load half a dozen modules. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
