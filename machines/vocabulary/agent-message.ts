/** Messages of people to agents. A plan's root stores each accepted one until an agent has it; so no end of an agent, and no restart of its task, loses one. Pure. */

/** `message`: for its next turn. `answer`: to its question. `line`: typed to its program while it works. */
export const messageKinds = ['message', 'answer', 'line'] as const;
export type MessageKind = (typeof messageKinds)[number];

export interface AgentMessage {
  /** Counts the messages of the plan, over its whole life. */
  readonly number: number;
  readonly kind: MessageKind;
  /** The agent that the message is for. */
  readonly title: string;
  /** The task of that agent, by its own title: another task with the same number is not meant. null: the agent has no single task. */
  readonly task: string | null;
  /** The origin of the signal that brought it. */
  readonly author: string;
  readonly text: string;
  /** The question of the agent; null: it is no answer. */
  readonly question: string | null;
  readonly at: number;
  /** The run that has it: it was in its prompt, or was typed to it. null: it waits for the next run. */
  readonly run: string | null;
  /** It was typed to that run, and its program has not confirmed that it read it. */
  readonly isTyped?: true;
}

/** A message as it arrives. */
export interface NewMessage {
  readonly kind: MessageKind;
  readonly title: string;
  readonly author: string;
  readonly text: string;
  readonly question?: string;
  readonly at: number;
  /** The run that it is typed to. */
  readonly run?: string;
}

/** A message that no agent can get any more. */
export interface RefusedMessage extends Pick<AgentMessage, 'number' | 'kind' | 'title' | 'author' | 'text'> {
  readonly why: string;
}

/** Messages in a prompt are in the order of their numbers. */
export interface GivenMessages {
  readonly messages: readonly string[];
  readonly question: string | null;
  readonly answer: string | null;
  readonly numbers: readonly number[];
}

/** The next agent of the same kind of work gets the messages of the one before: to people, another round of a review, a fix or a verification is the same. */
function successionOf(title: string): string {
  return title.replace(/-(review|fix|verify)-\d+$/, '-$1');
}

export function isForTitle(message: Pick<AgentMessage, 'title'>, title: string): boolean {
  return successionOf(message.title) === successionOf(title);
}

/** A run that continues its conversation gets the waiting messages; one that begins a conversation gets all stored ones. */
export function messagesFor(
  words: readonly AgentMessage[],
  { title, isResumed }: { readonly title: string; readonly isResumed: boolean },
): GivenMessages {
  const given = words.filter((message) => isForTitle(message, title) && (!isResumed || message.run === null));
  const last = given.findLast(({ kind }) => kind === 'answer') ?? null;
  return {
    messages: given.filter((message) => message !== last).map(asMessage),
    question: last?.question ?? null,
    answer: last?.text ?? null,
    numbers: given.map(({ number }) => number),
  };
}

function asMessage({ kind, question, text }: AgentMessage): string {
  return kind === 'answer' ? `You had asked: ${question ?? ''}\nA person answered: ${text}` : text;
}

/** `the message of alice to login-w1-t1 reached no agent (its task is done): keep the old format`. */
export function refusedText({ kind, title, author, text, why }: Omit<RefusedMessage, 'number'>): string {
  return `the ${kind} of ${authorName(author)} to ${title} reached no agent (${why}): ${text.replace(/\s+/g, ' ')}`;
}

function authorName(author: string): string {
  const colon = author.indexOf(':');
  if (author === 'person') return 'a person';
  return colon < 0 ? author : author.startsWith('person:') ? author.slice(colon + 1) : author.replace(':', ' ');
}
