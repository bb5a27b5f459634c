/**
 * Reads one word of EXPOSE by docker's grammar, `[[ip:]hostPort[-end]:]port[-end][/protocol]`, and gives the ports as the image config names them (`80/tcp`), in order.
 * The host's part is checked and dropped. Throws a plain `Error` whose message says what is wrong.
 */
export function exposedPorts(word: string): readonly string[] {
  const slash = word.indexOf('/');
  const protocol = (slash === -1 ? '' : word.slice(slash + 1)).toLowerCase() || 'tcp';
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw new Error(`${word}: the protocol is not tcp, udp or sctp`);
  const { address, host, container } = splitSpecification(slash === -1 ? word : word.slice(0, slash));
  if (container === '') throw new Error(`${word}: no port`);
  const ports = parseRange(container, word);
  if (address !== '' && !isAddress(address)) throw new Error(`${word}: ${address} is no IP address`);
  if (host !== '') {
    const hostPorts = parseRange(host, word);
    if (ports.end !== ports.start && hostPorts.end - hostPorts.start !== ports.end - ports.start) {
      throw new Error(`${word}: the two ranges differ in length`);
    }
  }
  return Array.from({ length: ports.end - ports.start + 1 }, (_, index) => `${ports.start + index}/${protocol}`);
}

function splitSpecification(text: string): { address: string; host: string; container: string } {
  const parts = text.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  return { address: parts.join(':').replace(/^\[(.*)\]$/, '$1'), host, container };
}

function parseRange(text: string, word: string): { readonly start: number; readonly end: number } {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const start = Number(match?.[1]);
  const end = match?.[2] === undefined ? start : Number(match[2]);
  if (match === null || end < start || end > 65535) throw new Error(`${word}: ${text} is no port or range of ports`);
  return { start, end };
}

function isAddress(text: string): boolean {
  const host = text.includes(':') ? `[${text}]` : text;
  return URL.canParse(`http://${host}/`) && (text.includes(':') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text));
}
