/** Hides what stands before `@` in the URLs of a text, as BuildKit does where it shows them. Names of ssh accounts are no secret. */
export function redactUrl(text: string): string {
  return text.replaceAll(
    /(\bhttps?:\/\/)([^\s/?#@]*@)+/gi,
    (_, scheme: string, user: string) => `${scheme}${user.includes(':') ? 'xxxxx:xxxxx' : 'xxxxx'}@`,
  );
}

/** For messages about what may be mistyped: hides also what looks like a password in an address of any other kind, or in what is left of one. */
export function hidePasswords(text: string): string {
  return redactUrl(text).replaceAll(/([^\s/?#@:]*):([^\s/?#@]*@)+/g, '$1:xxxxx@');
}
