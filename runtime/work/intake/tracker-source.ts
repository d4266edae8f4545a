/**
 * The issues of a tracker. An item's key is the tracker's own id of the issue, so neither a new title nor a renamed repository makes a second plan of
 * it. An issue becomes a plan only if its text was written by people who may write to the repository, or whom the configuration or a person permits.
 */
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { planNameOf } from '../../../machines/vocabulary/ids.ts';
import { newDeliveryId } from '../../base/platform/delivery-id.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import type { Issue } from '../forges/forge.ts';
import { orDefault } from '../forges/forge-nothing.ts';
import { type DocumentRead, readDocumentText } from './read-document.ts';
import { type Claim, type Found, lookLimit, type Source, type SourceParts, type Work } from './source.ts';
import { readTemplate, type Template } from './template.ts';
import { createThreads } from './threads.ts';
import {
  type Author,
  digestOf,
  type Etags,
  isSame,
  isWanted,
  type TrackedComment,
  type TrackedIssue,
  type Tracker,
  type TrackerConfig,
  whoIs,
} from './tracker.ts';

export type OpenTracker<Config extends TrackerConfig> = (
  config: Config,
  parts: SourceParts,
  etags: Etags,
) => Promise<Tracker>;

/** After a failure a tracker is asked again within this time, however seldom `every` asks for its issues. */
const againMs = 60_000;
/** How long a tracker's answer about an account's rights counts. */
const rightsMs = 10 * 60_000;
const rightsLimit = 1_000;
/** Longer texts are cut, so a plan with such a text might be incomplete. */
const cutChars = 64 * 1024;
/** The most characters of an account's name: a tracker may return any text. */
const accountChars = 100;

export function trackerSource<Config extends TrackerConfig>(
  open: OpenTracker<Config>,
): (config: Config, parts: SourceParts) => Source {
  return (config, parts) => createTrackerSource(config, parts, (etags) => open(config, parts, etags));
}

