/** The newest comments of an issue that an answer has room for: whoever writes there may write much, and often. */
import type { Comment } from './forge.ts';
import { AnswerTooLarge } from './forge-call.ts';

export interface NewestComments {
  readonly comments: readonly Comment[];
  /** Why there are none, or fewer than there might be; null: nothing kept them away. */
  readonly commentsTrouble: string | null;
}

/** Asked for in this order, until an answer is not too large. The last size has room for the longest that GitLab takes, 1,000,000 characters each. */
export const commentSizes = [100, 20, 3] as const;
export type CommentSize = (typeof commentSizes)[number];

/** `read` answers the newest comments, as many as that or more, the oldest of them first. Throws what it throws. */
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
