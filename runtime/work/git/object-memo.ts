/** What was asked of commits by their ids: they never change, so that one answer is enough. Refs are never remembered. */

/** Answers kept for one repository; the oldest go first. */
const memoLimit = 4_096;
/** Most answers are some hundred characters; a longer one is not worth its room. */
const longestAnswer = 16_384;

export interface ObjectMemo {
  /** The answer of before, or the one of `look`; a failure is not remembered, and neither is null: a missing commit may be fetched. */
  get<T extends string | boolean>(question: string, look: () => Promise<T | null>): Promise<T | null>;
  /** Stores an answer, so that git is not asked again. */
  set(question: string, answer: string): void;
  /** The text that was remembered; null: none was. */
  known(question: string): string | null;
}

export function createObjectMemo(): ObjectMemo {
  const answers = new Map<string, string | boolean>();
  const set = (question: string, answer: string | boolean): void => {
    if (typeof answer === 'string' && answer.length > longestAnswer) return;
    const oldest = answers.size >= memoLimit ? answers.keys().next().value : undefined;
    if (oldest !== undefined) answers.delete(oldest);
    answers.set(question, answer);
  };
  return {
    async get<T extends string | boolean>(question: string, look: () => Promise<T | null>) {
      const known = answers.get(question);
      if (known !== undefined) return known as T; // the question says of which type its answer is
      const answer = await look();
      if (answer !== null) set(question, answer);
      return answer;
    },
    set,
    known(question) {
      const answer = answers.get(question);
      return typeof answer === 'string' ? answer : null;
    },
  };
}

/** Said of a tree in which no commit of another repository stands. */
export const noLinks = (tree: string): string => `links ${tree}`;

/** A full object id, which means the same for ever. */
export function isObjectId(name: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name);
}
