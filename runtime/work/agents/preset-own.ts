/**
 * Agents of the program that embeds the engine. `custom`: a function chooses the program. `function`: the agent is a function, and a waiting shell represents
 * it as a process. So it is claimed, prepared, limited in time, stopped and adopted like every run. The shell ends with the code that arrives through a pipe
 * of the run's folder, whichever engine has called the function.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { firstIssueText } from '../../../machines/vocabulary/schema-issue.ts';
import type { AgentWork, OwnAgents } from '../../base/config/config.ts';
import { programCommand } from './preset-command.ts';
import { shellCommand } from './preset-sh.ts';
import { programOf } from './presets/programs.ts';
import type { CommandLine, CommandPlaces, RunBrief } from './run-brief.ts';
import { type RunFolder, writeRunFile } from './run-folder.ts';

/** Ends with the code from the pipe; without a code, for example on a full disk, with 1. */
const waitingShell = '[ -p "$1" ] || mkfifo -m 600 "$1" || exit 1; read -r code <"$1"; exit "$' + '{code:-1}"';

const keptWork = z.object({ agent: z.string(), work: z.custom<AgentWork>((given) => typeof given === 'object') });

const command = z.strictObject({
  argv: z.tuple([z.string().min(1)], z.string()),
  stdin: z.enum(['prompt', 'none']).optional(),
  env: z.record(z.string(), z.string()).optional(),
});

const answered = z.object({ code: z.int(), text: z.string() });
/** The end of a call of the function. */
export type FunctionAnswer = z.infer<typeof answered>;

function workOf({ run, project, plan }: RunBrief, { worktree, prompt, env }: CommandPlaces): AgentWork {
  const { role, wave, task, attempt } = run;
  return { role, project, plan, wave, task, attempt, worktree, promptFile: prompt, env };
}

/** The command of a run's agent, for built-in presets and those of the program. Throws as `commandLine`, and `agent_unusable` if `start` returns no program. */
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

/** The function's input is stored in the run's folder, without its token, for the engine that calls it. */
function functionCommand(brief: RunBrief, places: CommandPlaces, folder: RunFolder): CommandLine {
  const { STATOR_TOKEN: _, ...env } = places.env;
  const work = { ...workOf(brief, places), env };
  writeRunFile(workFile(folder), JSON.stringify({ agent: brief.profile.program, work }));
  return { argv: ['/bin/sh', '-c', waitingShell, 'sh', answerPipe(folder)], stdin: 'none', script: null };
}

/** The input for this run's function, and its name; null: the agent is no function. */
export function readFunctionWork(folder: RunFolder): z.infer<typeof keptWork> | null {
  return existsSync(workFile(folder)) ? keptWork.parse(JSON.parse(readFileSync(workFile(folder), 'utf8'))) : null;
}

/** null: it has not ended, or the agent is no function. */
export function readFunctionAnswer(folder: RunFolder): FunctionAnswer | null {
  return existsSync(answerFile(folder)) ? answered.parse(JSON.parse(readFileSync(answerFile(folder), 'utf8'))) : null;
}

/** After this the function is not called again for this run. */
export function writeFunctionAnswer(folder: RunFolder, answer: FunctionAnswer): void {
  writeRunFile(answerFile(folder), JSON.stringify(answer));
}

/** Exists as soon as the shell waits. */
export function answerPipe({ path }: RunFolder): string {
  return join(path, 'answer-pipe');
}

function workFile({ path }: RunFolder): string {
  return join(path, 'function.json');
}

function answerFile({ path }: RunFolder): string {
  return join(path, 'function-answer.json');
}

/**
 * The command of a run's agent. The launch checks that the program exists. Throws `agent_unusable`: a task without an `sh` block, a `command` without a
 * program, a role that its preset does not support.
 */
export function commandLine(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { preset } = brief.profile;
  if (preset === 'function' || preset === 'custom') throw new Error(`the preset "${preset}" is one of preset-own.ts`);
  if (preset === 'sh') return shellCommand(brief, places);
  if (preset === 'command') return programCommand(brief, places);
  return programOf(preset).start(brief, places);
}
