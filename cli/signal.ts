/** `stator signal`: the inbox. Sending has a file of its own. */
import { clockTime } from '../machines/vocabulary/time-text.ts';
import type { SignalEntry } from '../runtime/api/client/client.ts';
import type { Tone } from './colour.ts';
import { defineVerb, type Verbs } from './command.ts';
import { wholeNumber } from './number.ts';
import { allArgs, scopeOf } from './place.ts';
import { withClient } from './session.ts';
import { type Cell, fields } from './table.ts';
import { plainLines } from './text.ts';
import { printVerdict } from './verdict.ts';

const list = defineVerb({
  summary: 'List the signals of this repo; outside of a repo, and with --all, of all repos.',
  args: {
    plan: { type: 'positional', required: false, description: 'of one plan only' },
    status: { type: 'string', valueHint: 'status', description: 'pending, held, done or failed' },
    ...allArgs,
  },
  examples: ['stator signal list login --status failed'],
  async run({ plan, status, all }, call) {
    const filter = {
      ...scopeOf(call, { all }),
      ...(plan === undefined ? {} : { plan }),
      ...(status === undefined ? {} : { status }),
    };
    const entries = await withClient(call, 'read', (client) => client.signals(filter));
    const headings = ['id', 'at', 'plan', 'type', 'by', 'status', 'result'];
    call.out.list(entries, { headings, row: signalRow, empty: 'no signals' });
  },
});

function signalRow(entry: SignalEntry): Cell[] {
  const { id, created_at: at, project, plan, type, origin, status, result } = entry;
  const tone: Tone = status === 'failed' ? 'bad' : status === 'held' ? 'attention' : 'plain';
  const shown =
    result === null || result === undefined ? '' : typeof result === 'string' ? result : JSON.stringify(result);
  const name = `${project}/${plan}`;
  return [String(id), `${at.slice(0, 10)} ${clockTime(at)}`, name, type, origin, { text: status, tone }, shown];
}

const show = defineVerb({
  summary: 'Show one signal with its payload and its result.',
  args: { id: { type: 'positional', description: 'the number of the signal' } },
  examples: ['stator signal show 42 --json'],
  async run({ id }, call) {
    const { out } = call;
    const number = wholeNumber('the id of a signal', id);
    const entry = await withClient(call, 'read', (client) => client.signal(number));
    const text = (value: unknown) =>
      value === null || value === undefined
        ? null
        : plainLines(typeof value === 'string' ? value : JSON.stringify(value, null, 2));
    out.answer(entry, () =>
      fields(
        [
          ['signal', `${entry.id} ${entry.type}`],
          ['plan', `${entry.project}/${entry.plan}`],
          ['by', entry.origin],
          ['status', entry.status],
          ['attempts', String(entry.attempts)],
          ['result', text(entry.result)],
          ['payload', text(entry.payload)],
          ['created', entry.created_at],
          ['not before', entry.deliver_at],
          ['handled', entry.processed_at],
        ],
        out.paint,
      ),
    );
  },
});

const retry = defineVerb({
  summary: 'Deliver a failed signal again.',
  args: { id: { type: 'positional', description: 'the number of the signal' } },
  examples: ['stator signal retry 42'],
  async run({ id }, call) {
    const number = wholeNumber('the id of a signal', id);
    return printVerdict(call, await withClient(call, 'write', (client) => client.retrySignal(number)));
  },
});

export default { list, show, retry } satisfies Verbs;
