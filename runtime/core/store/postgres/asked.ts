/**
 * Requests of hosts to each other, and the answers, as rows of a table. No daemon connects to another one. A host takes a request once. The row is deleted when
 * its answer was read, or after a minute. A crash of the database may empty the table; then the host sends the request again.
 */
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { channel, nowMs } from './schema.ts';

/** Answers the request of another host. */
export type Answerer = (question: string) => Promise<string>;

interface AskedParts {
  /** This host. */
  readonly own: string;
  /** A connection that listens to `channel`. Throws as the store does. */
  client(): Promise<Client>;
}

/** A notice may be lost with its connection. */
const lookMs = 1_000;
const keptMs = 60_000;

export function createAsked({ own, client }: AskedParts) {
  /** By the request's id. */
  const waiting = new Map<string, () => void>();
  let answerer: Answerer | null = null;

  async function notify(payload: string): Promise<void> {
    await (await client()).query('SELECT pg_notify($1, $2)', [channel, payload]);
  }

  /** null: no answer in time. */
  async function answerTo(id: string, waitMs: number): Promise<string | null> {
    const untilMs = performance.now() + waitMs;
    for (;;) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, Math.min(lookMs, untilMs - performance.now())));
        waiting.set(id, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      const isLate = performance.now() >= untilMs;
      const { rows } = await (await client()).query<{ answer: string }>(
        'DELETE FROM asked WHERE id = $1 AND (answer IS NOT NULL OR $2) RETURNING answer',
        [id, isLate],
      );
      if (rows[0] !== undefined || isLate) return rows[0]?.answer ?? null;
    }
  }

  /** Takes the requests for this host, and answers each one separately. */
  async function look(): Promise<void> {
    const answer = answerer;
    if (answer === null) return;
    const { rows } = await (await client()).query<{ id: string; question: string }>(
      'UPDATE asked SET is_taken = TRUE WHERE host = $1 AND NOT is_taken RETURNING id, question',
      [own],
    );
    await Promise.all(
      rows.map(async ({ id, question }) => {
        const text = await answer(question);
        await (await client()).query('UPDATE asked SET answer = $2 WHERE id = $1', [id, text]);
        await notify(`answered:${id}`);
      }),
    );
  }

  /** If the store cannot be reached there is no answer, and the requesting host gives up after its own limit. */
  const lookQuietly = () => void look().catch(() => {});

  return {
    async ask(host: string, question: string, waitMs: number): Promise<string | null> {
      const id = randomUUID();
      const open = await client();
      await open.query(`DELETE FROM asked WHERE asked_at < ${nowMs} - ${keptMs}`);
      await open.query(`INSERT INTO asked (id, host, question, asked_at) VALUES ($1, $2, $3, ${nowMs})`, [
        id,
        host,
        question,
      ]);
      await notify(`asked:${host}`);
      try {
        return await answerTo(id, waitMs);
      } finally {
        waiting.delete(id);
      }
    },
    answer(given: Answerer): () => void {
      answerer = given;
      lookQuietly();
      return () => {
        answerer = null;
      };
    },
    /** The connection works again: notices of the time between are lost. */
    look: lookQuietly,
    /** Whether the notice was for this listener. */
    heard(payload: string | undefined): boolean {
      const [, word, name] = /^(asked|answered):(.+)$/s.exec(payload ?? '') ?? [];
      if (word === 'answered') waiting.get(name ?? '')?.();
      if (word === 'asked' && name === own) lookQuietly();
      return word !== undefined;
    },
  };
}