function createTrackerSource(
  config: TrackerConfig,
  parts: SourceParts,
  open: (etags: Etags) => Promise<Tracker>,
): Source {
  const { name, source } = config;
  const { store, nowMs } = parts;
  const everyMs = parts.pollMs ?? config.every;
  const etags: Etags = new Map();
  const taken = new Set<string>();
  let issues: readonly TrackedIssue[] = [];
  /** The work of each issue of the last list: long texts are not read anew in each round. A template may have changed, and is filled anew. */
  const works = new WeakMap<TrackedIssue, ReturnType<typeof workOf>>();
  let nextMs = 0;
  /** The number of requests to read the tracker at once. */
  let nudges = 0;
  const asking = createAsking(open, { etags, againMs: Math.min(everyMs, againMs) });
  const { mayStart, textRefusal } = createRights(config);
  const unreadable = createUnreadable();

  async function look(): Promise<readonly Found[]> {
    return performance.now() < nextMs ? foundNow() : asking(poll);
  }

  async function poll(tracker: Tracker): Promise<readonly Found[]> {
    const found = (await tracker.issues()).filter((issue) => isWanted(issue, config));
    // A list that changes while its pages are read may contain an issue twice.
    const once = [...new Map(found.map((issue) => [issue.id, issue])).values()];
    issues = once.sort((a, b) => a.createdMs - b.createdMs || a.id.localeCompare(b.id, 'en', { numeric: true }));
    const answer = await foundIn(tracker);
    nextMs = performance.now() + everyMs;
    return answer;
  }

  /** Between two polls, returns the remaining items of the last one. It sends no request if the rights of their authors are known. */
  async function foundNow(): Promise<readonly Found[]> {
    return issues.every(({ id }) => taken.has(keyOf(id))) ? [] : asking(foundIn);
  }

  async function foundIn(tracker: Tracker): Promise<readonly Found[]> {
    const allowed = new Map((await store.intakeAllowances(name)).map(({ item, digest }) => [item, digest]));
    const template = config.template === undefined ? null : await readTemplate(config.template, parts.projects);
    const items: Found[] = [];
    // Strangers can write any number of issues.
    const others: Found[] = [];
    for (const issue of issues) {
      if (items.length === lookLimit) break;
      const item = keyOf(issue.id);
      if (taken.has(item)) continue;
      if ((await store.intakeItem(name, item)) !== null) {
        taken.add(item);
        continue;
      }
      const isShown = others.length < lookLimit;
      const asked = { issue, allowed: allowed.get(item), template, isShown };
      const found = unreadable.of(issue) ?? (await foundOf(tracker, asked).catch(unreadable.note(issue)));
      if (found.kind === 'item') items.push(found);
      else if (isShown) others.push(found);
    }
    return [...items, ...others];
  }

  async function foundOf(tracker: Tracker, { issue, allowed, template, isShown }: Asking): Promise<Found> {
    const title = titleOf(issue);
    const plan = planFor(issue);
    const isAllowed = allowed !== undefined && allowed === digestOf(issue);
    const hidden = isShown || isAllowed ? null : await textRefusal(tracker, issue);
    if (hidden !== null) return { kind: 'left', title, reason: hidden };
    const make = () => {
      const known = template === null ? works.get(issue) : undefined;
      const made = known ?? workOf(config, issue, { comments: [], template });
      works.set(issue, made);
      return made;
    };
    // A stranger's document that is no valid plan needs no decision.
    const broken = config.work === 'plan' ? make() : null;
    if (broken !== null && 'reason' in broken) return { kind: 'left', title, reason: broken.reason };
    const item = keyOf(issue.id);
    const reason = isAllowed ? null : await textRefusal(tracker, issue);
    // Strangers write any number of issues: their documents are made when one is shown.
    if (reason !== null)
      return { kind: 'asks', title, plan, work: async () => mustBeWork(make()), reason, item, digest: digestOf(issue) };
    const made = make();
    if ('reason' in made) return { kind: 'left', title, reason: made.reason };
    const work = async () => made;
    return {
      ...{ kind: 'item', title, plan, work },
      claim: () =>
        asking((now) =>
          claim(now, issue, template).catch((thrown: unknown) => {
            unreadable.note(issue)(thrown);
            return null;
          }),
        ),
    };
  }

  /** null: it has changed since the list was read. The next round reads its new state. */
  async function claim(
    tracker: Tracker,
    { id, ref, title, body }: TrackedIssue,
    template: Template | null,
  ): Promise<Claim | null> {
    const now = await orDefault(tracker.issue(ref), null);
    const isSameNow = now?.id === id && digestOf(now) === digestOf({ title, body }) && isWanted(now, config);
    if (now === null || !isSameNow) {
      nextMs = 0;
      return null;
    }
    const comments: TrackedComment[] = [];
    for (const each of await tracker.comments(ref, 0)) if (await mayStart(tracker, each.author)) comments.push(each);
    const work = workOf(config, now, { comments, template });
    if ('reason' in work) return null;
    const item = keyOf(id);
    const newest = comments.toSorted((a, b) => b.atMs - a.atMs)[0];
    const at = nowMs();
    const seen = { commentsAt: newest?.atMs ?? 0, comment: newest?.id ?? '' };
    return {
      item,
      work,
      ...(now.author.name === '' ? {} : { author: oneLine(whoIs(now.author)).slice(0, accountChars) }),
      with: [
        { do: 'intake.follow', intake: name, item, ref, digest: digestOf(now), ...seen, key: newDeliveryId(at), at },
      ],
      async taken() {
        taken.add(item);
      },
    };
  }

  const keyOf = (id: string) => `${source}-${id}`;
  const follow = createThreads({ config, parts, everyMs, asking, mayStart, textRefusal, nudges: () => nudges });
  const lookAtOnce = () => {
    nextMs = 0;
    nudges += 1;
  };
  return { look, lookAtOnce, follow };
}

