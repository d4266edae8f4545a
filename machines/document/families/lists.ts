/**
 * Lists of work in any other document (PLAN.md, PRD.md, an issue), where they are unmistakable: check boxes below headings that speak of work, numbered steps
 * below such a heading, headings with a box, or numbered phases. They run one after the other. Boxes below headings such as `Acceptance criteria` are no tasks.
 */
import { withoutLeadingMarks, withoutMarksBehindNumber, withoutTrailingMark } from '../done-marks.ts';
import { type PlanProblem, quoted } from '../shape.ts';
import { itemsThat, labelledIds, type PlacedItem, taskSpans } from './checklist.ts';
import type { Family, PlanDraft } from './family.ts';
import { type OutlineHeading, type OutlineItem, readBox } from './markdown-outline.ts';
import { layOut, type TaskSpan } from './sections.ts';
import { headingBox, type Mark, type Sheet } from './sheet.ts';
import { titleOf } from './task-text.ts';

export const lists = {
  name: 'lists',
  title: 'lists of work',
  waves: ['section', 'sections'],
  companions: [],
  recognises: (sheet) => spansOf(sheet).length > 1,
  read(sheet): PlanDraft {
    const spans = spansOf(sheet);
    const own = headingsOf(sheet).find(({ line }) => line === spans[0]?.line);
    const draft = layOut(sheet, spans, own === undefined ? {} : { deepest: own.level - 1 });
    const advice = 'a heading that names work, such as `## Tasks` or `## Phase 2`, makes tasks of what is below it';
    const contents = contentsOf(workBoxes(sheet)).map(({ item }) => item);
    const all = [...spans, ...contents].toSorted((a, b) => a.line - b.line);
    return { ...draft, remarks: [...contentsRemark(sheet, contents), ...leftOut(sheet, all, advice)] };
  },
} as const satisfies Family;

const work =
  /\b(?:tasks?|sub-?tasks|to[- ]?dos?|steps?|work|implementation|implement|plan|phases?|milestones?|stages?|sprints?|iterations?|roadmap|backlog|action items|deliverables|week \d+|day \d+)\b|任[务務]|計画|计划|計畫|阶段|階段|步[骤驟]|手順|タスク|작업|단계|계획|задач|этап|\bплан|шаг|tareas|tarefas|fase|etapa|aufgaben|schritte|tâches|étape|مهام|خطوات|مراحل|مرحلة/iu;
/** Lists under such headings are conditions of the work, not the work, also in a section `3.1` of it. */
const askedOfAll =
  /accept|acept|aceit|akzept|abnahme|[ck]rit[eéè]r|definition of|\bdod\b|success|готов|критери|при[её]мк|[验驗]收|(?:完成|成功|[质質]量|通[过過])(?:标准|標準|条件|定义)|受け?入れ?|(?:完了|成功|達成|合格|検収)の?(?:条件|基準|定義)|(?:수용|완료|인수|성공)\s?(?:기준|조건)|معايير/iu;
/** Likewise, unless they are in such a section. */
const asked =
  /v[eé]rif|validat|validier|prüf|requisit|requirement|prérequis|voraussetzung|anforderung|test plan|testing|review|scope|non-goal|risk|risik|risqu|riesgo|risco|question|offene (?:fragen|punkte)|\bnot(?:es?|as|izen)\b|hinweis|reference|assumption|annahme|metric|sign-?off|approval|rollback|quality|gate|history|log\b|future|optional|nice to have|\bideas?\b|icebox|someday|wish ?list|parking lot|тестиров|провер|риск|вопрос|[验驗][证證]|[测測][试試]|[风風][险險]|検証|確認|テスト|リスク|未決|검증|확인|테스트|위험|اختبار|تحقق|مخاطر|أسئلة/iu;
/** Likewise, unless phases are below them. */
const askedOnItsOwn = /checklist|checks?\b|summary|(?<!\bin[- ])progress|status/iu;
const phase =
  /^\W{0,4}(?:phase|step|stage|milestone|sprint|iteration|part|week|day|task|epic|fase|etapa|étape|schritt|этап|шаг|阶段|階段|第|단계|مرحلة)\W{0,3}[\dA-Z]/iu;
const numbered = /^\W{0,4}\d{1,3}(?:\.\d{1,3})*[.):]?\s/u;

/** Headings that may also be about work. */
const unclear =
  /\btest|review|quality|future|optional|nice to have|\bideas?\b|icebox|someday|wish ?list|parking lot|тестиров|[测測][试試]|テスト|테스트|اختبار/iu;
const dotted = /^\W{0,4}\d{1,3}(?:\.\d{1,3})+[.):]?\s/u;

function isAsked({ text }: Pick<OutlineHeading, 'text'>): boolean {
  return (askedOfAll.test(text) || (!dotted.test(text) && asked.test(text))) && !phase.test(text);
}

