import type { Helper, HelperIdentity } from './helper-types.ts';

/** A helper whose client (and with it Node's child_process and net) is loaded at the first operation: a cached build needs none of it. */
export function lazyHelper(identity: () => HelperIdentity): Helper {
  let loading: Promise<Helper> | undefined;
  const load = (): Promise<Helper> =>
    (loading ??= import('./helper.ts').then(({ openHelper }) => openHelper(identity)));
  return {
    info: async () => (await load()).info(),
    write: async (options, entries) => (await load()).write(options, entries),
    commit: async (options) => (await load()).commit(options),
    tar: async function* (options) {
      yield* (await load()).tar(options);
    },
    read: async (options) => (await load()).read(options),
    export: async (options) => (await load()).export(options),
    usage: async (paths) => (await load()).usage(paths),
    remove: async (paths) => (await load()).remove(paths),
    run: async (request, callbacks) => (await load()).run(request, callbacks),
    async [Symbol.asyncDispose]() {
      await (await loading)?.[Symbol.asyncDispose]();
    },
  };
}
