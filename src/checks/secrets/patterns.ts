/** How a kind of secret looks. Every pattern is linear in the length of what it is asked about. */
export interface SecretPattern {
  readonly what: string;
  /** Names of files that are looked at. @default all */
  readonly files?: RegExp;
  readonly pattern: RegExp;
  /** What is no secret though it looks so. */
  readonly isExcepted?: RegExp;
}

/** A reference to a variable, or what stands in examples. */
const placeholder = /\$\{?[A-Za-z_]|EXAMPLE|example|xxxx|XXXX|<[^>]*>|changeme|CHANGEME|your[_-]/;

export const secretPatterns: readonly SecretPattern[] = [
  { what: 'a private key', pattern: /^[ \t"']*-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----/gm },
  { what: 'a private key', pattern: /"private_key": ?"-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY-----/g },
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, isExcepted: placeholder },
  {
    what: 'an AWS secret key',
    pattern: /\baws_secret_access_key['"]?[ \t]{0,8}[=:][ \t]{0,8}['"]?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/gi,
    isExcepted: placeholder,
  },
  { what: 'a GitHub token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60})/g },
  { what: 'a GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20}/g },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { what: 'a PyPI token', pattern: /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50}/g },
  { what: 'a Docker Hub token', pattern: /\bdckr_pat_[A-Za-z0-9_-]{27}/g },
  { what: 'a Slack token', pattern: /\bxox[abeprs]-[A-Za-z0-9-]{20}/g },
  { what: 'a Stripe key', pattern: /\b[rs]k_live_[A-Za-z0-9]{24}/g },
  { what: 'a Google API key', pattern: /\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g },
  { what: 'an OpenAI or Anthropic key', pattern: /\bsk-(?:proj|ant-[a-z0-9]{3,8}|svcacct)-[A-Za-z0-9_-]{32}/g },
  { what: 'a SendGrid key', pattern: /\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}/g },
  { what: 'an Azure storage key', pattern: /\bAccountKey=[A-Za-z0-9+/]{86}==/g },
  {
    what: 'a token for a package registry',
    files: /^\.npmrc$/,
    pattern: /^[^\n#;]{0,300}?(?:_authToken|_auth|_password)[ \t]*=[ \t]*[^\s$]{8}/gm,
    isExcepted: placeholder,
  },
  {
    what: 'a token for a package registry',
    files: /^\.yarnrc\.yml$/,
    pattern: /^[ \t]{0,40}npmAuth(?:Token|Ident):[ \t]*['"]?[^\s$'"]{8}/gm,
    isExcepted: placeholder,
  },
  {
    what: 'a password',
    files: /^\.pypirc$/,
    pattern: /^[ \t]{0,40}password[ \t]*[=:][ \t]*[^\s$]/gm,
    isExcepted: placeholder,
  },
  { what: 'a password', files: /^[._]netrc$/, pattern: /\bpassword\s{1,8}[^\s$]/g, isExcepted: placeholder },
  { what: 'a password', files: /^\.git-credentials$/, pattern: /^https?:\/\/[^\s/@]{1,300}@/gm },
  {
    what: 'the login of a registry',
    files: /^(?:config\.json|\.dockercfg|auth\.json)$/,
    pattern: /"auth": ?"[A-Za-z0-9+/=]{8}/g,
  },
  {
    // Named so, it is meant for the machine of whoever runs the program.
    what: 'a setting of an environment file',
    files: /^\.env(?:\.(?!(?:example|sample|template|dist|defaults|schema)$)[\w.-]+)?$/,
    pattern: /^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*=[ \t]*['"]?[^\s'"#]/gm,
  },
];