/** A box below `Acceptance criteria`, `Definition of done` and the like. `isWide`: also below `Testing`, `Open questions` and all others that ask. */
export function isCondition({ path }: PlacedItem, isWide: boolean): boolean {
  return path.some((heading) => heading.level > 1 && isAsked(heading) && (isWide || askedOfAll.test(heading.text)));
}

/** Open boxes outside of the tasks that may be meant as tasks. Those below headings that surely list something else are not. `advice`: how they become tasks. */
export function leftOut(sheet: Sheet, spans: readonly Pick<TaskSpan, 'line' | 'end'>[], advice: string): PlanProblem[] {
  const counts = new Map<OutlineHeading | null, { line: number; count: number }>();
  let next = 0;
  for (const { item, path, lead } of itemsThat(sheet, ({ box }) => box?.isChecked === false)) {
    while ((spans[next]?.end ?? Infinity) <= item.line) next += 1;
    const isInTask = (spans[next]?.line ?? Infinity) <= item.line;
    const heads = path.filter(({ level }) => level > 1);
    const asked = heads.find(isAsked);
    const isOther =
      asked === undefined ? heads.some(isOnItsOwn) : askedOfAll.test(asked.text) || !unclear.test(asked.text);
    if (isInTask || isOther || (lead !== null && asked === undefined && isAsked({ text: lead }))) continue;
    const heading = asked ?? path.at(-1) ?? null;
    const found = counts.get(heading) ?? { line: heading?.line ?? item.line, count: 0 };
    counts.set(heading, { ...found, count: found.count + 1 });
  }
  return [...counts].map(([heading, { line, count }]): PlanProblem => {
    const boxes = count === 1 ? 'one check box' : `${count} check boxes`;
    const place = heading === null ? '' : ` below ${quoted(heading.text)}`;
    return { line, message: `${boxes}${place} ${count === 1 ? 'is no task' : 'are no tasks'}; ${advice}` };
  });
}

function isOnItsOwn({ text }: Pick<OutlineHeading, 'text'>): boolean {
  return askedOnItsOwn.test(text) && !phase.test(text);
}

function isWork({ text }: Pick<OutlineHeading, 'text'>): boolean {
  return phase.test(text) || numbered.test(text) || work.test(text);
}

function spansOf(sheet: Sheet): TaskSpan[] {
  const boxes = workBoxes(sheet);
  const contents = new Set(contentsOf(boxes));
  const own = boxes.filter((placed) => !contents.has(placed));
  const headed = boxedHeadings(sheet);
  if (headed.length > 1) return headed;
  if (own.length > 0) return taskSpans(sheet, own, { ids: labelledIds, statesOrder: true });
  const steps = itemsThat(sheet, ({ isNumbered }, path) => isNumbered && isStepHeading(path.at(-1)));
  return steps.length > 1 ? taskSpans(sheet, steps, { ids: labelledIds, statesOrder: true }) : phasesOf(sheet);
}

function workBoxes(sheet: Sheet): PlacedItem[] {
  const boxes = itemsThat(sheet, ({ box }) => box !== null);
  const isBare = !sheet.outline().some(({ kind }) => kind === 'heading');
  return isBare ? boxes : boxes.filter(isWorkItem);
}

/** `phase 2.1`; null: the text does not begin with one. */
function phaseName({ text }: { readonly text: string }): string | null {
  const [, word, number] = /^\W{0,6}(\p{L}+)\W{0,3}(\d{1,3}(?:\.\d{1,3})*)/u.exec(text) ?? [];
  return word !== undefined && phase.test(text) ? `${word} ${number}`.toLowerCase() : null;
}

/** The boxes that name sections which have boxes themselves, as a table of contents does: `Phase 2: Page` above `### Phase 2: Page`. */
function contentsOf(placed: readonly PlacedItem[]): PlacedItem[] {
  const sections = new Set(placed.flatMap(({ path }) => path.map(phaseName)));
  const listed = placed.filter(
    ({ item, path }) => phaseName(item) !== null && path.every((each) => phaseName(each) === null),
  );
  return listed.some(({ item }) => sections.has(phaseName(item))) ? listed : [];
}

function contentsRemark(sheet: Sheet, contents: readonly OutlineItem[]): PlanProblem[] {
  const [first] = contents;
  if (first === undefined) return [];
  const sections = new Set(workBoxes(sheet).flatMap(({ path }) => path.map(phaseName)));
  const empty = contents.filter((item) => item.box?.isChecked === false && !sections.has(phaseName(item)));
  const named = empty.map(({ text }) => quoted(text)).join(', ');
  const left = named === '' ? '' : `; the section of ${named} has none, so nobody works on it`;
  const found = 'the check boxes that name sections of the document are no tasks, and those in the sections are';
  return [{ line: first.line, message: `${found}${left}` }];
}

