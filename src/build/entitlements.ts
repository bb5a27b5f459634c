import type { RunInstruction } from '../dockerfile/instruction.ts';
import { TbuildError } from '../errors.ts';

/** What a Dockerfile gets only where whoever builds it says so: `--allow`. */
export type Entitlement = 'network.host' | 'security.insecure';

/** `default` is the host's network, like `host`, but `host` also allows RUN to ask for it (`--allow network.host`). */
export type NetworkMode = 'default' | 'host' | 'none';

export const entitlements: readonly Entitlement[] = ['network.host', 'security.insecure'];

/** Throws TBUILD_NOT_ALLOWED. Called for every RUN before anything else is done for it, whoever asks for the build. */
export function checkEntitlements(
  { network, security, span }: Pick<RunInstruction, 'network' | 'security' | 'span'>,
  { allow, network: given }: { readonly allow: readonly Entitlement[]; readonly network: NetworkMode },
): void {
  const needed: Entitlement[] = [];
  // As docker has it, --network=host says so for all of the build.
  if (network === 'host' && given !== 'host') needed.push('network.host');
  if (security === 'insecure') needed.push('security.insecure');
  const missing = needed.find((name) => !allow.includes(name));
  if (missing === undefined) return;
  throw new TbuildError('TBUILD_NOT_ALLOWED', `${missing} is not allowed`, {
    span,
    hint: `if you trust this Dockerfile with it, give --allow ${missing}`,
    details: { entitlement: missing },
  });
}
