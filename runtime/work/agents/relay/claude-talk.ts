/**
 * Claude Code with `--input-format stream-json --replay-user-messages`: one user message per line. It reads a message between two steps of its turn, or as
 * its next turn, and then repeats it on its output. After the end of its input it still reads earlier messages, and then ends.
 *
 * Its input is closed at a `result`, unless a message is still unread: then at the next result.
 */
import { randomUUID } from 'node:crypto';
import { objectOf, textAt } from '../reports/json-line.ts';
import type { TypedMessage } from './message-line.ts';
import type { Talk, TalkPorts } from './talk.ts';

/** For a program that repeats no message: after a result and this much silence its input is closed; it has all earlier messages by then. */
const silenceMs = 5_000;

export function createClaudeTalk({ send, isFull, end }: TalkPorts): Talk {
  const unread = new Set<string>();
  let hasResult = false;
  let silence: NodeJS.Timeout | undefined;
  const watchSilence = () => {
    clearTimeout(silence);
    silence = hasResult && unread.size > 0 ? setTimeout(end, silenceMs) : undefined;
  };
  return {
    begin: (text) => send(userLine({ id: randomUUID(), text })),
    type(message) {
      if (isFull()) return;
      unread.add(message.id);
      send(userLine(message));
      watchSilence();
    },
    line(text) {
      const event = objectOf(text);
      if (event?.type === 'user' && event.isReplay === true) unread.delete(textAt(event, 'uuid') ?? '');
      if (event?.type === 'result') hasResult = true;
      if (event?.type === 'result' && unread.size === 0) end();
      else watchSilence();
    },
  };
}

function userLine({ id, text }: TypedMessage): string {
  return JSON.stringify({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] }, uuid: id });
}
