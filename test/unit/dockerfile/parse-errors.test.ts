import { describe, expect, test } from 'vitest';
import { errorOf, failureOf, instructionsOf, parse } from './helpers.ts';

// Each was run through docker build (BuildKit), whose wording these are.
describe('a wrong instruction is refused in the words of docker', () => {
  test.each([
    ['COYP a b', 'unknown instruction: COYP (did you mean COPY?)'],
    ['copi a b', 'unknown instruction: copi (did you mean copy?)'],
    ['RNU a b', 'unknown instruction: RNU (did you mean RUN?)'],
    ['"ENV" a=b', 'unknown instruction: "ENV" (did you mean ENV?)'],
    ['ABCDEFGHIJKLMNOP a b', 'unknown instruction: ABCDEFGHIJKLMNOP'],
    ['<<<<<<< HEAD', 'unknown instruction: <<<<<<<'],
    ['ENV\u00a0a=b', 'unknown instruction: ENV\u00a0a=b'],
    ['FROM', 'FROM requires either one or three arguments'],
    ['FROM busybox as', 'FROM requires either one or three arguments'],
    ['FROM busybox is x', 'FROM requires either one or three arguments'],
    ['FROM busybox as x y', 'FROM requires either one or three arguments'],
    ['FROM busybox as 1x', 'invalid name for build stage: "1x", name can\'t start with a number or contain symbols'],
    ['FROM busybox AS "x"', 'invalid name for build stage: ""x"", name can\'t start with a number or contain symbols'],
    ['FROM --foo=b busybox', 'unknown flag: --foo'],
    ['FROM --platform busybox', 'missing a value on flag: --platform'],
    ['COPY', 'COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
    ['COPY a', 'COPY requires at least two arguments, but only one was provided. Destination could not be determined'],
    [
      'ADD ["a"]',
      'ADD requires at least two arguments, but only one was provided. Destination could not be determined',
    ],
    [
      'COPY --chown="1 a /x',
      'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
    ],
    ['COPY ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['COPY --form=x a /x', 'unknown flag: --form (did you mean from?)'],
    ['COPY --CHOWN=1 a /x', 'unknown flag: --CHOWN (did you mean chown?)'],
    ['COPY --- a /x', 'unknown flag: ---'],
    ['COPY --=x a /x', 'unknown flag: --'],
    ['COPY --constructor=x a /x', 'unknown flag: --constructor'],
    ['COPY --chown=1 --chown=2 a /x', 'duplicate flag specified: --chown'],
    ['COPY --chown a /x', 'missing a value on flag: --chown'],
    ['COPY --link=yes a /x', 'expecting boolean value for flag --link, not: yes'],
    ['COPY --link= a /x', 'missing a value on flag: --link'],
    ['COPY --chmod=999 a /x', "invalid chmod parameter: '999'. it should be octal string and between 0 and 07777"],
    ['COPY --chmod=17777 a /x', "invalid chmod parameter: '17777'. it should be octal string and between 0 and 07777"],
    ['COPY --chmod=u=q a /x', "invalid chmod parameter: 'u=q'. it should be octal string and between 0 and 07777"],
    ['COPY --chmod=0o755 a /x', "invalid chmod parameter: '0o755'. it should be octal string and between 0 and 07777"],
    ['COPY --from=$A a /x', 'variable expansion is not supported for --from'],
    ['COPY http://localhost/x /x', "source can't be a URL for COPY"],
    ['ADD --from=x a /x', 'unknown flag: --from'],
    ['ADD --parents a /x', 'unknown flag: --parents'],
    ['ADD --checksum=sha256:00 a /x', 'checksum requires HTTP(S) or Git sources'],
    ['ADD --checksum=sha256:00 http://h/a http://h/b /x', "checksum can't be specified for multiple sources"],
    ['ADD --checksum=md5:00 http://h/a /x', 'invalid checksum md5:00'],
    ['ADD --checksum=sha256:00 http://h/a /x', 'invalid checksum sha256:00'],
    ['ADD --checksum=main http://h/a.git /x', 'invalid checksum main for Git URL, expected hex commit hash'],
    [
      'ADD --checksum=abcdef0 http://h/a.git?commit=abcdef1 /x',
      '--checksum conflicts with the one in the query of the URL',
    ],
    [
      'ADD --keep-git-dir http://h/a.git?keep-git-dir=0 /x',
      '--keep-git-dir conflicts with keep-git-dir in the query of the URL',
    ],
    ['ADD --keep-git-dir=maybe a /x', 'expecting boolean value for flag --keep-git-dir, not: maybe'],
    ['ADD http://u:p@h/a.git?foo=1 /x', 'ADD http://xxxxx:xxxxx@h/a.git?foo=1: unexpected query "foo"'],
    ['ADD http://h/a.git#--upload-pack=x /x', 'ADD http://h/a.git#--upload-pack=x: invalid git ref "--upload-pack=x"'],
    ['ADD http://[ /x', 'ADD http://[: it is no valid URL'],
    ['RUN --network=foo x', 'invalid network mode "foo"'],
    ['RUN --network=NONE x', 'invalid network mode "NONE"'],
    ['RUN --network= x', 'invalid network mode ""'],
    ['RUN --network=$N x', 'invalid network mode "$N"'],
    ['RUN --foo x', 'unknown flag: --foo'],
    ['RUN ["echo", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['RUN ["echo", null]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['RUN []', 'RUN requires a command'],
    ['CMD --foo x', 'unknown flag: --foo'],
    ['SHELL', 'SHELL requires at least one argument'],
    ['SHELL []', 'SHELL requires at least one argument'],
    ['SHELL /bin/sh -c', 'SHELL requires the arguments to be in JSON form'],
    ['VOLUME', 'VOLUME requires at least one argument'],
    ['VOLUME []', 'VOLUME requires at least one argument'],
    ['VOLUME [""]', 'VOLUME specified can not be an empty string'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['USER', 'USER requires exactly one argument'],
    ['WORKDIR', 'WORKDIR requires exactly one argument'],
    ['STOPSIGNAL   ', 'STOPSIGNAL requires exactly one argument'],
    ['MAINTAINER', 'MAINTAINER requires exactly one argument'],
    ['ENV', 'ENV requires at least one argument'],
    ['ENV a', 'ENV must have two arguments'],
    ['ENV =v', 'ENV names can not be blank'],
    ['ENV a=b c', 'Syntax error - can\'t find = in "c". Must be of the form: name=value'],
    ['ENV --x=1 a=b', 'unknown flag: --x'],
    ['LABEL', 'LABEL requires at least one argument'],
    ['LABEL a', 'LABEL must have two arguments'],
    ['LABEL =x', 'LABEL names can not be blank'],
    ['ARG', 'ARG requires at least one argument'],
    ['ARG =x', 'ARG names can not be blank'],
    ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
    ['HEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK CMD []', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK FOO bar', 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
    ['HEALTHCHECK --interval=1us CMD x', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --interval=-1s CMD x', 'Interval "interval" cannot be less than 1ms'],
    ['HEALTHCHECK --start-period=1us CMD x', 'Interval "start-period" cannot be less than 1ms'],
    ['HEALTHCHECK --interval=5 CMD x', 'invalid duration "5" of --interval'],
    ['HEALTHCHECK --interval=1d CMD x', 'invalid duration "1d" of --interval'],
    ['HEALTHCHECK --interval=10000000000h CMD x', 'invalid duration "10000000000h" of --interval'],
    ['HEALTHCHECK --retries=-1 CMD x', '--retries cannot be negative (-1)'],
    ['HEALTHCHECK --retries=x CMD x', 'invalid number "x" of --retries'],
    ['HEALTHCHECK --retries=99999999999 CMD x', 'invalid number "99999999999" of --retries'],
    ['ONBUILD', 'ONBUILD requires at least one argument'],
    ['ONBUILD ONBUILD RUN x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ['ONBUILD FROM x', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD maintainer x', "MAINTAINER isn't allowed as an ONBUILD trigger"],
    ['ONBUILD --foo RUN x', 'unknown flag: --foo'],
    ['ONBUILD ENV a', 'ENV must have two arguments'],
    ['ONBUILD label a=b c', 'Syntax error - can\'t find = in "c". Must be of the form: name=value'],
    ['ONBUILD CMD ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['ONBUILD COPY --link ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['ONBUILD HEALTHCHECK CMD ["a", 1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
  ])('%s', (line, message) => {
    const error = errorOf(() => parse('FROM busybox', '# comment', line));
    expect(`${error.code} ${error.message}`).toBe(`TBUILD_DOCKERFILE_SYNTAX ${message}`);
    expect(error.span).toMatchObject({ file: 'Dockerfile', line: 3, endLine: 3 });
  });

  test.each([
    ['', 'file with no instructions'],
    ['# only a comment\n\n', 'file with no instructions'],
    ['ARG a=b', 'dockerfile contains no stages to build'],
    ['FRM busybox', 'unknown instruction: FRM (did you mean FROM?)'],
    ['RUN x\nFROM busybox', 'no build stage in current context: RUN before the first FROM'],
    ['ENV a=b\nFROM busybox', 'no build stage in current context: ENV before the first FROM'],
  ])('%j as a whole file', (text, message) => {
    expect(failureOf(() => parse(text))).toBe(`TBUILD_DOCKERFILE_SYNTAX ${message}`);
  });
});

describe('what docker has and tbuild has not is refused with its place, never ignored', () => {
  test.each([['RUN --device=x true', 'RUN --device']])('%j', (text, feature) => {
    const error = errorOf(() => parse('FROM busybox', text));
    expect(error.code).toBe('TBUILD_UNSUPPORTED');
    expect(error.message).toBe(`${feature} is not supported by this version of tbuild`);
    expect(error.details).toEqual({ feature });
    expect(error.span).toMatchObject({ file: 'Dockerfile', line: 2 });
  });

  test.each(['ADD ftp://example.com/x /x', 'ADD github.com/a/b /x'])('%s is no such thing', (line) => {
    expect(instructionsOf(line)).toHaveLength(1);
  });
});

describe('a mistake is shown where it is', () => {
  const placeOf = (...lines: readonly string[]): unknown => {
    const { span } = errorOf(() => parse('FROM busybox', ...lines));
    return [span?.line, span?.column, span?.endLine, span?.endColumn];
  };

  test.each([
    [['  COYP a b'], [2, 3, 2, 7]],
    [
      ['CO\\', 'YP a b'],
      [2, 1, 3, 3],
    ],
    [['COPY --link --form=x a b'], [2, 13, 2, 21]],
    [
      ['COPY --link \\', '# comment', '  --form=x \\', '  a b'],
      [4, 3, 4, 11],
    ],
    [
      ['COPY --chown="a \\', ' b" --chown=c a b'],
      [3, 5, 3, 14],
    ],
    [['RUN --network=nome true'], [2, 5, 2, 19]],
    [['HEALTHCHECK --timeout=5 CMD x'], [2, 13, 2, 24]],
    [['COPY a'], [2, 1, 2, 7]],
    [
      ['COPY <<EOF', 'a', 'EOF'],
      [2, 1, 4, 4],
    ],
  ])('%j', (lines, place) => {
    expect(placeOf(...lines)).toEqual(place);
  });
});
