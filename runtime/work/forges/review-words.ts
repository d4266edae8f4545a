/** Selects the texts on a pull request that request work: those of permitted people that are not withdrawn. Pure. */
import type { Feedback, PullRequest } from './forge.ts';

interface ReviewText {
  readonly id: string;
  readonly author: string;
  /** Whether the author may write to the repository. */
  readonly mayWrite: boolean;
  readonly text: string;
  readonly url: string;
}

export interface Review extends ReviewText {
  /** `withdrawn`: dismissed, or requested again. `none`: only a comment. */
  readonly verdict: 'approved' | 'changes' | 'withdrawn' | 'none';
  /** The commit that it is about; null: not known. */
  readonly commit: string | null;
}

export interface CodeComment extends ReviewText {
  /** The review that contains it; null: none. */
  readonly review: string | null;
  readonly path: string | null;
  readonly line: number | null;
}

export interface ReviewTexts {
  readonly reviews: readonly Review[];
  readonly comments: readonly CodeComment[];
  /** Comments on the request as a whole. */
  readonly talk: readonly ReviewText[];
}

const limit = 300;

/** Each list has the oldest first. Only a reviewer's newest verdict counts, and only if it is about the request's head. */
export function feedbackOf(
  { reviews, comments, talk }: ReviewTexts,
  { headCommit, awaited }: Pick<PullRequest, 'headCommit' | 'awaited'>,
): Feedback[] {
  const newest = new Map(reviews.filter(({ verdict }) => verdict !== 'none').map(({ author, id }) => [author, id]));
  const isCurrent = ({ id, author, commit }: Review): boolean =>
    newest.get(author) === id && !awaited.includes(author) && (commit === null || commit === headCommit);
  const fallen = new Set(
    reviews
      .filter((one) => one.verdict === 'withdrawn' || (one.verdict === 'changes' && !isCurrent(one)))
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

/** The task after `/stator fix` at the beginning of a line, to the end of the text; null: there is none. */
export function fixAskedFor(text: string): string | null {
  const found = /^[ \t]*\/stator[ \t]+fix\b([\s\S]*)/m.exec(text);
  return found === null ? null : (found[1] ?? '').trim() || text.trim();
}

function said(given: ReviewText, otherwise: Feedback['kind']): Feedback {
  const asked = given.mayWrite ? fixAskedFor(given.text) : null;
  return asked === null ? feedback(given, otherwise) : feedback({ ...given, text: asked }, 'changes');
}

function feedback({ id, author, text, url }: ReviewText, kind: Feedback['kind']): Feedback {
  return { id, kind, isRejection: false, author, text, path: null, line: null, url };
}
