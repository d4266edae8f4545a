import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { RunRow } from '../../runtime/core/store/rows.ts';
import { reportOf } from '../../runtime/work/agents/reports/read-log.ts';
import { runFolderAt } from '../../runtime/work/agents/run-folder.ts';
import {
  endOf,
  endWithoutWork,
  type ProcessEnd,
  type RunEnd,
  type RunFacts,
} from '../../runtime/work/effects/run-outcome.ts';
import { usageOf } from '../../runtime/work/effects/run-report.ts';
import { createFolder } from '../support/agent.ts';

const unremarkable: RunFacts = {
  code: 0,
  wasStopped: false,
  detail: 'all well',
  tookTooMuch: false,
  metLimits: false,
  limitedUntil: null,
  remedy: null,
  withheld: null,
  lost: null,
};

const everything = {
  tookTooMuch: true,
  limitedUntil: 7,
  remedy: 'log in',
  withheld: 'its commits add a secret',
  metLimits: true,
  lost: 'its signals were in the replaced store',
};
const { tookTooMuch: _, ...limited } = everything;
const { limitedUntil: __, ...refused } = limited;
const { remedy: ___, ...kept } = refused;
const { withheld: ____, ...full } = kept;

const ends: readonly [string, Partial<RunFacts>, RunEnd][] = [
  ['exits with 0', {}, { cause: 'exit', detail: 'all well' }],
  ['exits with an error', { code: 3 }, { cause: 'exit', detail: 'all well' }],
  ['is stopped', { code: null, wasStopped: true }, { cause: 'stopped', detail: 'all well' }],
  ['leaves no exit code', { code: null }, { cause: 'lost', detail: 'all well' }],
  ['took too much, whatever else is wrong', everything, { cause: 'resource-limit', detail: 'all well' }],
  ['is limited', { ...limited, code: 1 }, { cause: 'rate-limited', detail: 'all well', until: 7 }],
  ['is refused by its service', { ...refused, code: 1 }, { cause: 'unusable', detail: 'log in\nall well' }],
  ['adds a secret', kept, { cause: 'unusable', detail: 'its commits add a secret\nall well' }],
  ['adds a secret and fails by itself', { withheld: kept.withheld, code: 1 }, { cause: 'exit', detail: 'all well' }],
  ['is killed at its memory limit', { ...full, code: 137 }, { cause: 'resource-limit', detail: 'all well' }],
  ['succeeds before a restore', { lost: full.lost }, { cause: 'unusable', detail: full.lost }],
  ['fails before a restore', { lost: full.lost, code: 1 }, { cause: 'exit', detail: 'all well' }],
  ['is stopped before a restore', { lost: full.lost, wasStopped: true }, { cause: 'stopped', detail: 'all well' }],
  ['has a remedy and no words', { remedy: 'log in', detail: '' }, { cause: 'unusable', detail: 'log in' }],
];

it.each(ends)('a run that %s', (_, facts, end) => {
  expect(endOf({ ...unremarkable, ...facts })).toEqual(end);
});

const noProcess = new EngineError('system_limit', 'none', 'end some');
const worked: ProcessEnd = { code: 1, unbuilt: null, wasAway: false, limits: { kind: 'none' } };

it.each<[string, Partial<ProcessEnd>, ReturnType<typeof endWithoutWork>]>([
  ['had walls, limits and a worktree', {}, null],
  ['met its limits', { limits: { kind: 'met', text: 'memory limit' } }, null],
  ['had no walls', { unbuilt: 'no walls' }, { code: null, cause: 'start-failed', detail: 'no walls' }],
  ['had no process for its walls', { unbuilt: noProcess }, { code: null, cause: 'stopped', detail: 'none\nend some' }],
  [
    'had no process for its walls by its own limit',
    { unbuilt: noProcess, limits: { kind: 'maybe', text: 'process limit 2' } },
    { code: null, cause: 'start-failed', detail: 'none\nend some' },
  ],
  [
    'lost its worktree and failed',
    { wasAway: true },
    { code: 1, cause: 'stopped', detail: 'its worktree was away while it ran' },
  ],
  ['lost its worktree and succeeded', { wasAway: true, code: 0 }, null],
  [
    'had no limits',
    { limits: { kind: 'unmade', text: 'x'.repeat(9_000) } },
    { code: null, cause: 'start-failed', detail: 'x'.repeat(8_192) },
  ],
])('the end of a run that %s', (_, facts, end) => {
  expect(endWithoutWork({ ...worked, ...facts })).toEqual(end);
});

it.each([
  ['whole', [100, 5, null]],
  ['cut', [900, 5, 2]],
] as const)(
  'the usage in a %s log is what it has, and no less than was read of it before it was cut',
  async (log, usage) => {
    const folder = runFolderAt(createFolder(), 'run');
    mkdirSync(folder.path);
    if (log === 'cut') writeFileSync(folder.olderLog, '');
    writeFileSync(folder.log, '{"type":"step_finish","part":{"tokens":{"input":100,"output":5}}}\n');
    const row = {
      project: 'demo',
      key: 'k',
      conversation: null,
      input_tokens: 900,
      output_tokens: 4,
      cost_usd: 2,
    } as RunRow; // all that is read
    const store = { conversationTokens: () => Promise.resolve({ input: 0, output: 0 }) };
    const found = await usageOf(store, row, { report: await reportOf('opencode', folder), folder });
    expect([found.inputTokens, found.outputTokens, found.costUsd]).toEqual(usage);
  },
);