/** The title describes the document, not one of its lists. */
function isWorkItem({ path, lead }: PlacedItem): boolean {
  const [first, ...rest] = path;
  const below = first?.level === 1 ? rest : path;
  const heads = lead === null ? below : [...below, { text: lead }];
  const last = path.at(-1);
  if (isStepHeading(last)) return true;
  const isPhase = last !== undefined && phase.test(last.text);
  return [...path, ...heads].some(isWork) && !heads.some(isAsked) && (isPhase || !heads.some(isOnItsOwn));
}

const stepHeading =
  /^\W{0,4}(?:\d+[.)]\s*)?(?:(?:implementation|development|execution|migration)\s+)?(?:steps|tasks|task list|to[- ]?dos?|plan|work items|action items|order of work|implementation order|plan of action|步[骤驟]|任[务務]|タスク|шаги|задачи|schritte|aufgaben|pasos|tareas|tarefas|étapes|المهام)\W*$/iu;

function isStepHeading(heading: OutlineHeading | undefined): boolean {
  return heading !== undefined && heading.level > 1 && stepHeading.test(heading.text);
}

const phaseHeading =
  /^\W{0,4}(?:phase|step|stage|milestone|этап|шаг|阶段|階段|fase|etapa|étape|schritt|مرحلة)\W{0,3}(\d{1,3})(?![\d.])/iu;

/** Headings `Phase 1`, `Phase 2`, … of one level, in order and without a gap. */
function phasesOf(sheet: Sheet): TaskSpan[] {
  const all = headingsOf(sheet).flatMap((heading): FoundHeading[] => {
    const outer = withoutLeadingMarks(heading.text);
    const { text: plain, marks } = withoutTrailingMark(outer.text);
    const [counted = '', ref] = phaseHeading.exec(plain) ?? [];
    if (ref === undefined || heading.level === 1) return [];
    const inner = withoutMarksBehindNumber(plain.slice(counted.length));
    const text = inner.marks.length === 0 ? plain : `${counted}: ${inner.text}`;
    const said = [...outer.marks, ...inner.marks, ...marks];
    const isDone = said.length > 0 && said.every(Boolean);
    return [{ heading, text, ref, isDone, marks: [] }];
  });
  const phases = ofTopLevel(all);
  const first = Number(phases[0]?.ref ?? 2);
  const isWhole = first <= 1 && phases.every(({ ref }, at) => Number(ref) === first + at);
  return isWhole ? headingSpans(sheet, phases) : [];
}

/** Headings `[ ] Title` of one level. */
function boxedHeadings(sheet: Sheet): TaskSpan[] {
  const boxed = headingsOf(sheet).filter(({ text }) => readBox(text, 0) !== null);
  const found = boxed.map((heading, at): FoundHeading => {
    const { text, isChecked } = headingBox(heading.text);
    const written = sheet.lines[heading.line - 1]?.text ?? '';
    const column = written.indexOf('[');
    const box = readBox(written.slice(column), column)?.box ?? null;
    const mark = isChecked ? null : sheet.boxMark({ line: heading.line, box });
    return { heading, text, ref: String(at + 1), isDone: isChecked, marks: mark === null ? [] : [mark] };
  });
  return headingSpans(sheet, ofTopLevel(found));
}

/** The text of a heading beside its mark (`✅ COMPLETE`). */
function words(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, '');
}

interface FoundHeading {
  readonly heading: OutlineHeading;
  /** The text without the mark that says whether it is done. */
  readonly text: string;
  readonly ref: string;
  readonly isDone: boolean;
  readonly marks: readonly Mark[];
}

function headingsOf(sheet: Sheet): OutlineHeading[] {
  return sheet.outline().filter((block) => block.kind === 'heading');
}

function ofTopLevel(found: readonly FoundHeading[]): FoundHeading[] {
  const level = Math.min(...found.map(({ heading }) => heading.level));
  return found.filter(({ heading }) => heading.level === level);
}

/** Each of these headings as a task, with what is below it. */
function headingSpans(sheet: Sheet, found: readonly FoundHeading[]): TaskSpan[] {
  const level = found[0]?.heading.level ?? 1;
  const ends = headingsOf(sheet).filter((heading) => heading.level <= level);
  let next = 0;
  return found.map(({ heading, text, ref, isDone, marks }): TaskSpan => {
    while (next < ends.length && (ends[next]?.line ?? 0) <= heading.line) next += 1;
    const end = ends[next]?.line ?? sheet.lines.length + 1;
    const { title, isShortened } = titleOf(text, `Part ${ref}`);
    const body = sheet.between(heading.end, end);
    const headingLines = [
      { text: heading.text, number: heading.line },
      { text: '', number: 0 },
    ];
    const task = {
      ref,
      title,
      line: heading.line,
      isDone,
      body: isShortened || words(text) !== words(headingBox(heading.text).text) ? [...headingLines, ...body] : body,
      files: [],
      check: null,
      links: [],
      order: 'sequence' as const,
      number: null,
      marks,
    };
    return { line: heading.line, end, tasks: [task], group: null };
  });
}
