/** The headings of a plan as people write them: which are read, as what, and the form that is offered for the others. */
import { describe, expect, it } from 'vitest';
import {
  boldHeading,
  isDoneTitle,
  likeTask,
  type PlanHeading,
  readHeading,
  underlinedHeading,
} from '../../../machines/document/headings.ts';

/** What a message asks to write: its last part in backticks. */
function asked(message: string): string {
  return /`([^`]*)`[^`]*$/.exec(message)?.[1] ?? '';
}

function headingText(heading: PlanHeading | null): string {
  if (heading === null) return 'text';
  if (heading.kind === 'other') return `other ${heading.level} [${heading.title}]`;
  const { kind, level, number, title, isDone, problem, remark } = heading;
  const counted = heading.kind === 'task' ? heading.counted : null;
  const parts = [`${kind} ${level} ${number} [${title}]`];
  if (isDone !== null) parts.push(isDone ? 'done' : 'open');
  if (problem !== null) parts.push(`problem: ${asked(problem)}`);
  if (remark !== null) parts.push(`remark: ${asked(remark)}`);
  if (counted !== null) parts.push(`counted: ${counted.wave}.${counted.heading.number} [${counted.heading.title}]`);
  return parts.join(' ');
}

/** Its kind, level, number and title; its marks; what its problem, remark and slip ask to write; a slip that is certain ends with `!`. */
function shown(line: string): string {
  const { heading, slip } = readHeading(line);
  return `${headingText(heading)}${slip === null ? '' : ` slip${slip.isCertain ? '!' : ':'} ${asked(slip.message)}`}`;
}

