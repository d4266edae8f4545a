/** People's comments on lines of a plan's changes, read from the messages that carried them, and the answers to them, read from git. */
import { answersIn, commentsIn, type LineComment } from '../../../machines/vocabulary/comment-text.ts';
import { planNotFound } from '../../../machines/vocabulary/errors.ts';
import { planTree } from '../../../machines/vocabulary/ids.ts';
import type { FedLine } from '../../core/store/rows.ts';
import { type CommitMessage, fileIn, messagesBetween } from '../../work/git/messages.ts';
import { findCommit } from '../../work/git/objects.ts';
import { branchRef, readRefs } from '../../work/git/refs.ts';
import type { Repository } from '../../work/git/repository.ts';
import type { PlanComments } from '../contract/plans.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

export interface CommentsQuestion {
  readonly project: string;
  readonly plan: string;
}

/** The newest comments of a plan that are shown. */
const commentsMost = 500;
/** The newest commits whose messages are read for answers. */
const commitsMost = 1_000;

type Entry = PlanComments[number];
type Said = Omit<Entry, 'applied' | 'answers' | 'changed_in'>;

/** Throws `plan_not_found` and git's errors. */
export async function planComments(
  { store, projects }: Pick<ViewDependencies, 'store' | 'projects'>,
  { project, plan }: CommentsQuestion,
): Promise<PlanComments> {
  const row = await store.plan(project, plan);
  if (row === null) throw planNotFound(project, plan);
  const said = (await store.fed(planTree(project, plan))).flatMap(saidIn).slice(-commentsMost);
  if (said.length === 0) return [];
  const repository = await projects.repository(project);
  const [head] = await readRefs(repository, [branchRef(row.branch)]);
  const reading = createReading(repository, head ?? null);
  const entries: Entry[] = [];
  // One after the other, because each calls git, and a plan may have hundreds.
  for (const comment of said) entries.push({ ...comment, ...(await reading.outcomeOf(comment)) });
  return entries;
}

function saidIn({ seq, at, input, refused }: FedLine): Said[] {
  if (input === null || refused !== null || !('payload' in input) || !input.origin.startsWith('person')) return [];
  const { body, title } = input.payload as { body?: unknown; title?: unknown }; // checked below
  const message = typeof body === 'string' ? commentsIn(body) : null;
  if (message === null) return [];
  const to = typeof title === 'string' ? title : null;
  return message.comments.map((comment) => ({
    ...{ seq, at: timeText(at), by: input.origin, title: to, seen: message.to },
    ...comment,
  }));
}

function createReading(repository: Repository, head: string | null) {
  const messages = new Map<string, Promise<readonly CommitMessage[]>>();
  const texts = new Map<string, Promise<string | null>>();

  /** The newest first. */
  function since(seen: string, path?: string): Promise<readonly CommitMessage[]> {
    const key = `${seen} ${path ?? ''}`;
    const known = messages.get(key) ?? readSince(seen, path);
    messages.set(key, known);
    return known;
  }

  async function readSince(seen: string, path?: string): Promise<readonly CommitMessage[]> {
    const from = head === null ? null : await findCommit(repository, seen);
    if (head === null || from === null) return [];
    const most = commitsMost;
    return messagesBetween(repository, { from, to: head }, path === undefined ? { most } : { most, path });
  }

  function textAt(commit: string, path: string): Promise<string | null> {
    const key = `${commit} ${path}`;
    const known = texts.get(key) ?? fileIn(repository, { commit, path });
    texts.set(key, known);
    return known;
  }

  async function isApplied({ seen, path, quoted, suggestion }: Said): Promise<boolean | null> {
    const from = head === null ? null : await findCommit(repository, seen);
    if (suggestion === null || head === null || from === null) return null;
    const [before, now] = await Promise.all([textAt(from, path), textAt(head, path)]);
    if (before === null || now === null) return null;
    if (suggestion === '') return timesIn(now, quoted) < timesIn(before, quoted);
    return timesIn(now, suggestion) > timesIn(before, suggestion);
  }

  return {
    async outcomeOf(said: Said): Promise<Pick<Entry, 'applied' | 'answers' | 'changed_in'>> {
      const answers = (await since(said.seen)).toReversed().flatMap((commit) => {
        const text = answersIn(commit.message).get(said.id);
        return text === undefined ? [] : [{ ...namedCommit(commit), text }];
      });
      const first = answers.length > 0 ? undefined : (await since(said.seen, said.path)).at(-1);
      const changed = first === undefined ? null : namedCommit(first);
      return { applied: await isApplied(said), answers, changed_in: changed };
    },
  };
}

function namedCommit({ commit, atMs, subject }: CommitMessage): NonNullable<Entry['changed_in']> {
  return { commit, at: timeText(atMs), subject };
}

/** The number of times that these whole lines follow each other in the text. */
function timesIn(text: string, lines: LineComment['quoted']): number {
  const all = `\n${text.replaceAll('\r\n', '\n')}\n`;
  const wanted = `\n${lines}\n`;
  let count = 0;
  for (let at = all.indexOf(wanted); at !== -1; at = all.indexOf(wanted, at + 1)) count += 1;
  return count;
}
