/** The text at the end of the demo: what happened, and what is in git now. */
import { basename } from 'node:path';
import type { Call } from '../command.ts';
import { askGit } from '../place.ts';
import { factLines } from '../run/fact-line.ts';
import type { RunRequest } from '../run/prepare.ts';
import { withClient } from '../session.ts';

/** Under --json the facts have been printed already. */
export async function tellDemo(call: Call, { repo, name: plan }: RunRequest): Promise<void> {
  const { out } = call;
  if (out.json || out.quiet) return;
  const project = basename(repo);
  const calm = { ...call, out: { ...out, noteOnce: () => undefined } }; // here no note is needed that no engine runs any more
  const { shown, history } = await withClient(calm, 'read', async (client) => ({
    shown: await client.plan(project, plan),
    history: await client.history(project, plan),
  }));
  // Tasks and agents were shown one by one; this is a summary.
  const turns = history.filter(({ actor }) => actor === '' || /^wave-[^/]+$/.test(actor));
  const lines = turns.flatMap((entry) => factLines(entry, shown) ?? []);
  out.print('', out.paint('strong', 'what happened'), ...lines);
  const log = askGit({ cwd: repo, env: call.env }, ['log', '--oneline', '--graph', shown.branch]) ?? '';
  out.print('', out.paint('strong', `what is on ${shown.branch} now`), ...log.split('\n'), '');
}
