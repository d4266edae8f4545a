/** The plans of an engine in somebody's own program, as spans of the OpenTelemetry SDK that is registered there. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { afterwards, gate, ground, openGate, planText, startEngine, untilFile } from '../support/engine.ts';
import { until } from '../support/ground.ts';

const program = fileURLToPath(new URL('../support/scripts/traced-engine.mjs', import.meta.url));

interface Span {
  readonly name: string;
  readonly trace: string;
  readonly id: string;
  readonly parent: string | null;
  readonly links: readonly string[];
  readonly failed: boolean;
  readonly ms: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

function live(argument: object, env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [program, JSON.stringify(argument)], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => {
    hasEnded = true;
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  afterwards(kill);
  const line = async (of: RegExp) => {
    await until(
      () => of.test(out) || hasEnded,
      () => out,
    );
    return of.exec(out)?.[0] ?? '';
  };
  return { kill, line, stop: () => child.stdin.end(), ended };
}

it('has one trace of a plan with a retry, whose engine was killed and taken over', async () => {
  const on = ground();
  const [began, go] = [join(on.root, 'began'), join(on.root, 'go')];
  // The first attempt fails; the second one outlives the engine that started it.
  const script = `if [ ! -e '${began}.1' ]; then touch '${began}.1'; exit 3; fi\necho x >'${began}'\n${gate(go)}\necho x >x`;
  const first = live({ home: on.home, repo: on.repo, plan: planText([script]) }, on.env);
  await first.line(/^up$/m);
  await untilFile(began);
  await first.kill();
  const second = live({ home: on.home, repo: on.repo }, on.env);
  await second.line(/^up$/m);
  openGate(go);
  const spans = JSON.parse(await second.line(/^\[.*\]$/m)) as Span[];
  second.stop();
  await second.ended;

  const named = (name: RegExp) => spans.filter((span) => name.test(span.name));
  const [plan] = named(/^plan traced$/);
  expect(plan).toMatchObject({ parent: null, failed: false, attributes: { 'stator.status': 'done' } });
  expect(new Set(spans.map(({ trace }) => trace)).size).toBe(1);
  const ids = new Set(spans.map(({ id }) => id));
  expect(ids.size).toBe(spans.length);
  for (const { parent } of spans.filter((span) => span !== plan)) expect(ids.has(parent ?? '')).toBe(true);
  const runs = named(/^run /);
  expect(runs.map(({ name }) => name)).toEqual(['run traced-coder attempt 1', 'run traced-coder attempt 2']);
  expect(runs[0]).toMatchObject({ failed: true, links: [], attributes: { 'stator.exit_code': 3 } });
  expect(runs[1]).toMatchObject({ failed: false, links: [runs[0]?.id], parent: runs[0]?.parent });
  expect(named(/^git\.|commit|merge/).length).toBeGreaterThan(0);
  for (const { ms } of spans) expect(ms).toBeLessThanOrEqual(plan?.ms ?? 0);
});

it('loads nothing, and has no hook, where no SDK is registered', async () => {
  const { client } = await startEngine();
  expect((await client.hooks({ project: 'demo' })).map(({ hook }) => hook)).toEqual([]);
});
