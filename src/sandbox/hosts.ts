import { isIP } from 'node:net';
import { TbuildError } from '../errors.ts';

/** A line of /etc/hosts. */
export interface ExtraHost {
  readonly name: string;
  readonly address: string;
}

/** /etc/hosts of a sandbox: as BuildKit writes it (`executor/oci/hosts.go`), with our own host name. */
export function hostsContent(hostname: string, extra: readonly ExtraHost[]): string {
  const lines = [`127.0.0.1\tlocalhost ${hostname}`, '::1\tlocalhost ip6-localhost ip6-loopback'];
  for (const { name, address } of extra) {
    if (isIP(address) === 0 || !/^[\w.-]+$/.test(name)) {
      throw new TbuildError('TBUILD_USAGE', `${name}:${address} is not a host name and an IP address`);
    }
    lines.push(`${address}\t${name}`);
  }
  return `${lines.join('\n')}\n`;
}
