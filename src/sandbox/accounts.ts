/** One line of /etc/passwd. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** One line of /etc/group. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const maxId = 0x7fff_ffff;

/** Lazily, so that a long file is read only as far as the user in question. Lines whose ids are not numbers in range are passed over. */
export function* passwdEntries(text: string | undefined): Generator<PasswdEntry, void, undefined> {
  for (const line of linesOf(text)) {
    const [name = '', , uidText, gidText, , home = ''] = line.split(':');
    const uid = idOf(uidText);
    const gid = idOf(gidText);
    if (name !== '' && uid !== undefined && gid !== undefined) yield { name, uid, gid, home };
  }
}

export function groupsOf(text: string | undefined): readonly GroupEntry[] {
  const groups: GroupEntry[] = [];
  for (const line of linesOf(text)) {
    const [name = '', , gidText, members = ''] = line.split(':');
    const gid = idOf(gidText);
    if (name !== '' && gid !== undefined) groups.push({ name, gid, members: members === '' ? [] : members.split(',') });
  }
  return groups;
}

function* linesOf(text: string | undefined): Generator<string, void, undefined> {
  if (text === undefined) return;
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const stop = end < 0 ? text.length : end;
    const line = text.slice(start, stop).trim();
    if (line !== '') yield line;
    start = stop + 1;
  }
}

function idOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= maxId ? id : undefined;
}
