/** The hook of docs/operating.md, word for word, with a server of this test where the collector would be. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planTrace } from '../../runtime/api/contract/traces.ts';
import { afterwards, planText } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { openReceiver, putHooks } from '../support/hooks.ts';
import { served } from '../support/team.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/operating.md'), 'utf8');
const [hook = ''] = [...page.matchAll(/^```toml\n([\s\S]*?)^```/gm)].flatMap(([, text = '']) =>
  text.includes('[[hooks]]') ? [text] : [],
);

it('the hook sends the trace of a plan to a collector when the plan is done', async () => {
  const { repo, root, port, client, tokenFor } = await served();
  const collector = await openReceiver();
  afterwards(() => collector.close());
  const home = join(root, 'user');
  mkdirSync(join(home, '.config/stator'), { recursive: true });
  const keys = `TRACE_TOKEN=${tokenFor('tracer', 'look')}\nOTEL_EXPORTER_OTLP_ENDPOINT=${new URL(collector.url).origin}\n`;
  writeFileSync(join(home, '.config/stator/traces.env'), keys, { mode: 0o600 });
  putHooks(
    repo,
    `${hook.replaceAll('/home/you', home).replaceAll('127.0.0.1:7433', `127.0.0.1:${port}`)}\n[agents.reviewer]\nenabled = false\n`,
  );
  await client.addRepo(repo, { trust: true });
  await client.registerPlan({ project: 'demo', plan: 'small', content: planText(['echo a > a.txt']) });
  await client.send({ project: 'demo', plan: 'small', type: 'implement_start' });
  await until(() => collector.got.length > 0);
  const [sent] = collector.got;
  expect(sent?.headers['content-type']).toBe('application/json');
  const { resourceSpans } = planTrace.parse(sent?.body);
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  expect(spans.map(({ name }) => name)).toContain('plan small');
  expect(spans[0]?.attributes).toContainEqual({ key: 'stator.status', value: { stringValue: 'done' } });
  expect(spans.filter(({ name }) => name.startsWith('run small-'))).toHaveLength(1);
});
