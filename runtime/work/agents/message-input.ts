/**
 * People's messages to a run whose program accepts messages while it works: lines of the file `input`, which the wrapper passes to the relay
 * (relay/relay.ts). The program confirms each message that it has read; an unconfirmed one stays for the next run.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cancelLine, readMessageLine, type TypedMessage } from './relay/message-line.ts';
import type { MessageProtocol } from './run-brief.ts';
import { type RunFolder, writeStartFile } from './run-folder.ts';
import { typeInto } from './terminal-input.ts';

/** Call it before the wrapper starts. null: the program accepts no messages. */
export function prepareMessages(folder: RunFolder, protocol: MessageProtocol | null): void {
  if (protocol === null) rmSync(protocolFile(folder), { force: true });
  else writeStartFile(protocolFile(folder), protocol);
}

export function takesMessages(folder: RunFolder): boolean {
  return existsSync(protocolFile(folder));
}

/** Whether its protocol can end a turn; the program then gets that message once. */
export function cancelTurn(folder: RunFolder): boolean {
  if (!takesMessages(folder) || readFileSync(protocolFile(folder), 'utf8') !== ('acp' satisfies MessageProtocol))
    return false;
  typeInto(folder, { key: 'cancel', text: cancelLine });
  return true;
}

/** The same id for the same key. */
export function messageId(key: string): string {
  const hex = createHash('sha256').update(key).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Each message once, the oldest first; incomplete lines are skipped. */
export function typedMessages({ input }: RunFolder): TypedMessage[] {
  if (!existsSync(input)) return [];
  const lines = readFileSync(input, 'utf8').split('\n').slice(0, -1);
  const messages = lines.map(readMessageLine).filter((message) => message !== null);
  return [...new Map(messages.map((message) => [message.id, message])).values()];
}

function protocolFile({ path }: RunFolder): string {
  return join(path, 'input-protocol');
}
