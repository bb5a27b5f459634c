import type { BuildOptions } from '../options.ts';
import type { Outline, Targets } from './answers.ts';

/**
 * What `--build-arg`, `--secret` and `--ssh` can give to a stage and those that it needs. Nothing is built. Options that say how to build have no effect.
 * Throws what `build` throws before its first step; a base image that the store does not have is asked for in its registry (TBUILD_REGISTRY and others).
 */
export async function outline(options: BuildOptions): Promise<Outline> {
  const [{ withInput }, { outlineOf }] = await Promise.all([import('./with-input.ts'), import('./outline.ts')]);
  return withInput(options, outlineOf);
}

/** The stages that `--target` can name. Throws what `build` throws about a Dockerfile that cannot be read or parsed. */
export async function targets(options: BuildOptions): Promise<Targets> {
  const [{ withInput }, { targetsOf }] = await Promise.all([import('./with-input.ts'), import('./targets.ts')]);
  return withInput(options, targetsOf);
}
