/** Remembers answers about objects by their ids: objects never change, so one answer is enough. Refs are never remembered. */

/** The most answers for one repository; the oldest are dropped first. */
const memoLimit = 4_096;
/** Most answers have some hundred characters; a longer one is not worth the memory. */
const longestAnswer = 16_384;

export interface ObjectMemo {
  /** The remembered answer, or the result of `look`. Failures and null are not remembered: a missing commit may be fetched later. */
  get<T extends string | boolean>(question: string, look: () => Promise<T | null>): Promise<T | null>;
  /** Stores an answer, so that git is not asked again. */
  set(question: string, answer: string): void;
  /** The remembered text; null: none. */
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
      if (known !== undefined) return known as T; // the question determines the answer's type
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

/** The answer for a tree without commits of other repositories. */
export const noLinks = (tree: string): string => `links ${tree}`;

/** Whether it is a full object id, whose meaning never changes. */
export function isObjectId(name: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name);
}
