/** `stator instance list`. */
import { defineVerb } from '../command.ts';
import { projectHere } from '../place.ts';
import { withClient } from '../session.ts';
import { hasUsage } from '../usage-text.ts';
import { instanceHeadings, instanceRow } from './view.ts';

export default defineVerb({
  summary: 'The agents of this repo; outside of a repo, and with --all, of every repo.',
  args: {
    plan: { type: 'positional', required: false, description: 'of one plan only' },
    all: { type: 'boolean', description: 'of every repo' },
  },
  examples: ['stator instance list login'],
  async run({ plan, all }, call) {
    const { out } = call;
    const project = all === true ? null : projectHere(call);
    const filter = { ...(project === null ? {} : { project }), ...(plan === undefined ? {} : { plan }) };
    const entries = await withClient(call, 'read', (client) => client.instances(filter));
    const nowMs = Date.now();
    const withUsage = entries.some(({ usage }) => hasUsage(usage));
    const headings = [...(project === null ? ['project'] : []), ...instanceHeadings(withUsage)];
    out.answer(entries, () =>
      out.table(
        headings,
        entries.map((entry) => [
          ...(project === null ? [entry.project] : []),
          ...instanceRow(entry, { nowMs, withUsage }),
        ]),
        'no agents',
      ),
    );
    return 0;
  },
});
