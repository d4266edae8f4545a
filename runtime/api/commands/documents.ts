/** The documents of plans as people send them: read in any known family, and kept in stator's own form. */
import { decodePlan } from '../../../machines/document/plan-document.ts';
import { familyNames, type PlanReading, readPlan } from '../../../machines/document/read-plan.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import type { DocumentCheck, PlanShow } from '../contract/plans.ts';
import type { SignalAnswer } from '../contract/signals.ts';
import type { FileRequest, PlanCommand } from './plans.ts';
import { type SendCommand, verdictWaitMs } from './signal-sender.ts';

interface Families {
  /** The family that the text is read as; missing: recognized from the text. `stator`: the client has read it. */
  readonly as?: string;
  /** The family that the plan's file is read as from now on. */
  readonly file_as?: string;
}

/** A plan's document as a person or an agent sent it. */
export interface SentDocument extends Families {
  readonly project: string;
  readonly plan: string;
  readonly content: string;
  readonly file?: string;
}

interface DocumentParts {
  registerPlan(command: PlanCommand): Promise<PlanShow>;
  bindFile(request: FileRequest): Promise<PlanShow>;
  mustBeFileOf(of: Pick<FileRequest, 'project' | 'plan' | 'file'>): Promise<{ readonly fileAs: string | null }>;
  send(command: SendCommand): Promise<SignalAnswer>;
}

export function createDocumentCommands({ registerPlan, bindFile, mustBeFileOf, send }: DocumentParts) {
  return {
    /** Throws `bad_plan` for a text that is not UTF-8 or is too long. */
    checkDocument: ({ content, as }: Pick<SentDocument, 'content' | 'as'>): DocumentCheck =>
      checkOf(readingOf(content, { as })),
    /** Throws as `registerPlan`, and `bad_plan`. */
    registerDocument({
      branch = null,
      topic = null,
      adopt = false,
      ...sent
    }: SentDocument & {
      readonly branch?: string | null;
      readonly topic?: string | null;
      readonly adopt?: boolean;
    }): Promise<PlanShow> {
      const { project, plan, file = null, as, file_as } = sent;
      const { content } = readingOf(sent.content, { file: file ?? '', as: as ?? file_as });
      return registerPlan({ project, plan, content, branch, topic, file, fileAs: fileFamily(sent), adopts: adopt });
    },
    /** Throws as `send`, `bad_plan`, and `conflict` if the plan has another file. */
    async updateDocument(
      sent: SentDocument,
      sender: { readonly origin: Origin; readonly run: string | null },
    ): Promise<SignalAnswer> {
      const { project, plan, file } = sent;
      const known = file === undefined ? null : (await mustBeFileOf({ project, plan, file })).fileAs;
      const { content } = readingOf(sent.content, { file, as: sent.as ?? sent.file_as ?? known ?? undefined });
      const fileAs = file === undefined ? null : fileFamily(sent);
      const payload = {
        content,
        ...(file === undefined ? {} : { file }),
        ...(fileAs === null ? {} : { file_as: fileAs }),
      };
      const word = { project, plan, type: 'plan_updated', payload, dedupeKey: null, waitMs: verdictWaitMs } as const;
      return send({ ...word, ...sender });
    },
    /** Throws `bad_plan`, `plan_not_found`, and `conflict` if the plan has another file. */
    async takeFile(sent: SentDocument & { readonly file: string }): Promise<PlanShow> {
      const { project, plan, file } = sent;
      const known = (await mustBeFileOf({ project, plan, file })).fileAs ?? undefined;
      const { content } = readingOf(sent.content, { file, as: sent.as ?? sent.file_as ?? known });
      return bindFile({ project, plan, file, content, fileAs: fileFamily(sent) });
    },
  };
}

/** The family that a plan's file is read as from now on: `file_as`, otherwise that of this text; null: as before. */
function fileFamily({ as, file_as }: Families): string | null {
  return file_as ?? (as === 'stator' ? null : (as ?? null));
}

/** Throws `bad_plan`. */
function readingOf(
  content: string,
  { file = '', as }: { readonly file?: string | undefined; readonly as?: string | undefined },
): PlanReading {
  const decoded = decodePlan(new TextEncoder().encode(content));
  if ('problem' in decoded)
    throw new EngineError(
      'bad_plan',
      decoded.problem.message,
      'see what a document may be with: stator plan check <file>',
    );
  return readPlan(
    { text: decoded.content, path: file, beside: [] },
    familyNames.find((name) => name === as),
  );
}

function checkOf({ ok, document, problems, lineOf }: PlanReading): DocumentCheck {
  const { goal, topic, issues, after } = document;
  const waves = document.waves.map(({ number, line, tasks }) => ({
    number,
    line: lineOf(line),
    tasks: tasks.map((task) => ({
      number: task.number,
      title: task.title,
      line: lineOf(task.line),
      after: task.after,
    })),
  }));
  return { ok, goal, topic, issues, after, waves, problems };
}
