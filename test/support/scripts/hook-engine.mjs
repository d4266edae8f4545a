/**
 * An engine that gets many transitions and delivers each to a hook. Its argument is JSON: `{home, repo, plans, rounds}`: every plan is cancelled and
 * reopened `rounds` times. After a kill and a restart it sends the same signals again, and each counts once. It prints `up`, each failed try, and
 * `told` when all signals have their verdict, and delivers until it is killed.
 */
import { createEngine } from '../../../dist/bin/engine.js';

const { home, repo, plans, rounds } = JSON.parse(process.argv[2]);
const project = 'demo';
const say = (word) => process.stdout.write(`${word}\n`);
const hookRetryMs = Array.from({ length: 60 }, () => 20);

const engine = await createEngine({
  home,
  env: process.env,
  hookRetryMs,
  waitForHomeMs: 20_000,
  log: { debug: say, info: () => {}, warn: () => {}, error: () => {} },
  agents: { default: { preset: 'sh' } },
});
const { client } = engine;
await client.addRepo(repo, { trust: true });
const known = new Set((await client.plans(project)).map(({ plan }) => plan));
const names = Array.from({ length: plans }, (_, index) => `p${index}`);
for (const plan of names) {
  if (!known.has(plan))
    await client.registerPlan({ project, plan, content: '# A\n\n## Wave 1\n\n### Task 1: x\n\n```sh\ntrue\n```\n' });
}
say('up');
for (let round = 0; round < rounds; round += 1) {
  for (const type of ['cancel', 'reopen']) {
    await Promise.all(
      names.map((plan) => client.send({ project, plan, type, dedupeKey: `${plan} ${round} ${type}`, waitMs: 30_000 })),
    );
  }
}
say('told');
setInterval(() => {}, 60_000);
