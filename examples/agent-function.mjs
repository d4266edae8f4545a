/**
 * A plan whose agent is a plain async function: it gets a folder and a prompt, and works there. When it resolves, the folder's files are committed
 * and merged.
 * Call a model, or your own service, where this example writes a file.
 *
 *     node examples/agent-function.mjs <home> <repo> <plan.md>
 */
import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { createEngine } from 'stator';

const [home = '', repo = '', path = ''] = process.argv.slice(2).map((each) => resolve(each));
const project = basename(repo);

/** @type {import('stator').AgentFunction} */
async function coder({ worktree, prompt, wave, task, attempt, signal, log }) {
  // One coder works on all of a small plan.
  const name = task === null ? 'all' : `wave-${wave}-task-${task}`;
  log(`${name}, attempt ${attempt}: told ${prompt.length} characters`);
  signal.throwIfAborted();
  await writeFile(join(worktree, `${name}.txt`), 'done\n');
  return 'I have written the file.';
}

const engine = await createEngine({
  home,
  repos: [repo],
  agents: { coder: { run: coder, attempts: 2, timeout: '10m' }, reviewer: { enabled: false } },
});
try {
  const plan = await engine.plans.register({ project, path });
  await engine.send({ project, plan: plan.name, type: 'implement_start' });
  for await (const { event, to } of engine.facts({ plan })) console.log(event, to);
} finally {
  await engine.stop();
}
