/** What a chat's service can do. */
import type { ChatMessageRow } from '../../core/store/rows.ts';

/** A message, or a button, of an account there. */
export interface Incoming {
  /** Unique in its chat. */
  readonly id: string;
  /** What is stored when it was acted on: nothing up to there is read again. */
  readonly reach: { readonly message: string | null; readonly reached: string };
  /** The id of the account, which the service gives and the account cannot choose. null: nothing is to be answered. */
  readonly author: string | null;
  /** The message of ours that it answers; null: none. */
  readonly message: string | null;
  /** Empty: it has no text. */
  readonly text: string;
  /** true: it is to us alone, and not to others in the chat. */
  readonly isDirect: boolean;
  reply(text: string): Promise<void>;
}

export interface ChatService {
  /** Names the bot or the channel; what is stored of it is stored under that. */
  readonly key: string;
  /** Milliseconds from the reading that was made to the next. */
  readonly everyMs: number;
  /** The id of the message. Throws an `EngineError`. */
  send(text: string, buttons: readonly string[]): Promise<string>;
  /** The oldest first. May wait for them for half a minute. Throws an `EngineError`, `interrupted` too. */
  read(from: { readonly mark: string | null; readonly sent: readonly ChatMessageRow[] }): Promise<readonly Incoming[]>;
}
