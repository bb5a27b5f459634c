import { describe, expect, test } from 'vitest';
import { parseDockerfile } from '../../../src/dockerfile/parse.ts';
import { errorOf, failureOf, parse } from './helpers.ts';

describe('escape', () => {
  test.each([
    ['# escape=`'],
    ['#escape = `'],
    ['   # EsCaPe = `  '],
    ['# syntax=docker/dockerfile:1\n# escape=`'],
    ['# check=skip=all\n# escape=`'],
  ])('%j makes the backtick the escape character', (head) => {
    const { escape, stages } = parse(head, 'FROM busybox', 'RUN echo a`', 'b\\');
    expect(escape).toBe('`');
    expect(stages[0]?.instructions.map(({ text }) => text)).toEqual(['RUN echo ab\\']);
  });

  test.each([
    ['# foo=bar\n# escape=`'],
    ['\n# escape=`'],
    ['# a comment\n# escape=`'],
    ['# escape=\n# escape=`'],
    ['#!/usr/bin/env docker\n# escape=`'],
  ])('%j: below anything else it is a comment', (head) => {
    expect(parse(head, 'FROM busybox').escape).toBe('\\');
  });

  test('it is one of two characters', () => {
    const error = errorOf(() => parse('# escape=x', 'FROM busybox'));
    expect(error.message).toBe("invalid escape token 'x' does not match ` or \\");
    expect(error.span).toEqual({ file: 'Dockerfile', line: 1, column: 1, endLine: 1, endColumn: 11 });
  });
});

describe('syntax', () => {
  test.each([
    'docker/dockerfile',
    'docker/dockerfile:1',
    'docker/dockerfile:1.7.0',
    'docker/dockerfile:1-labs',
    'docker/dockerfile:latest',
    'docker.io/docker/dockerfile:1.4',
    `docker/dockerfile:1@sha256:${'0'.repeat(64)}`,
  ])('%s is what tbuild reads', (frontend) => {
    expect(parse(`# syntax=${frontend}`, 'FROM busybox').stages).toHaveLength(1);
  });

  test.each([
    ['# syntax=example.com/frontend:1'],
    ['#!/bin/sh\n# syntax=docker/dockerfile-upstream:master'],
    ['# syntax=docker/dockerfile:2'],
    ['# syntax=docker/dockerfile:experimental'],
    ['# escape=`\n# syntax=example.com/frontend'],
    ['# syntax=example.com/frontend with arguments'],
    ['//syntax=example.com/frontend'],
    ['#!/bin/sh\n  // Syntax = example.com/frontend'],
    ['# syntax=example.com/frontend\n# syntax=docker/dockerfile'],
  ])('%j is a language that tbuild does not read', (head) => {
    expect(errorOf(() => parse(head, 'FROM busybox')).code).toBe('TBUILD_UNSUPPORTED');
  });

  test('it may be a member of a JSON object', () => {
    const error = errorOf(() => parse('', '{', ' "syntax": "example.com/frontend:2 x", "other": "y" }'));
    expect([error.code, error.message, error.span?.line]).toEqual([
      'TBUILD_UNSUPPORTED',
      'the external frontend example.com/frontend:2 is not supported by tbuild',
      2,
    ]);
  });

  test.each([
    ['{"syntax":"docker/dockerfile:1"}', 'unknown instruction: {"syntax":"docker/dockerfile:1"}'],
    ['{"syntax":"x","other":1}', 'unknown instruction: {"syntax":"x","other":1}'],
    ['{"syntax":"x"', 'unknown instruction: {"syntax":"x"'],
    ['{}', 'unknown instruction: {}'],
    ['// syntax=docker/dockerfile:1', 'unknown instruction: //'],
    ['// x=y\n// syntax=x', 'unknown instruction: //'],
  ])('%j is read as a Dockerfile', (text, message) => {
    expect(errorOf(() => parse(text)).message).toBe(message);
  });

  test('it is not looked at where the build names the frontend', () => {
    const text = '# syntax=example.com/frontend\n# escape=`\nFROM busybox';
    expect(parseDockerfile(text, 'Dockerfile', new Set(['syntax']))).toMatchObject({
      escape: '`',
      stages: [{ image: 'busybox' }],
    });
  });
});

describe('check', () => {
  const optionsOf = (check: string): object => parse(`# check=${check}`, 'FROM busybox').check;

  test.each([
    ['skip=A', { skip: ['A'], experimental: [], isError: false }],
    ['skip=A, b ;error=1', { skip: ['A', 'b'], experimental: [], isError: true }],
    ['skip=A;skip=all;error=true;error=F', { skip: ['A', 'all'], experimental: [], isError: false }],
    ['error=false;experimental=A,all', { skip: [], experimental: ['A', 'all'], isError: false }],
  ])('%s', (check, options) => {
    expect(optionsOf(check)).toEqual(options);
  });

  test('nothing is left out and nothing an error where the file does not say so', () => {
    expect(parse('FROM busybox').check).toEqual({ skip: [], experimental: [], isError: false });
  });

  test('it is not looked at where a build argument stands for it', () => {
    const text = '# check=nonsense\n# escape=`\nFROM busybox';
    expect(parseDockerfile(text, 'Dockerfile', new Set(['check']))).toMatchObject({
      escape: '`',
      check: { isError: false },
    });
  });

  test.each([
    ['foo=bar', 'invalid check option "foo=bar"'],
    ['SKIP=all', 'invalid check option "SKIP=all"'],
    ['skip', 'invalid check option "skip"'],
    ['skip = all', 'invalid check option "skip = all"'],
    ['error=maybe', 'failed to parse check option "error=maybe": not a boolean'],
  ])('%s is refused', (check, message) => {
    expect(failureOf(() => optionsOf(check))).toBe(`TBUILD_DOCKERFILE_SYNTAX ${message}`);
  });
});

test.each(['escape=`', 'syntax=docker/dockerfile:1', 'check=skip=all'])('# %s may be given once', (directive) => {
  const error = errorOf(() => parse(`# ${directive}`, `# ${directive}`, 'FROM busybox'));
  expect(error.message).toBe(`only one ${directive.split('=')[0]} parser directive can be used`);
  expect(error.span?.line).toBe(2);
});
