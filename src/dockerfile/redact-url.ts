/** Hides what stands before `@` in the URLs of a text, as BuildKit does where it shows them. Names of ssh accounts are no secret. */
export function redactUrl(text: string): string {
  return text.replaceAll(
    /(\bhttps?:\/\/)([^\s/?#@]*@)+/gi,
    (_, scheme: string, user: string) => `${scheme}${user.includes(':') ? 'xxxxx:xxxxx' : 'xxxxx'}@`,
  );
}
