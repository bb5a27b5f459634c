import { describe, expect, it } from 'vitest';
import { commandEnvironment } from '../../../src/sandbox/environment.ts';
import { setupHint } from '../../../src/sandbox/setup-hint.ts';

const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

describe('commandEnvironment', () => {
  it('has PATH and HOME where the image sets none', () => {
    expect(commandEnvironment({ image: [], home: '/root' })).toEqual([path, 'HOME=/root']);
  });

  it('prefers the image to build arguments, and the last of a name', () => {
    const image = ['A=1', 'B=from image', 'A=2', 'PATH=/p', 'HOME=/h', 'EQ=a=b', 'BARE'];
    const buildArguments = { B: 'argument', C: 'argument' };
    expect(commandEnvironment({ image, buildArguments, home: '/root' })).toEqual([
      'B=from image',
      'C=argument',
      'A=2',
      'PATH=/p',
      'HOME=/h',
      'EQ=a=b',
      'BARE=',
    ]);
  });

  it('replaces an empty HOME, but not an empty PATH', () => {
    expect(commandEnvironment({ image: ['HOME=', 'PATH='], home: '/root' })).toEqual(['HOME=/root', 'PATH=']);
  });

  it('takes nothing from the caller', () => {
    process.env['TBUILD_SECRET_OF_TEST'] = 'x';
    expect(commandEnvironment({ image: [], home: '/' }).join('\n')).not.toContain('SECRET');
    delete process.env['TBUILD_SECRET_OF_TEST'];
  });
});

describe('setupHint', () => {
  it('tells a refused user namespace from a hidden /proc and from a broken image', () => {
    expect(setupHint('create a user namespace', 'EPERM')).toContain('not allowed here');
    expect(setupHint('create a user namespace', 'ENOSPC')).toContain('max_user_namespaces');
    expect(setupHint('mount /proc', 'EPERM')).toContain('container');
    expect(setupHint('mount /proc', 'ENOTDIR')).toContain('this image');
    expect(setupHint('set the user', 'EINVAL')).toContain('/etc/subuid');
    expect(setupHint('something else', 'EIO')).toBeUndefined();
  });
});
