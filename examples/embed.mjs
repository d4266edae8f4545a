/**
 * An engine inside of a script: it registers and starts a plan, prints what happens, and stops when the plan is done or needs a person.
 *
 *     node examples/embed.mjs <home> <repo> <plan.md>
 */
import { basename, resolve } from 'node:path';
import { createEngine } from 'stator';

const [home = '', repo = '', path = ''] = process.argv.slice(2).map((each) => resolve(each));
const project = basename(repo);

// The preset `sh` runs the sh blocks of each task. With { preset: 'claude' } an agent reads the task instead.
const engine = await createEngine({ home, repos: [repo], agents: { default: { preset: 'sh' } } });
try {
  const plan = await engine.plans.register({ project, path });
  await engine.send({ project, plan: plan.name, type: 'implement_start' });
  for await (const { event, to } of engine.facts({ plan })) console.log(event, to);
  const { status, waiting_for } = await engine.client.plan(project, plan.name);
  console.log(waiting_for?.detail ?? `the plan is ${status}`);
  process.exitCode = status === 'done' ? 0 : 1;
} finally {
  await engine.stop();
}
