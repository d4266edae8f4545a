/** Which of the words on a pull request ask for something: those of people who may, as long as they stand by them. Pure. */
import type { Feedback, PullRequest } from './forge.ts';

interface Word {
  readonly id: string;
  readonly author: string;
  /** Whether the author may write to the repository. */
  readonly mayWrite: boolean;
  readonly text: string;
  readonly url: string;
}

export interface Review extends Word {
  /** `withdrawn`: dismissed, or asked for anew. `none`: it only comments. */
  readonly verdict: 'approved' | 'changes' | 'withdrawn' | 'none';
  /** The commit that it is about; null: the forge does not say. */
  readonly commit: string | null;
}

export interface CodeComment extends Word {
  /** The review that it is a part of; null: none. */
  readonly review: string | null;
  readonly path: string | null;
  readonly line: number | null;
}

export interface Words {
  readonly reviews: readonly Review[];
  readonly comments: readonly CodeComment[];
  /** What is said below the request as a whole. */
  readonly talk: readonly Word[];
}

const limit = 300;

/** Of each list the oldest first. Only a reviewer's newest verdict counts, and only where it is about the commit that is the request's head. */
export function feedbackOf(
  { reviews, comments, talk }: Words,
  { headCommit, awaited }: Pick<PullRequest, 'headCommit' | 'awaited'>,
): Feedback[] {
  const newest = new Map(reviews.filter(({ verdict }) => verdict !== 'none').map(({ author, id }) => [author, id]));
  const stands = ({ id, author, commit }: Review): boolean =>
    newest.get(author) === id && !awaited.includes(author) && (commit === null || commit === headCommit);
  const fallen = new Set(
    reviews
      .filter((one) => one.verdict === 'withdrawn' || (one.verdict === 'changes' && !stands(one)))
      .map(({ id }) => id),
  );
  const rejects = ({ id, author, verdict, mayWrite }: Review): boolean =>
    verdict === 'changes' && mayWrite && newest.get(author) === id && !awaited.includes(author);
  return [
    ...reviews.flatMap((one) => {
      const isRejection = rejects(one);
      const asks = one.verdict === 'changes' && !fallen.has(one.id) && one.mayWrite;
      if (asks) return [{ ...feedback(one, 'changes'), isRejection }];
      if (one.text.trim() === '' && !isRejection) return [];
      const isComment = one.verdict === 'none' && one.mayWrite;
      return [{ ...said(one, isComment ? 'comment' : 'remark'), isRejection }];
    }),
    ...comments.map((one) => {
      const isFallen = one.review !== null && fallen.has(one.review);
      return { ...said(one, one.mayWrite && !isFallen ? 'comment' : 'remark'), path: one.path, line: one.line };
    }),
    ...talk.filter(({ text }) => text.trim() !== '').map((one) => said(one, 'remark')),
  ].slice(-limit);
}

/** `/stator fix <what>` at a line's beginning: what is to be done, to the end of the text; null: it is not said. */
export function fixAskedFor(text: string): string | null {
  const found = /^[ \t]*\/stator[ \t]+fix\b([\s\S]*)/m.exec(text);
  return found === null ? null : (found[1] ?? '').trim() || text.trim();
}

function said(word: Word, otherwise: Feedback['kind']): Feedback {
  const asked = word.mayWrite ? fixAskedFor(word.text) : null;
  return asked === null ? feedback(word, otherwise) : feedback({ ...word, text: asked }, 'changes');
}

function feedback({ id, author, text, url }: Word, kind: Feedback['kind']): Feedback {
  return { id, kind, isRejection: false, author, text, path: null, line: null, url };
}
