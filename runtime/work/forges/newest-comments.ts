/** The newest comments of an issue that fit into one answer: comments may be long and many. */
import type { Comment } from './forge.ts';
import { AnswerTooLarge } from './forge-call.ts';

export interface NewestComments {
  readonly comments: readonly Comment[];
  /** Why comments are missing; null: none is missing. */
  readonly commentsTrouble: string | null;
}

/** The sizes are tried in this order until an answer is not too large. The last one fits the longest comments of GitLab, with 1,000,000 characters each. */
export const commentSizes = [100, 20, 3] as const;
export type CommentSize = (typeof commentSizes)[number];

/** `read` returns the newest comments, at least that many, the oldest first. Throws the errors of `read`. */
export async function newestComments(
  read: (size: CommentSize) => Promise<readonly Comment[]>,
): Promise<NewestComments> {
  let trouble = '';
  for (const size of commentSizes) {
    try {
      return {
        comments: (await read(size)).slice(-size),
        commentsTrouble: trouble === '' ? null : `${trouble}, so the newest ${size} are read`,
      };
    } catch (thrown) {
      if (!(thrown instanceof AnswerTooLarge)) throw thrown;
      trouble = thrown.message;
    }
  }
  return { comments: [], commentsTrouble: `${trouble}, so none is read` };
}