describe('a heading', () => {
  it.each([
    ['', 'text'],
    ['Task 1: a', 'text'],
    ['    ### Task 1: a', 'text'],
    ['   ### Task 1: a', 'other 3 [Task 1: a] slip! ### Task 1: a'],
    [' ## Wave 1', 'other 2 [Wave 1] slip! ## Wave 1'],
    ['## Wave 1', 'wave 2 1 []'],
    ['## Wave 1: Base', 'wave 2 1 [Base]'],
    ['#### Wave 1', 'other 4 [Wave 1] slip: ## Wave 1'],
    ['# Wave 1: Base', 'other 1 [Wave 1: Base] slip: ## Wave 1: Base'],
    ['### Wave 1 - Base', 'wave 3 1 [Base]'],
    ['##### Task 1: a', 'other 5 [Task 1: a] slip: ### Task 1: a'],
    ['#### Task 1: a', 'task 4 1 [a]'],
    ['## Task 1: a', 'other 2 [Task 1: a] slip! ### Task 1: a'],
    ['# Task 1: a', 'other 1 [Task 1: a] slip: ### Task 1: a'],
    ['###Task 1: a', 'text slip! ### Task 1: a'],
    ['### task 1: a', 'other 3 [task 1: a] slip! ### Task 1: a'],
    ['### TASK 1: a', 'other 3 [TASK 1: a] slip! ### Task 1: a'],
    ['### Task1: a', 'other 3 [Task1: a] slip! ### Task 1: a'],
    ['### Task  1: a', 'task 3 1 [a]'],
    ['### Task #1: a', 'other 3 [Task #1: a] slip! ### Task 1: a'],
    ['### Task ＃1: a', 'other 3 [Task ＃1: a] slip! ### Task 1: a'],
    ['### Task １２: a', 'task 3 12 [a]'],
    ['### Task 1a: a', 'other 3 [Task 1a: a]'],
    ['### Task 1_x: a', 'other 3 [Task 1_x: a]'],
    ['### Task 01: a', 'task 3 1 [a]'],
    ['### Task 0: a', 'task 3 0 [a] problem: '],
    ['### Task 9999: a', 'task 3 9999 [a]'],
    ['### Task 10000: a', 'task 3 10000 [a] problem: '],
    ['## Wave 9999', 'wave 2 9999 []'],
    ['## Wave 10000', 'wave 2 10000 [] problem: '],
    ['## Wave 1.2', 'wave 2 1 [.2] problem: Wave 1.2'],
    ['## Wave 1.2: b', 'wave 2 1 [.2: b] problem: Wave 1.2: b'],
    ['### Task 1.2: a', 'task 3 1 [] problem: ### Task 2: a counted: 1.2 [a]'],
    ['### Task 1.22: a', 'task 3 1 [] problem: ### Task 22: a counted: 1.22 [a]'],
    ['### Task 1.2222: a', 'task 3 1 [] problem: ### Task 2222: a counted: 1.2222 [a]'],
    ['### Task 1.22222: a', 'task 3 1 [] problem: ### Task 1: .22222: a'],
    ['### Task 1.2.3: a', 'task 3 1 [] problem: ### Task 1: .2.3: a'],
    ['### Task 1．2：a', 'task 3 1 [] problem: ### Task 2: a counted: 1.2 [a]'],
    ['### Task 12', 'task 3 12 [] problem: ### Task 12: title'],
    ['### Task 12:', 'task 3 12 [] problem: ### Task 12: title'],
    ['### Task 12: :', 'task 3 12 [] problem: ### Task 12: title'],
    ['### Task 12. Labels', 'task 3 12 [] problem: ### Task 12: Labels'],
    ['### Task 12) Labels', 'task 3 12 [] problem: ### Task 12: Labels'],
    ['### Task 12)', 'task 3 12 [] problem: ### Task 12: title'],
    ['### Task 12 Labels', 'task 3 12 [] problem: ### Task 12: Labels'],
    ['### Task 1.2', 'task 3 1 [] problem: ### Task 2: title counted: 1.2 []'],
    ['### Task 1.2 Labels', 'task 3 1 [] problem: ### Task 2: Labels counted: 1.2 []'],
    ['### ✅ **Task 4: Labels**', 'task 3 4 [Labels] done'],
    ['### **Task 4: Labels**', 'task 3 4 [Labels]'],
    ['### ***Task 4: Labels***', 'task 3 4 [Labels]'],
    ['### __Task 4: Labels__', 'task 3 4 [Labels]'],
    ['### **Task 4:** Labels', 'task 3 4 [Labels]'],
    ['### ** Task 4: Labels', 'task 3 4 [Labels]'],
    ['### **Task 4: Labels', 'other 3 [**Task 4: Labels] slip! ### Task 4: Labels'],
    ['### 🧪 Task 4: Labels', 'task 3 4 [🧪 Labels]'],
    ['### 🧪🏽 Task 4: Labels', 'task 3 4 [🧪🏽 Labels]'],
    ['### 🧑‍🔬 Task 4: Labels', 'task 3 4 [🧑‍🔬 Labels]'],
    ['### ❤️ Task 4: Labels', 'task 3 4 [❤️ Labels]'],
    ['### 🧪🧪🧪🧪 Task 4: Labels', 'task 3 4 [🧪🧪🧪🧪 Labels]'],
    ['### 🧪🧪🧪🧪🧪 Task 4: Labels', 'other 3 [🧪🧪🧪🧪🧪 Task 4: Labels] slip! ### Task 4: Labels'],
    ['## 🧪 Wave 2: Base', 'wave 2 2 [🧪 Base]'],
    ['### 🧪 Task 4:', 'task 3 4 [🧪] problem: ### Task 4: title'],
    ['### [ ] 🧪 **Task 4: Labels**', 'task 3 4 [🧪 Labels] open'],
    ['### [x] [ ] Task 4: Labels', 'task 3 4 [Labels] open remark: '],
    ['### Task 4 [x]: Labels', 'task 3 4 [Labels] done'],
    ['### Task 4: [x] Labels', 'task 3 4 [Labels] done'],
    ['### Task 4: Labels [x]', 'task 3 4 [Labels] done'],
    ['### [x] Task 4: Labels ###', 'task 3 4 [Labels] done'],
    ['### Task 4: Labels ###', 'task 3 4 [Labels]'],
    ['### Task 4: C#', 'task 3 4 [C#]'],
    ['## [x] Wave 2: Base', 'wave 2 2 [Base] done'],
    ['## Wave 2: Base ✅', 'wave 2 2 [Base] done'],
    ['## Wave 2 [x]: Base', 'wave 2 2 [Base] done'],
    ['## Wave 2 ⏳', 'wave 2 2 [] open'],
    ['### 4. Task 4: Labels', 'other 3 [4. Task 4: Labels] slip! ### Task 4: Labels'],
    ['### 4.1. Task 4: Labels', 'other 3 [4.1. Task 4: Labels] slip! ### Task 4: Labels'],
    ['### 4.1.2.3 Task 4: Labels', 'other 3 [4.1.2.3 Task 4: Labels] slip! ### Task 4: Labels'],
    ['### 4.1.2.3.4 Task 4: Labels', 'other 3 [4.1.2.3.4 Task 4: Labels]'],
    ['### 44) Task 4: Labels', 'other 3 [44) Task 4: Labels] slip! ### Task 4: Labels'],
    ['### 4: Task 4: Labels', 'other 3 [4: Task 4: Labels] slip! ### Task 4: Labels'],
    ['### 4.11 Task 4: Labels', 'other 3 [4.11 Task 4: Labels] slip! ### Task 4: Labels'],
    ['### 4.x Task 4: Labels', 'other 3 [4.x Task 4: Labels]'],
    ['### [Task 4](#a): Labels', 'other 3 [[Task 4](#a): Labels] slip! ### Task 4: Labels'],
    ['### [Task 4: Labels](#a)', 'other 3 [[Task 4: Labels](#a)] slip! ### Task 4: Labels'],
    ['### ~~Task 4: Labels~~', 'other 3 [~~Task 4: Labels~~] slip! ### Task 4: Labels'],
    ['### "Task 4": Labels', 'other 3 ["Task 4": Labels] slip! ### Task 4: Labels'],
    ['### <b>Task 4: Labels</b>', 'other 3 [<b>Task 4: Labels</b>] slip! ### Task 4: Labels'],
    ['### <a name="x"></a>Task 4: Labels', 'other 3 [<a name="x"></a>Task 4: Labels] slip! ### Task 4: Labels'],
    ['### << Task 4: Labels', 'other 3 [<< Task 4: Labels] slip! ### Task 4: Labels'],
    ['### - Task-4: Labels', 'other 3 [- Task-4: Labels] slip! ### Task 4: Labels'],
    ['### (Task_4) Labels', 'other 3 [(Task_4) Labels] slip! ### Task 4: Labels'],
    ['### - Task 4 is late', 'other 3 [- Task 4 is late]'],
    ['### - Task 4x', 'other 3 [- Task 4x]'],
    ['### - Task 4_', 'other 3 [- Task 4_]'],
    ['### - Task', 'other 3 [- Task]'],
    ['### - Task 123456: x', 'other 3 [- Task 123456: x]'],
    ['### - Task 12345: x', 'other 3 [- Task 12345: x] slip! ### Task 10000: x'],
    ['### - Task ４: x', 'other 3 [- Task ４: x] slip! ### Task 4: x'],
    ['### Note Task 4: x', 'other 3 [Note Task 4: x]'],
    ['### → Wave 2: Base', 'other 3 [→ Wave 2: Base] slip! ## Wave 2: Base'],
    ['## → Wave 2', 'other 2 [→ Wave 2] slip! ## Wave 2'],
    ['#### → Wave 2', 'other 4 [→ Wave 2] slip: ## Wave 2'],
    ['### - Task     4: x', 'other 3 [- Task     4: x] slip! ### Task 4: x'],
    ['### - Task      4: x', 'other 3 [- Task      4: x]'],
    ['### -      Task 4: x', 'other 3 [-      Task 4: x] slip! ### Task 4: x'],
    ['## → WAVE 2: "Base"', 'other 2 [→ WAVE 2: "Base"] slip! ## Wave 2: "Base"'],
    ['## "Wave 2: Base (all)"', 'other 2 ["Wave 2: Base (all)"] slip! ## Wave 2: Base (all)'],
    ['## [Wave 2: Base](#b)', 'other 2 [[Wave 2: Base](#b)] slip! ## Wave 2: Base'],
    ['### "Task 4: Labels")', 'other 3 ["Task 4: Labels")] slip! ### Task 4: Labels'],
    ['### "Task 4"', 'other 3 ["Task 4"] slip! ### Task 4: title'],
    ['### - Task 4 !!', 'other 3 [- Task 4 !!] slip! ### Task 4: title'],
    ['### 4 Task 4: x', 'other 3 [4 Task 4: x] slip! ### Task 4: x'],
    ['### 4.     Task 4: x', 'other 3 [4.     Task 4: x] slip! ### Task 4: x'],
    ['### 4.      Task 4: x', 'other 3 [4.      Task 4: x] slip! ### Task 4: x'],
    ['### 4. ****** Task 4: x', 'other 3 [4. ****** Task 4: x]'],
    ['### 4. ***** Task 4: x', 'other 3 [4. ***** Task 4: x]'],
    ['### Taks 1: Labels', 'other 3 [Taks 1: Labels] slip! ### Task 1: Labels'],
    ['### Taks 1', 'other 3 [Taks 1] slip! ### Task 1: title'],
    ['### Taks 1 Labels', 'other 3 [Taks 1 Labels]'],
    ['## Taks 12 - Labels', 'other 2 [Taks 12 - Labels] slip! ### Task 12: Labels'],
    ['###  Tsak  1: Labels', 'other 3 [Tsak  1: Labels] slip! ### Task 1: Labels'],
    ['   ### Tasks 1: Labels', 'other 3 [Tasks 1: Labels] slip! ### Task 1: Labels'],
    ['### Takss 1: a', 'other 3 [Takss 1: a] slip! ### Task 1: a'],
    ['## Wavs 2: b', 'other 2 [Wavs 2: b] slip! ## Wave 2: b'],
    ['## Wve 2', 'other 2 [Wve 2] slip! ## Wave 2'],
    ['## Waves 2: b', 'other 2 [Waves 2: b] slip! ## Wave 2: b'],
    ['### Wvae 3: b', 'other 3 [Wvae 3: b] slip! ## Wave 3: b'],
    ['#### Wvae 3: b', 'other 4 [Wvae 3: b]'],
    ['##### Taks 1: a', 'other 5 [Taks 1: a]'],
    ['# Taks 1: a', 'other 1 [Taks 1: a]'],
    ['### Save 2: b', 'other 3 [Save 2: b]'],
    ['### Ask 2: b', 'other 3 [Ask 2: b]'],
    ['### Asks 2', 'other 3 [Asks 2]'],
    ['### Have 3', 'other 3 [Have 3]'],
    ['### Gave 3', 'other 3 [Gave 3]'],
    ['### Cave 3', 'other 3 [Cave 3]'],
    ['### Mask 3', 'other 3 [Mask 3]'],
    ['### Masks 3', 'other 3 [Masks 3]'],
    ['### Tank 3', 'other 3 [Tank 3]'],
    ['### Talk 3', 'other 3 [Talk 3]'],
    ['### Saves 3', 'other 3 [Saves 3]'],
    ['### Task 1: a — Done', 'task 3 1 [a — Done] remark: ### [x] Task 1: …'],
    ['### Task 1: a - completed', 'task 3 1 [a - completed] remark: ### [x] Task 1: …'],
    ['### Task 1: a  -  finished', 'task 3 1 [a  -  finished] remark: ### [x] Task 1: …'],
    ['### Task 1: a-done', 'task 3 1 [a-done]'],
    ['### Task 1: a (done)', 'task 3 1 [a (done)] remark: ### [x] Task 1: …'],
    ['### Task 1: a [Done] b', 'task 3 1 [a [Done] b]'],
    ['### Task 1: a [complete]', 'task 3 1 [a [complete]] remark: ### [x] Task 1: …'],
    ['### Task 1: a (completed)', 'task 3 1 [a (completed)] remark: ### [x] Task 1: …'],
    ['### Task 1: a – complete', 'task 3 1 [a – complete] remark: ### [x] Task 1: …'],
    ['### Task 1: ~~a~~', 'task 3 1 [~~a~~] remark: ### [x] Task 1: …'],
    ['### Task 1: ~~a~~ b', 'task 3 1 [~~a~~ b]'],
    ['### Task 1: b ~~a~~', 'task 3 1 [b ~~a~~]'],
    [
      '### Task 1: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy (done)',
      'task 3 1 [yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy (done)] remark: ### [x] Task 1: …',
    ],
    [
      '### Task 1: (done) zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz',
      'task 3 1 [(done) zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz]',
    ],
    ['### Task 1: a | done', 'task 3 1 [a | done]'],
  ])('%j', (line, expected) => {
    expect(shown(line)).toBe(expected);
  });
});

