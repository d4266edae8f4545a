import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { Call } from '../../cli/command.ts';
import { prepareRun } from '../../cli/run/prepare.ts';
import { begin, planText, say, startEngine, untilBlocked } from '../support/engine.ts';

it('goes on where a person answers while the run is being prepared', async () => {
  const engine = await startEngine();
  const content = planText(['true']);
  await begin(engine, 'asked', content);
  await say(engine, 'asked', 'needs_decision', { reason: 'left or right?' });
  await untilBlocked(engine, 'asked');
  let looks = 0;
  const client = {
    ...engine.client,
    async plan(project: string, plan: string) {
      looks += 1;
      // The first look has seen the question.
      if (looks === 2) await say(engine, plan, 'resolve', { body: 'left' });
      return engine.client.plan(project, plan);
    },
  };
  const out = { stderr: process.stderr, note: () => {} };
  const call = { env: engine.env, cwd: engine.repo, stdin: new Readable(), out, project: undefined };
  const request = {
    file: 'asked.md',
    bound: 'asked.md',
    name: 'asked',
    isNamed: false,
    content,
    repo: engine.repo,
    trust: true,
    keepsTrust: false,
  };
  const more = { branch: undefined, topic: undefined, yes: false, planOnly: false, force: false, waitLimitMs: null };
  const warnings = { look: async () => {} };
  const prepared = await prepareRun(call as unknown as Call, client, { request: { ...request, ...more }, warnings });
  expect(prepared).toMatchObject({ kind: 'started', project: 'demo' });
  expect(looks).toBe(2);
});
