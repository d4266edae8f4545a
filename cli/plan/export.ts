/** `stator plan export`: the document that the plan has, which a planner may have written, out of the store again. */
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { decodePlan } from '../../machines/document/plan-document.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { PlanShow } from '../../runtime/api/client/client.ts';
import { replaceFile } from '../../runtime/base/platform/atomic-file.ts';
import { textDigest } from '../../runtime/base/platform/text-digest.ts';
import { defineVerb } from '../command.ts';
import { placeOf } from '../file-binding.ts';
import { withPlan } from '../named-plan.ts';
import { plainLines } from '../text.ts';

export default defineVerb({
  summary: "Print a plan's document as it is now, or write it back to the plan's file.",
  args: {
    plan: { type: 'positional', required: false, description: 'its name or its file; inside a run its own' },
    write: { type: 'boolean', description: "into the plan's file, unless that was edited since" },
    force: { type: 'boolean', description: 'with --write: also over an edit' },
  },
  examples: ['stator plan export login', 'stator plan export login --write', 'stator plan export login > copy.md'],
  async run({ plan, write = false, force = false }, call) {
    const { out } = call;
    if (!write) {
      const found = await withPlan(call, 'read', plan, (client, at) => client.plan(at.project, at.plan));
      const { content } = found;
      if (out.json) out.print(JSON.stringify({ project: found.project, plan: found.plan, content, written: null }));
      else out.stdout.write(out.stdout.isTTY === true ? plainLines(content) : content);
      return 0;
    }
    const { shown, path } = await withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      const found = await client.plan(project, name);
      if (found.file === null) throw fileless(found);
      const place = placeOf(call, (await client.repo(project)).path, found.file);
      const isThere = textOf(place) === found.content;
      if (!isThere) {
        if (!force) refuseEdited(found, place);
        replace(place, found.content);
      }
      // Killed before this, the file is the plan's own text, which is no edit either.
      return { shown: await client.takeFile(project, name, { file: found.file, content: found.content }), path: place };
    });
    if (out.json)
      out.print(JSON.stringify({ project: shown.project, plan: shown.plan, content: shown.content, written: path }));
    else out.say(`${shown.file} has the document of ${shown.plan}`);
    return 0;
  },
});

/** null: there is no such file. */
function textOf(path: string): string | null {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return null;
  const decoded = decodePlan(readFileSync(path));
  return 'content' in decoded ? decoded.content : '';
}

/** Whole or not at all, with the permissions that it has. */
function replace(path: string, content: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  try {
    replaceFile(path, content, found === undefined ? {} : { mode: found.mode & 0o7777 });
  } catch (cause) {
    const hint = `look at its folder: ls -ld ${shellWord(dirname(path))}`;
    throw new EngineError('bad_file', `${path} cannot be written`, hint, { cause });
  }
}

function fileless({ plan }: PlanShow): EngineError {
  const name = shellWord(plan);
  const hint = `write it to one: stator plan export ${name} > ${name}.md; stator run ${name}.md is that plan from then on`;
  return new EngineError('refused', `plan ${plan} came without a file`, hint);
}

function refuseEdited({ plan, file, file_digest: digest }: PlanShow, path: string): void {
  const text = textOf(path);
  if (text === null || textDigest(text) === digest) return;
  const [name, shown] = [shellWord(plan), shellWord(path)];
  throw new EngineError(
    'refused',
    `${file} was edited since, and writing the document of ${plan} over it would lose that`,
    `compare: stator plan export ${name} | diff ${shown} -; then overwrite it: stator plan export ${name} --write --force; or keep both: stator plan export ${name} > ${name}-planned.md`,
  );
}
