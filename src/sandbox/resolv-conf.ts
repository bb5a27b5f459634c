import type { SandboxNetwork } from './plan.ts';

export interface ResolvConfSources {
  /** This machine's /etc/resolv.conf; undefined when there is none. */
  readonly main: string | undefined;
  /** /run/systemd/resolve/resolv.conf: the servers that systemd-resolved itself asks. */
  readonly resolved: string | undefined;
}

/** Where `ResolvConfSources` are read. */
export const resolvConfPaths = {
  main: '/etc/resolv.conf',
  resolved: '/run/systemd/resolve/resolv.conf',
} as const;

const publicServers = ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'];

/**
 * /etc/resolv.conf of a sandbox, as BuildKit makes it (`executor/oci/resolvconf.go`, moby `libnetwork/internal/resolvconf`).
 *
 * In the host's network it is this machine's file as it is: a server on the loopback interface can be reached. Elsewhere systemd-resolved's own list stands in for its local server, and servers on
 * loopback addresses are left out. Where no server remains, public ones are put in, as docker does.
 */
export function resolvConfContent(network: SandboxNetwork, sources: ResolvConfSources): string {
  const main = sources.main ?? '';
  if (network === 'host' && serversOf(main).length > 0) return ended(main);
  const chosen = onlyResolvedStub(main) && sources.resolved !== undefined ? sources.resolved : main;
  const lines = chosen.split('\n').filter((line) => line !== '' && !isLoopbackServer(line));
  const none = serversOf(lines.join('\n')).length === 0;
  return `${[...lines, ...(none ? publicServers.map((server) => `nameserver ${server}`) : [])].join('\n')}\n`;
}

function onlyResolvedStub(text: string): boolean {
  const servers = serversOf(text);
  return servers.length === 1 && servers[0] === '127.0.0.53';
}

function serversOf(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => serverOf(line) ?? []);
}

function serverOf(line: string): string | undefined {
  return /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
}

function isLoopbackServer(line: string): boolean {
  const server = serverOf(line);
  return server !== undefined && (server.startsWith('127.') || /^(0*:)*:?0*1(%.*)?$/.test(server));
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
