import { describe, expect, it } from 'vitest';
import { resolvConfContent } from '../../../src/sandbox/resolv-conf.ts';

const publicServers =
  'nameserver 8.8.8.8\nnameserver 8.8.4.4\nnameserver 2001:4860:4860::8888\nnameserver 2001:4860:4860::8844\n';

describe('resolvConfContent', () => {
  const stub = '# stub\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch lan';
  const resolved = 'nameserver 192.0.2.1\nsearch lan\n';

  it("is the machine's own file in the host's network, local servers and all", () => {
    expect(resolvConfContent('host', { main: stub, resolved })).toBe(`${stub}\n`);
    expect(resolvConfContent('host', { main: 'nameserver 10.0.0.1\n', resolved })).toBe('nameserver 10.0.0.1\n');
  });

  it('is what systemd-resolved asks where its local server cannot be reached', () => {
    expect(resolvConfContent('none', { main: stub, resolved })).toBe(resolved);
    expect(resolvConfContent('none', { main: 'nameserver 10.0.0.1\n', resolved })).toBe('nameserver 10.0.0.1\n');
  });

  it.each(['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', '::1%lo'])(
    'leaves out the loopback server %s',
    (server) => {
      const main = `search lan\nnameserver ${server}\nnameserver 10.0.0.1\n`;
      expect(resolvConfContent('none', { main, resolved: undefined })).toBe('search lan\nnameserver 10.0.0.1\n');
    },
  );

  it.each(['2001::1', '10.127.0.1', 'fe80::1', '1::1'])('keeps the server %s', (server) => {
    const main = `nameserver ${server}\n`;
    expect(resolvConfContent('none', { main, resolved: undefined })).toBe(main);
  });

  it('has public servers where none remain', () => {
    expect(resolvConfContent('none', { main: stub, resolved: undefined })).toBe(
      `# stub\noptions edns0 trust-ad\nsearch lan\n${publicServers}`,
    );
    expect(resolvConfContent('host', { main: undefined, resolved: undefined })).toBe(publicServers);
  });
});
