/** The interface to a tracker of issues, the same for forges and others. */
import { createHash } from 'node:crypto';
import type { IntakeConfig } from '../../base/config/config.ts';
import { AnswerTooLarge, type Asked, type ForgeCall } from '../forges/forge-call.ts';

/** The configuration of a source of issues. */
export type TrackerConfig = Extract<IntakeConfig, { readonly tell: unknown }>;

export interface Author {
  /** The account as `authors` names it: a name that its owner cannot choose to be another person's. Empty: the account is deleted. */
  readonly name: string;
  readonly id: string;
  /** The name for people; default: `name`. */
  readonly shown?: string;
}

export interface TrackedIssue {
  /** Unique there, and the same after renames of the issue and of its repository. */
  readonly id: string;
  /** Its number for people: `12`. */
  readonly ref: string;
  /** The name for people, if it is not `ref`: `ENG-7`. */
  readonly shown?: string;
  readonly title: string;
  readonly body: string;
  readonly author: Author;
  readonly isOpen: boolean;
  readonly labels: readonly string[];
  readonly assignees: readonly string[];
  /** The workflow status, if there is one. */
  readonly status?: string;
  readonly url: string;
  /** By the tracker's clock, like all times here. */
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface TrackedComment {
  readonly id: string;
  readonly author: Author;
  readonly body: string;
  /** When it was last written. */
  readonly atMs: number;
}

/** Every call throws as documented at `Forge`. */
export interface Tracker {
  /** The issues of the query, 1,000 at most. Some may not match: see `isWanted`. */
  issues(): Promise<readonly TrackedIssue[]>;
  issue(ref: string): Promise<TrackedIssue>;
  /** The comments since that time, the oldest first; 500 at most. */
  comments(ref: string, sinceMs: number): Promise<readonly TrackedComment[]>;
  /** Whether that account may write to the repository. If it is not implemented, only `authors` may start work. */
  mayWrite?(author: Author): Promise<boolean>;
  /**
   * The accounts that have edited the title or the text; null: too many edits to know. If it is not implemented, everyone who may write there may
   * edit both.
   */
  editors?(ref: string): Promise<readonly Author[] | null>;
  comment(ref: string, text: string): Promise<void>;
  /** Adds that label, and removes the others that begin with `statePrefix`. */
  setStateLabel(issue: TrackedIssue, label: string): Promise<void>;
  /** Gives it that status. Throws `forge_refused` if its workflow does not allow it. */
  setStatus?(issue: TrackedIssue, status: string): Promise<void>;
}

export const statePrefix = 'stator:';

/** Whether the issue itself matches the query: a server ignores a parameter that it does not know. */
export function isWanted(
  { isOpen, labels, assignees, status = '' }: Pick<TrackedIssue, 'isOpen' | 'labels' | 'assignees' | 'status'>,
  query: Pick<TrackerConfig, 'labels' | 'state' | 'assignee'> & { readonly statuses?: readonly string[] },
): boolean {
  const has = (names: readonly string[], name: string) => names.some((each) => isSame(each, name));
  return (
    (query.state === 'all' || (query.state === 'open') === isOpen) &&
    query.labels.every((label) => has(labels, label)) &&
    (query.assignee === undefined || has(assignees, query.assignee)) &&
    (query.statuses === undefined || query.statuses.length === 0 || has(query.statuses, status))
  );
}

/** The name of that account for people, with the name that `authors` uses. */
export function whoIs({ name, shown }: Author): string {
  return shown === undefined || shown === name ? name : `${shown} (${name})`;
}

export function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** The SHA-256 of the part that the plan's agent reads. */
export function digestOf({ title, body }: Pick<TrackedIssue, 'title' | 'body'>): string {
  return createHash('sha256')
    .update(JSON.stringify([title, body]))
    .digest('hex');
}

/** Answers by request, each with its etag. */
export type Etags = Map<string, { readonly etag: string; readonly value: unknown }>;

const etagLimit = 64;

/** Sends the etag of the last answer, so that an unchanged one costs nothing. */
export function askKept({ askSince }: Pick<ForgeCall, 'askSince'>, etags: Etags) {
  return async <Answer>(asked: Asked<Answer>): Promise<Answer> => {
    const key = JSON.stringify([asked.route, asked.parameters]);
    const known = etags.get(key);
    const answer = await askSince(asked, known?.etag);
    if (answer === null) return known?.value as Answer; // the answer to the same question, in the same shape
    etags.delete(key);
    if (answer.etag !== null) etags.set(key, { etag: answer.etag, value: answer.value });
    for (const oldest of etags.keys()) {
      if (etags.size <= etagLimit) break;
      etags.delete(oldest);
    }
    return answer.value;
  };
}

export type AskKept = ReturnType<typeof askKept>;

/** Reads pages of a list until one is not full. `isCapped`: the server may use smaller pages than requested: the size of its first page. */
export async function allPages<Item>(
  read: (page: number) => Promise<readonly Item[] | null>,
  { size, pages, isCapped = false }: { readonly size: number; readonly pages: number; readonly isCapped?: boolean },
): Promise<Item[]> {
  const all: Item[] = [];
  let full = size;
  for (let page = 1; page <= pages; page += 1) {
    const some = (await read(page)) ?? [];
    all.push(...some);
    if (isCapped && page === 1) full = Math.min(size, some.length);
    if (some.length === 0 || some.length < full) break;
  }
  return all;
}

/**
 * One page. If the answer is too large, it is read in smaller parts, so that long texts hide no others; null: an item that is too large by itself.
 */
export async function pageInParts<Item>(
  read: (page: number, size: number) => Promise<readonly Item[] | null>,
  { page, size }: { readonly page: number; readonly size: number },
): Promise<readonly (Item | null)[]> {
  try {
    return (await read(page, size)) ?? [];
  } catch (thrown) {
    if (!(thrown instanceof AnswerTooLarge)) throw thrown;
    if (size === 1) return [null];
    const parts = [2, 5].find((divisor) => size % divisor === 0) ?? size;
    const found: (Item | null)[] = [];
    for (let part = 1; part <= parts; part += 1) {
      const some = await pageInParts(read, { page: (page - 1) * parts + part, size: size / parts });
      found.push(...some);
      if (some.length < size / parts) break;
    }
    return found;
  }
}
