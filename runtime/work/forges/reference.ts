/** Parses people's references to issues: `host/owner/repo#12`, `owner/repo#12`, or its address. Pure. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Server } from './forge.ts';

export interface IssueReference {
  /** The host of the address in lower case, with the address's port if there is one. */
  readonly host: string;
  /** With slashes if the forge has nested groups. */
  readonly owner: string;
  readonly name: string;
  readonly number: number;
  /** The kind in the address; `issue` if it names none. */
  readonly kind: 'issue' | 'pull';
}

const segment = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}';
const path = `${segment}(?:/${segment}){1,9}`;
const shortForm = new RegExp(
  String.raw`^((?:\[[0-9a-f:]{2,45}\]:\d{1,5}/|[A-Za-z0-9.-]{1,253}:\d{1,5}/)?${path})#(\d{1,9})$`,
);
const pagePath = new RegExp(
  String.raw`^/(${path})/(?:-/)?(issues|work_items|pull|pulls|merge_requests)/(\d{1,9})(?:/.*)?$`,
);
/** Punctuation around a word of a sentence. */
const around = /^[<("'`[{]+|(?<![>)"'`\]},;:!?.])[>)"'`\]},;:!?.]+$/g;
const sentenceChars = 64 * 1024;

/** The forms that are accepted, for messages. */
const referenceForms =
  'owner/repo#12, host/owner/repo#12, or the address of an issue such as https://github.com/owner/repo/issues/12';

/** Throws `usage` for any other text, with the fault and the accepted forms. `servers` are needed for forges below the root of their host. */
export function parseReference(
  text: string,
  { servers, main }: { servers: readonly Server[]; main: Server },
): IssueReference {
  const found = referenceIn(text.trim(), servers, main);
  if (found !== null) return found;
  const shown = text.trim().slice(0, 100);
  throw new EngineError(
    'usage',
    `"${shown}" is no reference to an issue: ${flawOf(text.trim())}`,
    `write one of: ${referenceForms}`,
  );
}

/** The fault: a missing or invalid part. */
function flawOf(text: string): string {
  if (text === '') return 'it is empty';
  if (/^https?:\/\//i.test(text)) return 'the address is not that of one issue';
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'addresses begin with https:// or http://';
  if (text.includes('@')) return 'a name and an @ are of a remote, not of an issue';
  const [place = '', digits, ...more] = text.split('#');
  if (/^\d+$/.test(text)) return 'owner and repo are missing';
  if (digits === undefined || digits === '') return 'the number is missing';
  if (place === '') return 'owner and repo are missing';
  if (!/^[1-9]\d{0,8}$/.test(digits) || more.length > 0)
    return `the number is "${text.slice(place.length + 1, place.length + 31)}"; it is a whole one from 1 to 999999999`;
  if (!place.includes('/')) return 'the owner is missing';
  return `"${place.slice(0, 60)}" is no owner and repo`;
}

/** The first reference in a text; null: there is none. */
export function findReference(
  sentence: string,
  { servers, main }: { servers: readonly Server[]; main: Server },
): IssueReference | null {
  for (const word of sentence.slice(0, sentenceChars).split(/\s+/)) {
    const found = referenceIn(word.replace(around, ''), servers, main);
    if (found !== null) return found;
  }
  return null;
}

/** The reference in its long form. */
export function referenceText({ host, owner, name, number }: IssueReference): string {
  return `${host}/${owner}/${name}#${number}`;
}

function referenceIn(text: string, servers: readonly Server[], main: Server): IssueReference | null {
  if (/^https?:\/\//i.test(text)) return ofAddress(text, servers);
  const [, place = '', digits = ''] = shortForm.exec(text) ?? [];
  const number = Number(digits);
  if (place === '' || number === 0) return null;
  const parts = place.split('/');
  const [first = ''] = parts;
  const hasHost =
    parts.length > 2 &&
    (/[.:]/.test(first) || first === 'localhost' || servers.some((server) => hostOf(server) === first.toLowerCase()));
  const host = hasHost ? first.toLowerCase() : hostOf(main);
  const [name = '', ...owner] = (hasHost ? parts.slice(1) : parts).reverse();
  return {
    host: host.replace(/^www\./, ''),
    owner: owner.reverse().join('/'),
    name: withoutGit(name),
    number,
    kind: 'issue',
  };
}

function ofAddress(text: string, servers: readonly Server[]): IssueReference | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const host = url.host.replace(/^www\./, '');
  const prefix = servers.find((server) => hostOf(server) === host && url.pathname.startsWith(`${prefixOf(server)}/`));
  const [, place = '', kind = '', digits = ''] =
    pagePath.exec(url.pathname.slice(prefix === undefined ? 0 : prefixOf(prefix).length)) ?? [];
  const number = Number(digits);
  if (place === '' || number === 0) return null;
  const [name = '', ...owner] = place.split('/').reverse();
  return {
    host,
    owner: owner.reverse().join('/'),
    name: withoutGit(name),
    number,
    kind: kind === 'issues' || kind === 'work_items' ? 'issue' : 'pull',
  };
}

/** With its port, if it has one. */
export function hostOf({ url }: Server): string {
  return new URL(url).host;
}

/** The path before the owner in that forge's addresses: empty, or `/git`. */
export function prefixOf({ url }: Server): string {
  return new URL(url).pathname.replace(/\/+$/, '');
}

function withoutGit(name: string): string {
  return name.replace(/\.git$/, '');
}
