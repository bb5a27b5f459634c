import fc from 'fast-check';
import type { IProperty, IAsyncProperty } from 'fast-check';

/** How long each property is tried, in milliseconds, instead of a fixed number of cases: `TBUILD_FUZZ_MS=60000 npm run test:unit -- …/properties.test.ts`. */
const fuzzMs = Number(process.env['TBUILD_FUZZ_MS'] ?? 0);
const usualRuns = 1_000;

/** What a test of a property may take. */
export const propertyTimeout: number = 60_000 + 2 * fuzzMs;

/** Tries a property on many cases and throws what falsifies it, made as small as it can be. With TBUILD_FUZZ_MS the number of cases is printed. */
export async function holds<T>(title: string, property: IProperty<T> | IAsyncProperty<T>): Promise<void> {
  const limits =
    fuzzMs > 0
      ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: fuzzMs, markInterruptAsFailure: false }
      : { numRuns: usualRuns };
  const details = await fc.check(property as IAsyncProperty<T>, limits);
  if (fuzzMs > 0) console.log(`${title}: ${details.numRuns} cases in ${fuzzMs / 1000} s`);
  if (!details.failed) return;
  const cause = details.errorInstance;
  throw new Error(fc.defaultReportMessage(details) ?? `${title} does not hold`, { cause });
}