/**
 * Sends requests to the tracker, which is opened again after a while with the remote and the token of that time. All pauses here are by the monotonic clock: a
 * person may set the other one.
 */
function createAsking(
  open: (etags: Etags) => Promise<Tracker>,
  { etags, againMs }: { readonly etags: Etags; readonly againMs: number },
) {
  let opened: { readonly tracker: Tracker; readonly untilMs: number } | null = null;
  /** The last failures, and the time until which no request is sent: by item, or of all requests. */
  const held = new Map<string, { readonly thrown: unknown; readonly untilMs: number }>();
  const all = '';

  /** While the tracker asks for a pause, throws its message, and sends no request. What it refuses for an `item`, such as one that was moved away, delays that item alone. */
  return async function asking<Answer>(act: (tracker: Tracker) => Promise<Answer>, item = all): Promise<Answer> {
    const hold = [held.get(all), held.get(item)].find((each) => each !== undefined && performance.now() < each.untilMs);
    if (hold !== undefined) throw hold.thrown;
    try {
      if (opened === null || performance.now() >= opened.untilMs)
        opened = { tracker: await open(etags), untilMs: performance.now() + againMs };
      const answer = await act(opened.tracker);
      held.delete(all);
      held.delete(item);
      return answer;
    } catch (thrown) {
      opened = null;
      const wanted = thrown instanceof EngineError ? thrown.retryAtMs : undefined;
      const of = thrown instanceof EngineError && thrown.code === 'forge_refused' ? item : all;
      held.set(of, { thrown, untilMs: performance.now() + (wanted === undefined ? againMs : wanted - Date.now()) });
      throw thrown;
    }
  };
}

/** Issues that the tracker refuses to show, such as one with too many long comments: until they change, they are left, and delay no other issue. */
function createUnreadable() {
  const reasons = new Map<string, { readonly updatedMs: number; readonly reason: string }>();
  const left = (issue: TrackedIssue, reason: string) => ({ kind: 'left', title: titleOf(issue), reason }) as const;

  return {
    /** null: it is not known to be one. */
    of(issue: TrackedIssue) {
      const known = reasons.get(issue.id);
      return known?.updatedMs === issue.updatedMs ? left(issue, known.reason) : null;
    },
    /** For a `catch`. Throws errors that are not about this issue alone. */
    note: (issue: TrackedIssue) => (thrown: unknown) => {
      if (!(thrown instanceof EngineError) || thrown.code !== 'forge_refused') throw thrown;
      if (reasons.size >= rightsLimit) reasons.clear();
      reasons.set(issue.id, { updatedMs: issue.updatedMs, reason: messageOf(thrown) });
      return left(issue, messageOf(thrown));
    },
  };
}

/** Whose text may start work, by the configuration or the tracker's answer, which counts for a while. */
function createRights(config: TrackerConfig) {
  const rights = new Map<string, { readonly refusal: string | null; readonly untilMs: number }>();
  /** By id: the time of the issue's last change, and why its text may not start work. */
  const texts = new Map<string, { readonly updatedMs: number; readonly refusal: string | null }>();

  /** Why that account may not start work; null: it may. */
  async function refusalOf(tracker: Tracker, author: Author): Promise<string | null> {
    if (author.name === '') return 'the account of its author is gone';
    if (config.authors.some((each) => isSame(each, author.name))) return null;
    const key = `${author.id} ${author.name}`;
    const known = rights.get(key);
    if (known !== undefined && performance.now() < known.untilMs) return known.refusal;
    const refusal = await askRights(tracker, author);
    if (rights.size >= rightsLimit) rights.clear();
    rights.set(key, { refusal, untilMs: performance.now() + rightsMs });
    return refusal;
  }

  /** Why the text of that issue may not start work: other people than its author may have edited it. */
  async function textRefusal(tracker: Tracker, issue: TrackedIssue): Promise<string | null> {
    const refusal = await refusalOf(tracker, issue.author);
    if (refusal !== null || tracker.editors === undefined) return refusal;
    const known = texts.get(issue.id);
    if (known?.updatedMs === issue.updatedMs) return known.refusal;
    const editors = await tracker.editors(issue.ref);
    const refusals = editors === null ? ['its text was changed too often to know by whom'] : [];
    for (const editor of editors ?? []) {
      const found = await refusalOf(tracker, editor);
      if (found !== null) refusals.push(`its text was changed by somebody else: ${found}`);
    }
    if (texts.size >= rightsLimit) texts.clear();
    texts.set(issue.id, { updatedMs: issue.updatedMs, refusal: refusals[0] ?? null });
    return refusals[0] ?? null;
  }

  return {
    textRefusal,
    mayStart: async (tracker: Tracker, author: Author) => (await refusalOf(tracker, author)) === null,
  };
}

