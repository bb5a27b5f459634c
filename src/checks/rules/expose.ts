import type { SourceSpan } from '../../errors.ts';
import type { BuildInput, BuildRule } from '../rule.ts';

export const exposeProtoCasing: BuildRule = {
  over: 'build',
  name: 'ExposeProtoCasing',
  description: 'Protocol in EXPOSE instruction should be lowercase',
  why: 'The image config has protocols in small letters; other builders may not lower what is written.',
  fix: 'Write tcp, udp or sctp.',
  *find(input) {
    for (const { port, span } of exposed(input)) {
      const protocol = port.slice(port.indexOf('/') + 1);
      if (!port.includes('/') || protocol === protocol.toLowerCase()) continue;
      yield { message: `Defined protocol '${port}' in EXPOSE instruction should be lowercase`, span };
    }
  },
};

export const exposeInvalidFormat: BuildRule = {
  over: 'build',
  name: 'ExposeInvalidFormat',
  description:
    'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
  why: 'An image says only which ports its program listens on; where they appear on a host is chosen when it runs.',
  fix: "Keep the container's port: EXPOSE 80/tcp.",
  *find(input) {
    for (const { port, span } of exposed(input)) {
      if (!port.includes(':')) continue;
      const message = `EXPOSE instruction should not define an IP address or host-port mapping, found '${port}'`;
      yield { message, span };
    }
  },
};

function* exposed({ looked }: BuildInput): Generator<{ readonly port: string; readonly span: SourceSpan }> {
  for (const { expanded, span } of looked.flatMap(({ steps }) => steps)) {
    if (expanded.kind === 'expose') for (const port of expanded.ports) yield { port, span };
  }
}
