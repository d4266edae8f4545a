/** The interface to a chat service. */
import type { ChatMessageRow } from '../../core/store/rows.ts';

/** A message, or a pressed button, from an account of the service. */
export interface Incoming {
  /** Unique in its chat. */
  readonly id: string;
  /** The position to store after it was handled: earlier messages are not read again. */
  readonly reach: { readonly message: string | null; readonly reached: string };
  /** The id that the service gives to the account, and that its owner cannot choose. null: the message needs no answer. */
  readonly author: string | null;
  /** The message of stator that it answers; null: none. */
  readonly message: string | null;
  /** Empty: the message has no text. */
  readonly text: string;
  /** true: only stator sees the message, and not the other people in the chat. */
  readonly isDirect: boolean;
  reply(text: string): Promise<void>;
}

export interface ChatService {
  /** Identifies the bot or the channel: the read position is stored under this key. */
  readonly key: string;
  /** Milliseconds between two readings. */
  readonly everyMs: number;
  /** Returns the id of the message. Throws an `EngineError`. */
  send(text: string, buttons: readonly string[]): Promise<string>;
  /** Returns new messages, the oldest first, and may wait half a minute for one. Throws an `EngineError`, including `interrupted`. */
  read(from: { readonly mark: string | null; readonly sent: readonly ChatMessageRow[] }): Promise<readonly Incoming[]>;
}