function workOf(
  { work, message }: TrackerConfig,
  issue: TrackedIssue,
  { comments, template }: { readonly comments: readonly TrackedComment[]; readonly template: Template | null },
): Work | { readonly reason: string } {
  if (template !== null) {
    const made = template.fill({ ...issueOf(issue, comments), labels: issue.labels });
    return 'reason' in made ? made : { kind: 'document', ...made };
  }
  if (work === 'session') return { kind: 'message', message, issue: issueOf(issue, comments) };
  const read = planIn(issue);
  return 'reason' in read ? read : { kind: 'document', content: read.reading.content };
}

interface Asking {
  readonly issue: TrackedIssue;
  /** The digest of the text that a person allowed. */
  readonly allowed: string | undefined;
  readonly template: Template | null;
  /** false: if it cannot become a plan now, it is only skipped, and its text is not read. */
  readonly isShown: boolean;
}

function titleOf({ shown, ref, title }: TrackedIssue): string {
  return `${shown ?? ref}: ${title}`;
}

function planFor({ id, ref, shown, title }: TrackedIssue): string {
  return planNameOf(`issue-${shown ?? ref}-${title.replaceAll('/', ' ')}`.slice(0, 60)) ?? `issue-${id}`;
}

function mustBeWork(made: Work | { readonly reason: string }): Work {
  if ('reason' in made) throw new EngineError('bad_request', made.reason, 'see docs/intake.md');
  return made;
}

/** A token that may not read other people's rights still accepts the issues of `authors`. */
async function askRights(tracker: Tracker, author: Author): Promise<string | null> {
  const who = oneLine(whoIs(author));
  if (tracker.mayWrite === undefined) return `${who} is not in authors`;
  try {
    return (await tracker.mayWrite(author)) ? null : `${who} may not write there`;
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    if (thrown.code === 'not_found') return `${who} may not write there`;
    if (thrown.code !== 'forge_denied') throw thrown;
    return `whether ${who} may write there is not known: ${thrown.message}`;
  }
}

function planIn({ title, body }: TrackedIssue): DocumentRead {
  if (body.length >= cutChars) return { reason: `its text has ${cutChars} characters or more` };
  const read = readDocumentText(body, 'issue.md');
  if ('reason' in read || read.reading.document.title !== null) return read;
  return readDocumentText(`# ${title}\n\n${body}`, 'issue.md');
}

/** In the form of issue sessions. */
function issueOf({ title, body, author, isOpen, url }: TrackedIssue, comments: readonly TrackedComment[]): Issue {
  return {
    ...{ number: 0, title, body, author: whoIs(author), state: isOpen ? 'open' : 'closed', url, commentsTrouble: null },
    comments: comments.map(({ author: by, body: text, atMs }) => ({
      author: whoIs(by),
      body: text,
      at: new Date(atMs).toISOString(),
    })),
  };
}
