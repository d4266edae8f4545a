/** `stator signal list`. */
import type { SignalEntry } from '../../runtime/api/client/client.ts';
import type { Tone } from '../colour.ts';
import { defineVerb } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { clockTime } from '../text.ts';

export default defineVerb({
  summary: 'The inbox of this repo; outside of a repo, and with --all, of every repo.',
  args: {
    plan: { type: 'positional', required: false, description: 'of one plan only' },
    status: { type: 'string', valueHint: 'status', description: 'pending, held, done or failed' },
    all: { type: 'boolean', description: 'of every repo' },
  },
  examples: ['stator signal list login --status failed'],
  async run({ plan, status, all }, call) {
    const { out } = call;
    const project = all === true ? null : projectHere(call);
    const filter = {
      ...(project === null ? {} : { project }),
      ...(plan === undefined ? {} : { plan }),
      ...(status === undefined ? {} : { status }),
    };
    const entries = await withClient(call, 'read', (client) => client.signals(filter));
    out.answer(entries, () =>
      out.table(['id', 'at', 'plan', 'type', 'by', 'status', 'result'], entries.map(signalRow), 'no signals'),
    );
    return 0;
  },
});

function signalRow(entry: SignalEntry) {
  const { id, created_at: at, project, plan, type, origin, status, result } = entry;
  const tone: Tone = status === 'failed' ? 'bad' : status === 'held' ? 'attention' : 'plain';
  const shown =
    result === null || result === undefined ? '' : typeof result === 'string' ? result : JSON.stringify(result);
  const name = `${project}/${plan}`;
  return [String(id), `${at.slice(0, 10)} ${clockTime(at)}`, name, type, origin, { text: status, tone }, shown];
}
