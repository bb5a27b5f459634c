import { accessOf, withStore } from '../../rootfs/open-store.ts';
import { openCleanup } from '../../util/cleanup.ts';
import { firstFailure } from '../../util/first-failure.ts';
import { openSource, withDockerfileText } from '../input.ts';
import type { BuildAccess } from '../access.ts';
import type { BuildInput, BuildSource } from '../input.ts';
import { parseKept } from '../load-dockerfile.ts';
import { resolveOptions } from '../options.ts';
import type { BuildOptions } from '../options.ts';
import { openSecrets } from '../secrets.ts';

/** Opens what a build would start from, for something that only looks at it. */
export function withInput<T>(
  options: BuildOptions,
  body: (input: BuildInput, access: BuildAccess) => T | Promise<T>,
): Promise<T> {
  return withSource(options, async (source, access) => {
    const parsed = await parseKept(access.store, source, access.options.buildArgs);
    return body({ ...source, ...parsed }, access);
  });
}

/** The same, not yet parsed. */
export async function withSource<T>(
  options: BuildOptions,
  body: (source: BuildSource, access: BuildAccess) => T | Promise<T>,
): Promise<T> {
  const resolved = resolveOptions(options, 1);
  const { store: given, storeRoot: root, userns, usernsStart, signal = new AbortController().signal } = options;
  return withStore({ store: given, root, userns, usernsStart, signal }, async (store) => {
    await using cleanup = openCleanup();
    const { helper } = accessOf(store);
    const secrets = openSecrets(resolved.secrets);
    const access: BuildAccess = { options: resolved, store, helper, signal, secrets, emit: () => undefined };
    const source = await openSource(access, cleanup);
    try {
      return await body(source, access);
    } catch (error) {
      throw withDockerfileText(firstFailure(error), source);
    }
  });
}
