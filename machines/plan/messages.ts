/** What a plan's root does with messages to its agents: stores them, notes which run has them, and refuses those that no agent can get any more. */
import { assertEvent } from 'xstate';
import { type AgentMessage, isForTitle } from '../vocabulary/agent-message.ts';
import { answersOf } from './answers.ts';
import type { PlanContext } from './context.ts';
import type { PlanEvent } from './events.ts';
import { titleOf } from './memory.ts';
import { base } from './setup.ts';
import { bounded, isGiven, type Settled, settled, withMessage, withoutWaiting } from './stored-messages.ts';

/** Only a message with text is refused visibly: a person who continues a plan without an answer sent no text. */
function settle(decide: (context: PlanContext, event: PlanEvent) => Settled) {
  return base.enqueueActions(({ context, event, enqueue }) => {
    const { kept, refused } = decide(context, event);
    enqueue.assign({ words: kept });
    for (const word of refused) if (word.text.trim() !== '') enqueue({ type: 'reportRefused', params: word });
  });
}

function everyWord(): boolean {
  return true;
}

export const words = {
  noteWord: base.assign(({ context, event }) => {
    assertEvent(event, 'word_said');
    return { words: withMessage(context, event.said), wordCount: context.wordCount + 1 };
  }),
  /** Answers to questions of agents; questions of tasks are answered in their own charts. */
  noteAnswerWords: base.assign(({ context, event }) => {
    assertEvent(event, ['answer', 'resolve']);
    const { askers = [], origin: author, at } = event;
    let kept = { ...context };
    for (const { question, answer } of answersOf(context, event)) {
      const { run, title } = question;
      if (run === null || title === null || !askers.includes(run)) continue;
      const said = { kind: 'answer', title, author, text: answer, question: question.question, at } as const;
      kept = { ...kept, words: withMessage(kept, said), wordCount: kept.wordCount + 1 };
    }
    return { words: kept.words, wordCount: kept.wordCount };
  }),
  noteGiven: base.assign(({ context, event }) => {
    assertEvent(event, 'words_given');
    const { run, title, numbers } = event;
    const isIn = (word: AgentMessage) =>
      numbers === null ? word.run === null && isForTitle(word, title) : numbers.includes(word.number);
    const given = context.words.map((word) => {
      const { isTyped: _, ...rest } = word;
      return isIn(word) ? { ...rest, run } : word;
    });
    return { words: bounded(given) };
  }),
  /** Its run has ended, so it is known which of the typed lines it read. */
  noteReturned: base.assign(({ context, event }) => {
    assertEvent(event, 'words_returned');
    const returned = context.words.map((word) => {
      const { isTyped: _, ...rest } = word;
      if (event.numbers.includes(word.number)) return { ...rest, run: null };
      return word.run === event.run ? rest : word;
    });
    return { words: bounded(returned) };
  }),
  /** After a new start, agents do not get the messages that earlier agents already had. */
  dropGiven: base.assign(({ context }) => ({ words: context.words.filter((word) => !isGiven(word)) })),
  refuseStranded: settle(settled),
  refuseAtEnd: settle((context) => withoutWaiting(context, everyWord, 'the plan is done')),
  refuseAtCleanup: settle((context) =>
    withoutWaiting(context, everyWord, 'the plan was cancelled, and nobody took it up again'),
  ),
  /** Refuses the waiting messages for an agent of the plan itself that has done its work: no other agent will get them. */
  refuseUnheard: settle((context, event) => {
    assertEvent(event, 'xstate.done.actor.*');
    const { actorId, output } = event;
    if (context.liveChildren[actorId] === 'wave' || output.outcome !== 'succeeded')
      return { kept: context.words, refused: [] };
    const title = titleOf(context, actorId);
    const { kept, refused } = withoutWaiting(context, (word) => isForTitle(word, title), 'its agent had done its work');
    return { kept: kept.filter((word) => !isForTitle(word, title) || !isGiven(word)), refused };
  }),
};
