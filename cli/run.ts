/** `stator run`: runs a plan. */

import { EngineError } from '../machines/vocabulary/errors.ts';
import { durationMs } from '../runtime/base/config/duration.ts';
import { homeFolder } from '../runtime/base/platform/home.ts';
import { attach } from '../runtime/engine/attach.ts';
import { identityIn } from '../runtime/engine/preflight.ts';
import { defineVerb } from './command.ts';
import { isRestarting } from './daemon/restarting.ts';
import { bindingOf } from './file-binding.ts';
import { requireRepository } from './place.ts';
import { forceFileArgs, printName, printReading, readPlanInput } from './plan-file.ts';
import { planOnlyArg } from './planned.ts';
import { conduct } from './run/conduct.ts';
import { sureArgs } from './sure.ts';
import { runTrustArg, trustOf } from './trust/flag.ts';

const waitLimitArg = {
  'wait-limit': {
    type: 'string',
    valueHint: 'dur',
    description: 'longest wait without progress, such as 30m',
  },
} as const;

/** null: waits without a limit. Throws `usage`. */
function waitLimitOf(given: string | undefined): number | null {
  if (given === undefined) return null;
  const ms = durationMs(given);
  if (ms !== null) return ms;
  const message = `--wait-limit ${JSON.stringify(given)} is no duration`;
  throw new EngineError('usage', message, 'write one number and its unit: 45s, 30m, 12h or 2d');
}

export default defineVerb({
  summary: 'Run a plan to its end in the repo of this folder, with live progress.',
  args: {
    file: {
      type: 'positional',
      valueHint: 'plan',
      description: 'its file, or the folder of one; - is standard input',
    },
    trust: runTrustArg,
    branch: { type: 'string', description: 'the branch that it works on; default plan/<name>' },
    topic: { type: 'string', description: 'plans with the same topic are implemented one at a time' },
    name: { type: 'string', valueHint: 'plan', description: "the plan's name; default the file's" },
    yes: {
      ...sureArgs.yes,
      description: 'implement the planned document without asking',
    },
    ...planOnlyArg,
    dry: {
      type: 'boolean',
      description: 'only simulate it, as plan simulate does',
    },
    ...waitLimitArg,
    ...forceFileArgs,
  },
  examples: ['stator run docs/plans/login.md --json | jq .event'],
  more: `A planned document is shown first, unless --yes. Exit code 0: done, or planned;
1: it needs you or your trust, waited too long, or left out tasks; 130: Ctrl-C.`,
  async run(
    {
      file,
      trust: given,
      branch,
      topic,
      name,
      yes = false,
      'plan-only': planOnly = false,
      dry = false,
      force = false,
      as,
      'wait-limit': waitLimit,
    },
    call,
  ) {
    const waitLimitMs = waitLimitOf(waitLimit);
    const read = await readPlanInput(call, file, { name, force, as });
    printName(call, name, read.name);
    printReading(call, read.reading);
    if (dry) {
      const { printSimulation } = await import('./simulation/simulate-file.ts');
      await printSimulation(call, { file, name: read.name, content: read.content });
      return 0;
    }
    const repo = requireRepository(call);
    const request = {
      ...bindingOf(call, repo, read),
      repo,
      trust: given === 'before' ? false : trustOf(given),
      keepsTrust: given === 'before',
      branch,
      topic,
      yes,
      planOnly,
      force,
      waitLimitMs,
    };
    return conduct({
      call,
      request,
      attach: () => attach(homeFolder(call.env), call.env),
      own: () => own(call.env, repo),
      isRestarting: () => isRestarting(homeFolder(call.env)),
    });
  },
});

async function own(env: NodeJS.ProcessEnv, repo: string) {
  const { createEngine } = await import('../runtime/engine/engine.ts');
  // Asks git for the author while the engine opens its store. The preparation of the run asks again and reports any error.
  identityIn(repo).catch(() => {});
  return createEngine({ env, onlyWatched: true });
}
