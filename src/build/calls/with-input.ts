import { accessOf, withStore } from '../../rootfs/open-store.ts';
import { openCleanup } from '../../util/cleanup.ts';
import { firstFailure } from '../../util/first-failure.ts';
import { openInput, withDockerfileText } from '../input.ts';
import type { BuildInput, InputAccess } from '../input.ts';
import { resolveOptions } from '../options.ts';
import type { BuildOptions } from '../options.ts';

/** Opens what a build would start from, for something that only looks at it. */
export async function withInput<T>(
  options: BuildOptions,
  body: (input: BuildInput, access: InputAccess) => T | Promise<T>,
): Promise<T> {
  const resolved = resolveOptions(options, 1);
  const { store: given, storeRoot: root, userns, usernsStart, signal = new AbortController().signal } = options;
  return withStore({ store: given, root, userns, usernsStart, signal }, async (store) => {
    await using cleanup = openCleanup();
    const access = { options: resolved, store, helper: accessOf(store).helper, signal, emit: () => undefined };
    const input = await openInput(access, cleanup);
    try {
      return await body(input, access);
    } catch (error) {
      throw withDockerfileText(firstFailure(error), input);
    }
  });
}
