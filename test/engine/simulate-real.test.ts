/**
 * A simulation predicts the real engine: for random plans with random failures the real engine, with programs as agents, starts the same agents after each end,
 * in the same slots, with the same results. The programs end when the test lets them, in the order of the simulation.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { defaultPolicy, type Policy } from '../../machines/vocabulary/policy.ts';
import { createPlayer, type Played } from '../../runtime/engine/simulated-engine.ts';
import { runsOf } from '../support/drawn.ts';
import { begin, gate, ground, openGate, planText, startEngine, untilPlan, waves } from '../support/engine.ts';
import { until } from '../support/ground.ts';

interface Case {
  readonly agents: number;
  readonly isolation: 'task' | 'plan';
  /** By wave and task. */
  readonly waves: readonly (readonly Work[])[];
}

interface Work {
  /** How many of its runs fail, of two at most. */
  readonly fails: number;
  /** Whether it begins after the task before it. */
  readonly isAfter: boolean;
  /** How long each of its runs takes, in seconds. */
  readonly lasts: readonly [number, number];
}

const second = fc.integer({ min: 30, max: 3_000 });
const work: fc.Arbitrary<Work> = fc.record({
  fails: fc.constantFrom(0, 0, 0, 1, 2),
  isAfter: fc.boolean(),
  lasts: fc.tuple(second, second),
});
const drawn: fc.Arbitrary<Case> = fc.record({
  agents: fc.integer({ min: 1, max: 3 }),
  isolation: fc.constantFrom('task', 'task', 'plan'),
  waves: fc.array(fc.array(work, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
});

const attempts = 2;
/** Two ends that are no further apart may change places in real time: a failed run is tried again after a second. */
const apartMs = 10_000;
const nameOf = (wave: number | null, task: number | null, run: number) => `w${wave}-t${task}.${run}`;

function textOf({ waves }: Case, folder: string): string {
  return planText(
    ...waves.map((tasks, wave) =>
      tasks.map(({ fails, isAfter }, task) => {
        const mark = `w${wave + 1}-t${task + 1}`;
        const sh = [
          `n=1; while [ -e '${folder}/${mark}.'$n.begun ]; do n=$((n + 1)); done`,
          `: > '${folder}/${mark}.'$n.begun`,
          gate(`${folder}/${mark}.$n`),
          `[ "$n" -gt ${fails} ] || exit 1`,
          `echo done > ${mark}.txt`,
        ].join('\n');
        return { sh, fields: isAfter && task > 0 ? `**After:** ${task}` : '' };
      }),
    ),
  );
}

function simulated(given: Case): Promise<Played> {
  const { waves, agents } = given;
  return createPlayer().play({
    ...{ plan: 'p', after: [], policy: policyOf(given), begin: { content: textOf(given, ''), topic: null } },
    limits: { workers: agents, workersPerRepo: 0, coordinators: 2 },
    script({ wave, task }, count) {
      const known = waves[(wave ?? 0) - 1]?.[(task ?? 0) - 1];
      if (known === undefined) throw new Error(`nobody asked for an agent of wave ${wave}, task ${task}`);
      return {
        durationMs: (known.lasts[count - 1] ?? 0) * 1_000,
        outcome: count <= known.fails ? 'failed' : 'done',
      };
    },
  });
}

/** The runs of a simulation by the names that they have in the plan's text, in the order of their ends. */
function runsInOrder({ runs }: Played) {
  const counts = new Map<string, number>();
  const named = runs.map(({ wave, task, startMs, endMs }) => {
    const key = `${wave}/${task}`;
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return { name: nameOf(wave, task, count), startMs, endMs: endMs ?? Number.POSITIVE_INFINITY };
  });
  return named.sort((a, b) => a.endMs - b.endMs);
}

/** What the configuration of the test says. */
function policyOf({ isolation }: Case): Policy {
  const { coder, reviewer } = defaultPolicy.roles;
  const roles = { ...defaultPolicy.roles, coder: { ...coder, attempts }, reviewer: { ...reviewer, on: false } };
  return { ...defaultPolicy, blueprint_skip_threshold: 0, isolation, roles };
}

type Waves = readonly (Omit<Played['waves'][number], 'tasks'> & {
  readonly tasks: readonly Omit<Played['waves'][number]['tasks'][number], 'detail' | 'filesOf' | 'agent'>[];
})[];
const resultsOf = (waves: Waves) =>
  waves.flatMap(({ number, status, tasks }) =>
    tasks.map((task) => `w${number} ${status}, t${task.number} ${task.status} ${task.reason}`),
  );

it('a simulation has the order, the slots and the results of the engine', async () => {
  await fc.assert(
    fc.asyncProperty(drawn, async (given) => {
      const played = await simulated(given);
      const runs = runsInOrder(played);
      fc.pre(runs.every(({ endMs }, index) => endMs - (runs[index - 1]?.endMs ?? 0) > apartMs));
      const on = ground();
      mkdirSync(join(on.repo, '.stator'));
      writeFileSync(join(on.repo, '.stator', 'config.toml'), `isolation = "${given.isolation}"\n`);
      const daemon = `max_agents = ${given.agents}\n${waves}`;
      const engine = await startEngine({ on, daemon, agents: { default: { preset: 'sh', attempts } } });
      const folder = join(engine.root, 'gates');
      mkdirSync(folder);
      await begin(engine, 'p', textOf(given, folder));
      const begun = () =>
        readdirSync(folder)
          .filter((name) => name.endsWith('.begun'))
          .map((name) => name.replace('.begun', ''))
          .sort();
      for (const { name, endMs } of runs) {
        const wanted = runs.filter(({ startMs }) => startMs < endMs).map((run) => run.name);
        await until(async () => begun().length >= wanted.length);
        expect(begun(), `before the end of ${name}`).toEqual(wanted.sort());
        // A run lasts minutes there, so who waits to be tried again waits in line by the end of it.
        await until(async () => (await engine.client.instances({})).every(({ state }) => state !== 'backing_off'));
        openGate(join(folder, name));
      }
      const isOver = played.status === 'done' ? 'done' : 'implementing';
      const shown = await untilPlan(
        engine,
        'p',
        ({ status, phase }) => status === isOver && (isOver === 'done' || phase === 'wave_waiting'),
      );
      expect(begun()).toEqual(runs.map(({ name }) => name).sort());
      expect(resultsOf(shown.tasks_by_wave)).toEqual(resultsOf(played.waves));
      await engine.engine.stop({ agents: 'stop' });
    }),
    { numRuns: runsOf(25, 2), endOnFailure: true },
  );
});
