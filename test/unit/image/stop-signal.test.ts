import { expect, test } from 'vitest';
import { isStopSignal, suggestStopSignal } from '../../../src/image/stop-signal.ts';

// Each was tried with `docker build`.
test.each(['SIGTERM', 'sigkill', 'KILL', '9', '64', '65', '-1', 'RTMIN+3', 'SIGRTMIN', 'SIGRTMAX-14', 'SIGPOLL'])(
  'takes %s',
  (text) => {
    expect(isStopSignal(text)).toBe(true);
  },
);

test.each(['foo', '0', '00', '', 'SIG', 'SIGSIGTERM', 'SIGRTMIN+20', 'RTMIN+0', 'RTMIN-1', 'RTMAX+1', '9x'])(
  'refuses %j',
  (text) => {
    expect(isStopSignal(text)).toBe(false);
  },
);

test.each([
  ['SIGTREM', 'SIGTERM'],
  ['qiut', 'SIGQUIT'],
  ['SIGNOTHING', undefined],
])('of %s it thinks %s', (text, near) => {
  expect(suggestStopSignal(text)).toBe(near);
});
