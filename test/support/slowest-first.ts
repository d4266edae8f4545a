/** The order of the test files: those that wait for real processes come first, so that none of them runs alone at the end. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Rooms by how long a file of theirs takes, the slowest first; the others follow in any order. */
const slow = [
  ...['page', 'simulation', 'crash', 'lives', 'effects', 'signal-files', 'docs', 'engine', 'cli', 'mcp', 'control'],
  ...['walls', 'gc', 'outbox', 'git', 'store', 'agents', 'machines', 'commands', 'repos', 'queries'],
];

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = slow.findIndex((room) => moduleId.includes(`/test/${room}/`));
      return at < 0 ? slow.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