describe('a long heading', () => {
  it('has a title of at most 500 characters', () => {
    expect(readHeading(`### Task 3: ${'x'.repeat(500)}`).heading).toMatchObject({ problem: null });
    expect(readHeading(`### Task 3: ${'x'.repeat(501)}`).heading).toMatchObject({ problem: expect.any(String) });
  });

  it('is looked through for a mark at its end only', () => {
    expect(shown(`### Task 1: ${'y'.repeat(90)} (done)`)).toMatch(/remark: ### \[x\] Task 1: …$/);
    expect(shown(`### Task 1: (done) ${'z'.repeat(90)}`)).not.toContain('remark');
  });

  it('is no slip if the name comes behind 200 characters', () => {
    expect(shown(`### ${'- '.repeat(8)}Task 4: Labels`)).toContain('slip!');
    expect(likeTask(`${'x'.repeat(190)} Task 4: y`)).toBeNull();
    expect(likeTask(`[x] ${'w'.repeat(300)}`)?.title).toHaveLength(196);
  });
});

describe('a heading of another form as a task', () => {
  it.each([
    ['Step 5: Stock', '5 [Stock]'],
    ['step #5 Stock', null],
    ['Step 5', '5 []'],
    ['Step 5.', '5 []'],
    ['Step 5) Stock', '5 [Stock]'],
    ['Step 12345: x', null],
    ['Step 5 — Stock', '5 [Stock]'],
    ['Step５：Stock', '5 [Stock]'],
    ['T006: Alarm', '6 [Alarm]'],
    ['T-6: Alarm', '6 [Alarm]'],
    ['T_6 - Alarm', '6 [Alarm]'],
    ['ABCDEFGHIJKL6: x', '6 [x]'],
    ['ABCDEFGHIJKLM6: x', null],
    ['T6 Alarm', null],
    ['T6:', null],
    ['7. Door', '7 [Door]'],
    ['#7 — Door', '7 [Door]'],
    ['(7) Door', '7 [Door]'],
    ['[7] Door', '7 [Door]'],
    ['7.1.2.3. Door', '7 [Door]'],
    ['7.1.2.3.4. Door', '7 [4. Door]'],
    ['7.1 Door', '7 [1 Door]'],
    ['7、Door', '7 [Door]'],
    ['7： Door', '7 [Door]'],
    ['7.', null],
    ['第7步：Door', '7 [Door]'],
    ['第 7 步 Door', '7 [Door]'],
    ['第7个任务Door', '7 [Door]'],
    ['第7タスク: Door', '7 [Door]'],
    ['第12步', '12 []'],
    ['x第7步：Door', null],
    ['第12345步：Door', null],
    ['Backend Task 4: Labels', '4 [Labels]'],
    ['Backend Task 4', null],
    ['Notes on Task 4', null],
    ['Backend: Task 4: x', null],
    ['Backend/Task#4 - x', '4 [x]'],
    ['Task A: Labels', 'null [Labels]'],
    ['Task: Labels', 'null [Labels]'],
    ['Task Setup: Labels', 'null [Labels]'],
    ['B. Labels', 'null [Labels]'],
    ['b. Labels', 'null [Labels]'],
    ['BB. Labels', null],
    ['B.', null],
    ['Labels', null],
    ['[x] Labels', 'null [Labels]'],
    ['✅ Labels', 'null [Labels]'],
    ['[x]', null],
    ['✅ ', null],
    ['Aufgabe 3: Tür', '3 [Tür]'],
    ['任务 3：门', '3 [门]'],
    ['work item 3: a', '3 [a]'],
    ['sub-task 3: a', '3 [a]'],
    ['**Step 5: Stock**', '5 [Stock]'],
    ['Steps 5: x', '5 [x]'],
    ['Backend task 4: Labels', null],
    ['7 Door', null],
  ])('%j', (line, expected) => {
    const like = likeTask(line);
    expect(like === null ? null : `${like.number} [${like.title}]`).toBe(expected);
  });
});

describe('a bold line', () => {
  it.each([
    ['**Task 2: Till**', '### Task 2: Till'],
    ['**Task 2:** Till', '### Task 2: Till'],
    ['**Task 2**', '### Task 2: title'],
    ['**Task 2** ', '### Task 2: title'],
    ['__Task 2: Till__', '### Task 2: Till'],
    ['**Wave 2: Till**', '## Wave 2: Till'],
    ['**WAVE 2**', '## Wave 2'],
    ['**task 2 - Till**', '### Task 2: Till'],
    ['**Task 2 is late**', null],
    ['**Task 2** is late', null],
    ['**Task 2x**', null],
    ['**Task #2: Till**', '### Task 2: Till'],
    ['**Task  2: Till**', '### Task 2: Till'],
    ['**Task      2: Till**', null],
    ['**Task       2: Till**', null],
    ['**Task 12: Till**', '### Task 12: Till'],
    ['**Task 12345: Till**', null],
    ['a **Task 2: Till**', null],
    ['**Task 2: Till__', null],
    ['**Test 2: Till**', null],
    ['**Task 2: Till** - b', '### Task 2: Till - b'],
    ['**Task: a**', null],
    ['', null],
    ['**Note 2**', null],
    ['**Task 2:Till**: rest', '### Task 2: Till: rest'],
  ])('%j', (line, expected) => {
    const message = boldHeading(line);
    expect(message === null ? null : asked(message)).toBe(expected);
  });
});

describe('an underlined line', () => {
  it.each([
    ['Task 2: Till', '### Task 2: Till'],
    ['  Task 2', '### Task 2: title'],
    ['Wave 2', '## Wave 2'],
    ['wave 2: b', '## Wave 2: b'],
    ['WAVE 2: b', '## Wave 2: b'],
    ['Task 2 is late', null],
    ['Task 2 - Till', '### Task 2: Till'],
    ['[x] Task 2: Till', '### Task 2: Till'],
    ['**Task 2: Till**', '### Task 2: Till'],
    ['Till', null],
    ['Task2: Till', '### Task 2: Till'],
    ['', null],
    ['Task 2  : Till', '### Task 2: Till'],
    ['✅ Task 2', '### Task 2: title'],
  ])('%j', (line, expected) => {
    const message = underlinedHeading(line);
    expect(message === null ? null : asked(message)).toBe(expected);
  });
});

it('a title says that its task is done only by its marks', () => {
  expect(isDoneTitle('✅ Labels')).toBe(true);
  expect(isDoneTitle('Labels [x]')).toBe(true);
  expect(isDoneTitle('Labels')).toBe(false);
  expect(isDoneTitle('[ ] Labels')).toBe(false);
  expect(isDoneTitle('')).toBe(false);
});
