import { expect, test } from 'vitest';
import { exposedPorts } from '../../../src/image/exposed-ports.ts';

// Each was tried with `docker build`.
test.each([
  ['80', ['80/tcp']],
  ['080', ['80/tcp']],
  ['8080/TCP', ['8080/tcp']],
  ['80/', ['80/tcp']],
  ['80/sctp', ['80/sctp']],
  ['0', ['0/tcp']],
  ['80-80/tcp', ['80/tcp']],
  ['9000-9002', ['9000/tcp', '9001/tcp', '9002/tcp']],
  ['1-2/udp', ['1/udp', '2/udp']],
  ['8080:80', ['80/tcp']],
  ['80-81:90-91', ['90/tcp', '91/tcp']],
  ['80-90:90', ['90/tcp']],
  ['127.0.0.1:80:90', ['90/tcp']],
  ['[::1]:80:90', ['90/tcp']],
])('%s exposes %j', (word, ports) => {
  expect(exposedPorts(word)).toEqual(ports);
});

test.each(['/tcp', 'abc', '90-80', '70000', '-1', '80-', '80/foo', '1:2-3', 'host:1:2', '300.0.0.1:1:2', '1_0', '+80'])(
  'refuses %j',
  (word) => {
    expect(() => exposedPorts(word)).toThrow(word);
  },
);
