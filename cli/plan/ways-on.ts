/** The commands that are possible for a document that is not a plan. */
import { shellWord } from '../../machines/vocabulary/shell-word.ts';

/** One sentence with a command for each possibility. `beside`: the plan in the same folder that the document belongs to. */
export function waysOn(file: string, plan: string, beside: string | null): string[] {
  const [path, name] = [shellWord(file), shellWord(plan)];
  return [
    ...(beside === null ? [] : [`look at the plan that it belongs to: stator plan check ${shellWord(beside)}`]),
    `let a planner make waves of it ([agents.planner] in .stator/config.toml): stator run ${path}`,
    `have one coder do all of it: stator plan register ${path}, then: stator plan start ${name} --solo`,
    'or say what its tasks are: ### Task 1: <title> above each, one after another; ## Wave 1 above those that may run side by side',
  ];
}
