/**
 * An engine whose agent is a function that kills the process at its first call, while it works: `node agent-function-engine.mjs <home> <repo>`. Each call is a
 * line with its key in `calls`, beside the repo.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createEngine } from '../../../dist/bin/engine.js';

const [home = '', repo = ''] = process.argv.slice(2);
const calls = join(dirname(repo), 'calls');
const project = basename(repo);

const engine = await createEngine({
  home,
  repos: [repo],
  agents: {
    reviewer: { enabled: false },
    coder: {
      attempts: 1,
      run: async ({ key, worktree }) => {
        const isFirst = !existsSync(calls);
        appendFileSync(calls, `${key}\n`);
        writeFileSync(join(worktree, 'made.txt'), isFirst ? 'half\n' : 'done\n');
        if (isFirst) process.kill(process.pid, 'SIGKILL');
      },
    },
  },
});
if (!existsSync(calls)) {
  const plan = await engine.plans.register({ project, path: 'made.md' });
  await engine.send({ project, plan: plan.name, type: 'implement_start' });
}
for await (const _ of engine.facts({ plan: { project, plan: 'made' } }));
await engine.stop();
