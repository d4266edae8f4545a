/** `stator plan simulate`: tries a document out, with the machines and limits of the real engine and agents that are scripts. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { defineVerb } from '../command.ts';
import { forceFileArgs, readPlanFile } from '../plan-file.ts';
import { printSimulation, simulationArgs } from '../simulation/simulate-file.ts';
import { simulationSvg } from '../simulation/svg.ts';

export default defineVerb({
  summary: 'Try a plan out: its order, its time, its cost, and where it would ask you. Nothing is started.',
  args: {
    file: { type: 'positional', valueHint: 'plan.md', description: 'a markdown file with waves' },
    ...simulationArgs,
    svg: { type: 'string', valueHint: 'file', description: 'also write the timeline as a picture' },
    ...forceFileArgs,
  },
  examples: [
    'stator plan simulate docs/plans/login.md --agents 6',
    'stator plan simulate login.md --fail w1-t2:1,reviewer:1',
    'stator plan simulate login.md --durations times.toml --runs 200 --json',
  ],
  more: `The machines, limits and order are those of the engine, over a store in memory and
a clock that jumps. It works without a daemon and without a registered repo.
Agents take as long as the median of this repo's earlier runs, or as
--durations says; else 10m for a coder or a fixer and 5m for the others.
A file for --durations is TOML, by task or role: coder = "10m", w1-t2 = "5m..20m".
A task of --fail fails that many times, without a number always; a reviewer and a
verifier ask for changes that many times.`,
  async run({ file, svg, force = false, ...given }, call) {
    const { name, content } = readPlanFile(call.cwd, file, { force });
    const simulation = await printSimulation(call, { file, name, content, given });
    if (svg !== undefined) write(resolve(call.cwd, svg), simulationSvg(simulation));
  },
});

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (thrown) {
    throw new EngineError(
      'bad_file',
      `${path} cannot be written: ${messageOf(thrown)}`,
      'name a file in a folder that you may write',
      {
        cause: thrown,
      },
    );
  }
}
