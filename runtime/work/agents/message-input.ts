/**
 * What people type to a run whose program takes messages while it works: lines of the file `input`, which its wrapper feeds to the relay (relay/relay.ts). The program says
 * of each message that it has read it; one of which it did not is still there for the next run.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageProtocol } from './command-line.ts';
import { cancelLine, readMessageLine, type TypedMessage } from './relay/message-line.ts';
import { type RunFolder, writeStartFile } from './run-folder.ts';
import { typeInto } from './terminal-input.ts';

/** Before the wrapper starts. null: its program takes none. */
export function prepareMessages(folder: RunFolder, protocol: MessageProtocol | null): void {
  if (protocol === null) rmSync(protocolFile(folder), { force: true });
  else writeStartFile(protocolFile(folder), protocol);
}

export function takesMessages(folder: RunFolder): boolean {
  return existsSync(protocolFile(folder));
}

/** Whether its protocol has a word that ends a turn, which its program then gets, once. */
export function cancelTurn(folder: RunFolder): boolean {
  if (!takesMessages(folder) || readFileSync(protocolFile(folder), 'utf8') !== ('acp' satisfies MessageProtocol))
    return false;
  typeInto(folder, { key: 'cancel', text: cancelLine });
  return true;
}

/** The same for the same key. */
export function messageId(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Each once, oldest first; one whose line is torn is not there. */
export function typedMessages({ input }: RunFolder): TypedMessage[] {
  if (!existsSync(input)) return [];
  const lines = readFileSync(input, 'utf8').split('\n').slice(0, -1);
  const messages = lines.map(readMessageLine).filter((message) => message !== null);
  return [...new Map(messages.map((message) => [message.id, message])).values()];
}

function protocolFile({ path }: RunFolder): string {
  return join(path, 'input-protocol');
}
