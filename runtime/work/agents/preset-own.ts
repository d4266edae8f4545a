/**
 * Agents of the program that embeds the engine. `custom`: its function says which program is started. `function`: the agent is a function, and a shell that waits
 * stands for it: so it is claimed, prepared, limited in time, stopped and adopted as every run is. The shell ends with the code that comes through a pipe of the
 * run's folder, whichever engine has called the function by then.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../machines/vocabulary/schema-issue.ts';
import type { AgentWork, OwnAgents } from '../../base/config/config.ts';
import type { CommandLine, CommandPlaces } from './command-line.ts';
import { commandLine } from './preset.ts';
import type { RunBrief } from './run-brief.ts';
import { type RunFolder, writeRunFile } from './run-folder.ts';

/** Ends with what comes through the pipe; without a word, as where the disk is full, with 1. */
const waitingShell = '[ -p "$1" ] || mkfifo -m 600 "$1" || exit 1; read -r code <"$1"; exit "$' + '{code:-1}"';

const keptWork = z.object({ agent: z.string(), work: z.custom<AgentWork>((given) => typeof given === 'object') });

const command = z.strictObject({
  argv: z.tuple([z.string().min(1)], z.string()),
  stdin: z.enum(['prompt', 'none']).optional(),
  env: z.record(z.string(), z.string()).optional(),
});

const answered = z.object({ code: z.int(), text: z.string() });
/** How a call of the function has ended. */
export type FunctionAnswer = z.infer<typeof answered>;

function workOf({ run, project, plan }: RunBrief, { worktree, prompt, env }: CommandPlaces): AgentWork {
  const { role, wave, task, attempt } = run;
  return { role, project, plan, wave, task, attempt, worktree, promptFile: prompt, env };
}

/** How the agent of a run is started, whoever brought its preset. Throws as `commandLine`, and `agent_unusable` for an answer of `start` that names no program. */
export async function anyCommandLine(
  brief: RunBrief,
  places: CommandPlaces,
  { own, folder }: { readonly own: OwnAgents; readonly folder: RunFolder },
): Promise<CommandLine> {
  const { preset } = brief.profile;
  if (preset === 'function') return functionCommand(brief, places, folder);
  return preset === 'custom' ? customCommand(own, brief, places) : commandLine(brief, places);
}

async function customCommand(own: OwnAgents, brief: RunBrief, places: CommandPlaces): Promise<CommandLine> {
  const { profile } = brief;
  const { model, flags, role } = profile;
  const start = own[profile.program ?? '']?.start;
  if (start === undefined) throw new Error(`no preset ${profile.program} was given for the ${role}`);
  const parsed = command.safeParse(await start({ ...workOf(brief, places), model, flags }));
  if (!parsed.success)
    throw new EngineError(
      'agent_unusable',
      `agents.${profile.program}.start of this engine answered no command: ${firstIssueText(parsed.error)}`,
      'answer { argv: ["program", "argument"] }, and where needed stdin ("prompt" or "none") and env',
    );
  const { argv, stdin = 'prompt', env = {} } = parsed.data;
  return { argv, stdin, env, script: null };
}

/** What the function is given is kept in the run's folder, for the engine that calls it; its token is not. */
function functionCommand(brief: RunBrief, places: CommandPlaces, folder: RunFolder): CommandLine {
  const { STATOR_TOKEN: _, ...env } = places.env;
  const work = { ...workOf(brief, places), env };
  writeRunFile(workFile(folder), JSON.stringify({ agent: brief.profile.program, work }));
  return { argv: ['/bin/sh', '-c', waitingShell, 'sh', answerPipe(folder)], stdin: 'none', script: null };
}

/** What the agent of this run is to be called with, and its name; null: it is no function. */
export function readFunctionWork(folder: RunFolder): z.infer<typeof keptWork> | null {
  return existsSync(workFile(folder)) ? keptWork.parse(JSON.parse(readFileSync(workFile(folder), 'utf8'))) : null;
}

/** null: it has not ended, or its run is none of a function. */
export function readFunctionAnswer(folder: RunFolder): FunctionAnswer | null {
  return existsSync(answerFile(folder)) ? answered.parse(JSON.parse(readFileSync(answerFile(folder), 'utf8'))) : null;
}

/** From here on it is not called again for this run. */
export function writeFunctionAnswer(folder: RunFolder, answer: FunctionAnswer): void {
  writeRunFile(answerFile(folder), JSON.stringify(answer));
}

/** There as soon as the shell waits. */
export function answerPipe({ path }: RunFolder): string {
  return join(path, 'answer-pipe');
}

function workFile({ path }: RunFolder): string {
  return join(path, 'function.json');
}

function answerFile({ path }: RunFolder): string {
  return join(path, 'function-answer.json');
}
