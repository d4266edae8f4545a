/** Briefs for tests: a run of a plan in markdown, with the changes that a test needs. */
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { parsePlan } from '../../machines/document/plan-document.ts';
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { AgentProfile } from '../../runtime/base/config/config.ts';
import { composePrompt } from '../../runtime/work/agents/prompt.ts';
import type { RunBrief } from '../../runtime/work/agents/run-brief.ts';
import { removeFolder } from './remove-folder.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) removeFolder(folder);
});

export function createFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'stator-agent-')));
  folders.push(folder);
  return folder;
}

export function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}

export interface Differences {
  readonly run?: Partial<AgentRun>;
  readonly profile?: Partial<AgentProfile>;
  readonly project?: string;
  readonly previousDiff?: string;
  readonly conversation?: RunBrief['conversation'];
  readonly words?: Partial<RunBrief['words']>;
}

export function promptOf(...parts: Parameters<typeof composePrompt>): string {
  return composePrompt(...parts).text;
}

/** A coder's first run of wave 1, task 1, under preset `sh`. */
export function briefOf(
  content: string,
  { run, profile, project = 'shop', previousDiff, conversation, words }: Differences = {},
): RunBrief {
  const role = run?.role ?? 'coder';
  return {
    project,
    plan: 'search',
    content,
    document: parsePlan(content).document,
    previousDiff: previousDiff ?? null,
    conversation: conversation ?? null,
    words: { messages: [], question: null, answer: null, numbers: [], ...words },
    newConversation: '00000000-0000-4000-8000-000000000000',
    run: {
      kind: 'agent.run',
      id: 'wave-1.1/task-1/agent#1',
      title: 'search-w1-t1',
      role,
      attempt: 1,
      wave: 1,
      task: 1,
      place: { branch: 'plan/search-w1-t1', from: 'plan/search' },
      idleMs: null,
      feedback: null,
      previous: null,
      start: 'begin',
      ...run,
    },
    profile: {
      role,
      name: null,
      account: null,
      fallbacks: [],
      steps: [],
      choices: [],
      small: null,
      reserve: null,
      enabled: true,
      preset: 'sh',
      program: null,
      flags: [],
      model: null,
      acp: false,
      mode: null,
      mcp: {},
      timeoutMs: 3_600_000,
      idleTimeoutMs: null,
      maxCostUsd: null,
      attempts: 3,
      envFile: null,
      sandbox: 'auto',
      network: 'full',
      hosts: [],
      nice: 0,
      memoryBytes: null,
      processes: null,
      terminal: false,
      permissions: 'skip',
      permissionTimeoutMs: 3_600_000,
      writable: [],
      readable: [],
      trustedFiles: [],
      env: [],
      ...profile,
    },
  };
}

/** The error that `act` throws, as people see it. */
export function failureOf(act: () => unknown): { code: string; message: string; hint: string } {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof EngineError) return { code: thrown.code, message: thrown.message, hint: thrown.hint };
    throw thrown;
  }
  throw new Error('it did not fail');
}
