import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TbuildError } from '../../../src/errors.ts';
import { errnoOf, ioError } from '../../../src/util/io-error.ts';

describe('ioError', () => {
  test('names what failed, the path and the errno, and keeps the cause', () => {
    const cause = thrownBy(() => readFileSync('/nonexistent/file'));
    const error = ioError(cause, 'read the record', '/nonexistent/file');
    expect(error).toMatchObject({
      code: 'TBUILD_IO',
      message: 'cannot read the record: /nonexistent/file: ENOENT',
      details: { errno: 'ENOENT', path: '/nonexistent/file' },
      cause,
    });
  });

  test('says what to do about a full disk', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(ioError(full, 'write', '/x')).toMatchObject({
      code: 'TBUILD_IO',
      hint: expect.stringContaining('tbuild prune'),
    });
  });

  test('gives coded errors and programming mistakes back as they are', () => {
    const coded = new TbuildError('TBUILD_DIGEST_MISMATCH', 'wrong');
    const mistake = new TypeError('not a string');
    const ofNode = Object.assign(new TypeError('bad argument'), { code: 'ERR_INVALID_ARG_TYPE' });
    expect(ioError(coded, 'write', '/x')).toBe(coded);
    expect(ioError(mistake, 'write', '/x')).toBe(mistake);
    expect(ioError(ofNode, 'write', '/x')).toBe(ofNode);
    expect(errnoOf(ofNode)).toBeUndefined();
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
