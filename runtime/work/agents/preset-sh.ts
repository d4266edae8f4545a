/**
 * The preset `sh`: the fenced `sh` blocks of a task's body, in order, in one shell with `set -e`. Nothing else of the document is ever run: titles become
 * comments, and the body's other text is not in the script.
 */

import { shellBlocks } from '../../../machines/document/plan-document.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { isWorker } from '../../../machines/vocabulary/ids.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { programFile } from './preset-command.ts';
import { type BriefTask, type CommandLine, type CommandPlaces, type RunBrief, taskName, tasksOf } from './run-brief.ts';

interface Block {
  readonly of: BriefTask;
  readonly text: string;
}

/** The most names in a message. */
const shownTasks = 5;

/**
 * Sources the script instead of running it: only so can the end of the whole script be detected. An unclosed here-document swallows all that follows, and the
 * shell would report success. `exit` in a block still ends everything.
 */
function sourcing(blocks: number): string {
  return [
    'unset stator_status',
    '. "$0"',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell parameter
    'if [ -n "${stator_status-}" ]; then exit "$stator_status"; fi',
    `echo "stator: block $stator_block of ${blocks} did not come to its end: a here-document is not closed, or it returns" >&2`,
    'exit 1',
  ].join('\n');
}

/**
 * Runs with `program` if one is configured (a shell such as `bash`), otherwise `/bin/sh`, with the configured flags first. Standard input is empty. Throws
 * `agent_unusable`: a role without a task, a task without a block.
 */
export function shellCommand(brief: RunBrief, places: CommandPlaces): CommandLine {
  const { profile } = brief;
  const blocks = blocksOf(brief);
  const program = profile.program?.trim() || '/bin/sh';
  const shell = programFile(program, places) ?? program;
  return {
    argv: [shell, ...profile.flags, '-c', sourcing(blocks.length), places.script],
    stdin: 'none',
    script: scriptOf(brief, blocks),
  };
}

function blocksOf(brief: RunBrief): Block[] {
  const { role } = brief.profile;
  if (!isWorker(role) || role === 'fixer') {
    throw new EngineError(
      'agent_unusable',
      `preset "sh" runs the blocks of a task, and a ${role} has none`,
      `give it another agent, [agents.${role}] preset = "command" with a program, or turn the role off`,
    );
  }
  const tasks = tasksOf(brief);
  const blocks = tasks.map((of) => shellBlocks(of.task.body).map((text) => ({ of, text })));
  const bare = tasks.filter((_, index) => blocks[index]?.length === 0);
  if (bare.length === 0 && tasks.length > 0) return blocks.flat();
  throw new EngineError(
    'agent_unusable',
    bare.length === 0
      ? `plan "${brief.plan}" has no task to run`
      : `${shortList(bare.map(taskName), shownTasks)}: no fenced sh block, and preset "sh" runs nothing else`,
    `put the commands into the task between \`\`\`sh and \`\`\`, or give the ${role} another agent: [agents.${role}] preset = "command" with a program`,
  );
}

function scriptOf(brief: RunBrief, blocks: readonly Block[]): string {
  const { run, project, plan } = brief;
  const [first] = blocks;
  const whose =
    run.wave === null || run.task === null || first === undefined
      ? `plan ${plan}, all its tasks`
      : `plan ${plan}, wave ${run.wave}, task ${run.task}: ${first.of.task.title}`;
  const parts = blocks.flatMap(({ of, text }, index) => {
    const { wave, task } = of;
    return [
      '',
      comment(`block ${index + 1} of ${blocks.length}: wave ${wave}, task ${task.number}: ${task.title}`),
      `stator_block=${index + 1}`,
      text,
    ];
  });
  return [comment(`${project}, ${whose}`), 'set -e', ...parts, '', 'stator_status=$?', ''].join('\n');
}

/** A title may contain any text but must stay on its line. */
function comment(text: string): string {
  return `# ${text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`;
}
