/** `stator plan simulate`: tries a document with the machines and limits of the real engine, and with scripts as agents. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import { defineVerb } from '../command.ts';
import { forceFileArgs, printReading, readPlanInput } from '../plan-file.ts';
import { printSimulation, printTogether, simulationArgs } from '../simulation/simulate-file.ts';
import { simulationSvg } from '../simulation/svg.ts';

export default defineVerb({
  summary: 'Try a plan out without starting it: its order, time, cost and questions.',
  args: {
    file: { type: 'positional', valueHint: 'plan.md', description: 'its file, or the folder of one' },
    ...simulationArgs,
    with: { type: 'string', valueHint: 'file,…', description: 'these plans too; says when each lands' },
    svg: { type: 'string', valueHint: 'file', description: 'also write the timeline as a picture' },
    ...forceFileArgs,
  },
  examples: ['stator plan simulate login.md --fail w1-t2:1 --with search.md'],
  more: `It needs no daemon and no registered repo. Durations are those of this repo's
past; else 10m for a coder or fixer, 5m for others. --durations is TOML:
coder = "10m", w1-t2 = "5m..20m". A judge that fails asks for changes.`,
  async run({ file, svg, with: others, force = false, as, ...given }, call) {
    const { name, content, reading } = await readPlanInput(call, file, { force, as });
    printReading(call, reading);
    if (others !== undefined) {
      if (svg !== undefined) throw new EngineError('usage', '--svg draws one plan', 'leave out --svg, or --with');
      const plans = [{ file, name, content }];
      for (const other of others.split(',').map((each) => each.trim())) {
        const read = await readPlanInput(call, other, { force, as });
        printReading(call, read.reading);
        plans.push({ file: other, name: read.name, content: read.content });
      }
      await printTogether(call, { plans, given });
      return;
    }
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
