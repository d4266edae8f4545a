/** `stator demo`: a complete run in a temporary repo. It needs no installation and no network. */

import { basename } from 'node:path';
import { type Call, defineVerb } from './command.ts';
import { makeDemo } from './demo/stage.ts';
import { askGit } from './place.ts';
import { conduct } from './run/conduct.ts';
import { factLines } from './run/fact-line.ts';
import type { RunRequest } from './run/prepare.ts';
import { withClient } from './session.ts';

export default defineVerb({
  summary: 'Run an example: a plan of two waves in a temporary repo, worked on by shell scripts, reviewed and fixed.',
  args: { keep: { type: 'boolean', description: 'keep the folder' } },
  examples: ['stator demo', 'stator demo --keep'],
  async run({ keep = false }, outer) {
    const { gitVersionIn } = await import('../runtime/engine/preflight.ts');
    const { tryStoreModule } = await import('../runtime/engine/store-copies.ts');
    // before there is a folder
    await gitVersionIn(outer.env);
    await tryStoreModule();
    const stage = makeDemo(outer);
    const { call, request } = stage;
    let exitCode = 1;
    try {
      call.out.say(`a throw-away repo: ${request.repo}`);
      const own = async () => {
        const { createEngine } = await import('../runtime/engine/engine.ts');
        return createEngine({ home: stage.home, env: call.env, onlyWatched: true });
      };
      const attach = async () => null;
      exitCode = await conduct({ call, request, isThrowAway: true, attach, own, isRestarting: () => false });
      if (exitCode !== 130) await printDemo(call, request);
      return exitCode;
    } finally {
      stage.leave({ keep, isGood: exitCode === 0 });
    }
  },
});

/** Under --json the facts have been printed already. */
async function printDemo(call: Call, { repo, name: plan }: RunRequest): Promise<void> {
  const { out } = call;
  if (out.json || out.quiet) return;
  const project = basename(repo);
  const calm = { ...call, out: { ...out, noteOnce: () => undefined } }; // the note that no engine runs would only confuse here
  const { shown, history } = await withClient(calm, 'read', async (client) => ({
    shown: await client.plan(project, plan),
    history: await client.history(project, plan),
  }));
  // Tasks and agents were already shown one by one; this is a summary.
  const turns = history.filter(({ actor }) => actor === '' || /^wave-[^/]+$/.test(actor));
  const lines = turns.flatMap((entry) => factLines(entry, shown) ?? []);
  out.print('', out.paint('strong', 'what happened'), ...lines);
  const log = askGit({ cwd: repo, env: call.env }, ['log', '--oneline', '--graph', shown.branch]) ?? '';
  out.print('', out.paint('strong', `what is on ${shown.branch} now`), ...log.split('\n'), '');
}
