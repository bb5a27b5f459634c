import type { HealthcheckInstruction } from '../dockerfile/instruction.ts';
import type { Healthcheck } from '../oci/config.ts';

/** What the config holds for a HEALTHCHECK; what is 0 is inherited and left out. Shell form is run by the container's shell, not by SHELL. */
export function healthcheckOf({ check }: HealthcheckInstruction): Healthcheck {
  if (check.kind === 'none') return { Test: ['NONE'] };
  const { command, intervalNs, timeoutNs, startPeriodNs, startIntervalNs, retries } = check;
  return {
    Test: command.form === 'exec' ? ['CMD', ...command.argv] : ['CMD-SHELL', command.text],
    ...(intervalNs === 0 ? {} : { Interval: intervalNs }),
    ...(timeoutNs === 0 ? {} : { Timeout: timeoutNs }),
    ...(startPeriodNs === 0 ? {} : { StartPeriod: startPeriodNs }),
    ...(startIntervalNs === 0 ? {} : { StartInterval: startIntervalNs }),
    ...(retries === 0 ? {} : { Retries: retries }),
  };
}
