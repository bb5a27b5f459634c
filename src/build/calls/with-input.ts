import { accessOf, withStore } from '../../rootfs/open-store.ts';
import { openCleanup } from '../../util/cleanup.ts';
import { firstFailure } from '../../util/first-failure.ts';
import { openInput, withDockerfileText } from '../input.ts';
import type { BuildAccess } from '../access.ts';
import type { BuildInput } from '../input.ts';
import { resolveOptions } from '../options.ts';
import type { BuildOptions } from '../options.ts';
import { openSecrets } from '../secrets.ts';

/** Opens what a build would start from, for something that only looks at it. */
export async function withInput<T>(
  options: BuildOptions,
  body: (input: BuildInput, access: BuildAccess) => T | Promise<T>,
): Promise<T> {
  const resolved = resolveOptions(options, 1);
  const { store: given, storeRoot: root, userns, usernsStart, signal = new AbortController().signal } = options;
  return withStore({ store: given, root, userns, usernsStart, signal }, async (store) => {
    await using cleanup = openCleanup();
    const { helper } = accessOf(store);
    const secrets = openSecrets(resolved.secrets);
    const access: BuildAccess = { options: resolved, store, helper, signal, secrets, emit: () => undefined };
    const input = await openInput(access, cleanup);
    try {
      return await body(input, access);
    } catch (error) {
      throw withDockerfileText(firstFailure(error), input);
    }
  });
}
