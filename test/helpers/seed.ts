import fc from 'fast-check';

// The same cases in every run: what CI says of a change is about the change. With TBUILD_FUZZ_MS, or another TBUILD_SEED, new ones are looked for.
if (process.env['TBUILD_FUZZ_MS'] === undefined) {
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['TBUILD_SEED'] ?? 20) });
}
