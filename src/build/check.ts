import type { CheckReport, CheckRequest } from './check/run.ts';

/**
 * Checks a Dockerfile with the options of a build, without building anything: what `tbuild build --check` tells. Of base images that the store does not have only the config is fetched.
 * What would fail the build is in the report. Throws what keeps it from being looked at: TBUILD_USAGE, TBUILD_DOCKERFILE_NOT_FOUND, TBUILD_CONTEXT.
 */
export async function checkDockerfile(options: CheckRequest): Promise<CheckReport> {
  const { runCheck } = await import('./check/run.ts');
  return runCheck(options);
}
