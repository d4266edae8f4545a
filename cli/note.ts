/** `stator note add`: for a person, and for an agent in its run. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import { noteCharacters, noteProblem } from '../machines/vocabulary/note.ts';
import { defineVerb } from './command.ts';
import { isInRun, requireProject, saidPlan } from './place.ts';
import { withClient } from './session.ts';
import { readStdin } from './sure.ts';
import { fileProblems, keptLines } from './views/note.ts';

const textForm = `one line of at most ${noteCharacters} characters`;

const add = defineVerb({
  summary: 'Note something that later agents of this repo must know and no file says.',
  args: {
    text: { type: 'positional', description: `${textForm}; - reads it from standard input` },
  },
  examples: ['stator note add "the tests need a redis on port 6379"'],
  more: 'In a run, an agent proposes it, and a person takes or refuses it, or take = "rule" of [notes] takes it.',
  async run({ text: typed }, call) {
    const text = typed === '-' ? (await readStdin(call, 'the note')).trimEnd() : typed;
    const problem = noteProblem(text);
    if (problem !== null) throw new EngineError('usage', `this is no note: ${problem}`, `write ${textForm}`);
    const project = requireProject(call);
    const answer = await withClient(call, 'write', (client) =>
      isInRun(call)
        ? client.proposeNote({ project, plan: saidPlan(call, undefined), text })
        : client.addNote({ project, text }),
    );
    call.out.done(answer, ...keptLines(answer));
    for (const problem of fileProblems(answer)) call.out.note(problem);
    return answer.state === 'refused' ? 1 : 0;
  },
});

export default { add };
