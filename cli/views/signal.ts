/** The inbox, as a person reads it. */
import { isErrorDocument } from '../../machines/vocabulary/errors.ts';
import { localStamp } from '../../machines/vocabulary/time-text.ts';
import type { SignalAnswer, SignalEntry } from '../../runtime/api/client/client.ts';
import type { signalOperations } from '../../runtime/api/operations/signal.ts';
import type { View } from '../operation-verb.ts';
import type { Tone } from '../output.ts';
import { plain, plainLines } from '../text.ts';
import { printVerdict } from '../verdict.ts';

const tones: Readonly<Record<SignalEntry['status'], Tone>> = {
  pending: 'plain',
  held: 'attention',
  done: 'plain',
  failed: 'bad',
};

const signals: View<SignalEntry[]> = {
  list: {
    headings: ['id', 'at', 'plan', 'type', 'by', 'status', 'result'],
    row: ({ id, created_at: at, project, plan, type, origin, status, result }) => [
      String(id),
      localStamp(at),
      addressee({ project, plan }),
      type,
      origin,
      { text: status, tone: tones[status] },
      resultText(result),
    ],
    empty: 'no signals',
    isBounded: true,
  },
};

const signal: View<SignalEntry> = {
  fields: (entry) => [
    ['signal', `${entry.id} ${entry.type}`],
    ['plan', addressee(entry)],
    ['by', entry.origin],
    ['status', entry.status],
    ['attempts', String(entry.attempts)],
    ['result', linesOf(entry.result)],
    ['payload', linesOf(entry.payload)],
    ['created', entry.created_at],
    ['not before', entry.deliver_at],
    ['handled', entry.processed_at],
  ],
};

/** The plan, or its repo alone; empty for a tree of a user-defined machine. */
function addressee({ project, plan }: Pick<SignalEntry, 'project' | 'plan'>): string {
  return plan === '' ? project : `${project}/${plan}`;
}

/** A refusal or an error on one line; `signal show` prints all of it. */
function resultText(result: SignalEntry['result']): string {
  if (isErrorDocument(result)) return plain(result.error);
  if (!isRefusal(result)) return textOf(result) ?? '';
  const { by, state, guard } = result;
  return plain(`refused by ${by} in ${state}${guard === null ? '' : `: ${guard}`}`);
}

type Refusal = NonNullable<SignalAnswer['signal']['refused']>;

function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== 'object' || value === null) return false;
  const { by, state, guard } = value as Partial<Record<keyof Refusal, unknown>>; // checked field by field
  return typeof by === 'string' && typeof state === 'string' && (guard === null || typeof guard === 'string');
}

function linesOf(value: unknown): string | null {
  const text = textOf(value, 2);
  return text === null ? null : plainLines(text);
}

function textOf(value: unknown, indent = 0): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value, null, indent);
}

const retrySignal: View<SignalAnswer> = { print: printVerdict };

export default { signals, signal, retrySignal } satisfies Partial<Record<keyof typeof signalOperations, View<never>>>;
