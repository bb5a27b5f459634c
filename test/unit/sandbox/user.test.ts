import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveUser } from '../../../src/sandbox/user.ts';

// Every expectation here was seen in a `docker build` of the same files, but for malformed lines.
const passwd = `root:x:0:0:root:/root:/bin/sh
1000:x:7:8::/hijack:/bin/sh
bob:x:1234:55:Bob:/home/bob:/bin/sh
nohome:x:1235:55:::/bin/sh
bob:x:99:99::/x:/bin/sh
sp ace:x:77:77::/sp:/bin/sh
twin:x:1234:66::/twin:/bin/sh
bad:x:abc:1::/y:/bin/sh
neg:x:-5:1::/n:/bin/sh
huge:x:99999999999:1::/h:/bin/sh
short:x:12
`;
const group = `root:x:0:root
staff:x:50:bob,alice
wheel:x:10:root,bob
1000:x:60:bob
grp:x:70:
numu:x:71:1234
bobg:x:55:
badg:x:zz:bob
`;
const files = { passwd, group };

describe('resolveUser', () => {
  it.each([
    ['', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
    ['root', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
    ['0', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
    [':', { uid: 0, gid: 0, groups: [0, 10], home: '/root' }],
    ['bob', { uid: 1234, gid: 55, groups: [10, 50, 55, 60], home: '/home/bob' }],
    ['bob:', { uid: 1234, gid: 55, groups: [10, 50, 55, 60], home: '/home/bob' }],
    ['bob:staff', { uid: 1234, gid: 50, groups: [50], home: '/home/bob' }],
    ['bob:123', { uid: 1234, gid: 123, groups: [123], home: '/home/bob' }],
    ['1234', { uid: 1234, gid: 55, groups: [10, 50, 55, 60], home: '/home/bob' }],
    ['1234:numu', { uid: 1234, gid: 71, groups: [71], home: '/home/bob' }],
    ['4000', { uid: 4000, gid: 0, groups: [0], home: '/' }],
    ['4000:grp', { uid: 4000, gid: 70, groups: [70], home: '/' }],
    [':staff', { uid: 0, gid: 50, groups: [50], home: '/root' }],
    ['nohome', { uid: 1235, gid: 55, groups: [55], home: '' }],
    ['sp ace', { uid: 77, gid: 77, groups: [77], home: '/sp' }],
    ['007', { uid: 7, gid: 8, groups: [8], home: '/hijack' }],
    ['2147483647:2147483647', { uid: 2_147_483_647, gid: 2_147_483_647, groups: [2_147_483_647], home: '/' }],
  ])('takes %j as docker does', (spec, user) => {
    expect(resolveUser(spec, files)).toEqual(user);
  });

  it('never takes a number for a name', () => {
    expect(resolveUser('1000', files)).toEqual({ uid: 1000, gid: 0, groups: [0], home: '/' });
    expect(resolveUser('1000:1000', files)).toEqual({ uid: 1000, gid: 1000, groups: [1000], home: '/' });
  });

  it.each([
    'nobody',
    '0x10',
    'bob:nogrp',
    'bob:a:b',
    ':nogrp',
    '4294967296',
    '2147483648',
    '-1',
    '0:4294967295',
    '99999999999999999999',
  ])('refuses %j', (spec) => {
    expect(() => resolveUser(spec, files)).toThrow(expect.objectContaining({ code: 'TBUILD_USER_NOT_FOUND' }) as Error);
  });

  it.each(['bad', 'neg', 'huge', 'short', 'bob:badg'])('never makes root of the malformed line of %j', (spec) => {
    expect(() => resolveUser(spec, files)).toThrow(expect.objectContaining({ code: 'TBUILD_USER_NOT_FOUND' }) as Error);
  });

  it('knows numbers alone in an image without accounts', () => {
    const none = { passwd: undefined, group: undefined };
    expect(resolveUser('', none)).toEqual({ uid: 0, gid: 0, groups: [0], home: '/' });
    expect(resolveUser('5:6', none)).toEqual({ uid: 5, gid: 6, groups: [6], home: '/' });
    expect(() => resolveUser('root', none)).toThrow('there is no user "root"');
  });

  it('is root for no text but those that say so', () => {
    fc.assert(
      fc.property(fc.string(), (spec) => {
        let uid: number | undefined;
        try {
          ({ uid } = resolveUser(spec, files));
        } catch {
          return true;
        }
        const name = spec.split(':')[0] ?? '';
        return uid !== 0 || name === '' || name === 'root' || /^[+-]?0+$/.test(name);
      }),
    );
  });
});
