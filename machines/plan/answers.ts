/** Which questions a person's signal answers. Pure. */
import type { PlanContext, Question } from './context.ts';
import type { PlanEvent } from './events.ts';

/**
 * What the event answers, each question with its own text. A `resolve` answers the one question that is open, or those of the agents that it names. With
 * several questions and no names it is refused before it comes here.
 */
export function answersOf(
  { questions }: Pick<PlanContext, 'questions'>,
  event: PlanEvent,
): { question: Question; answer: string }[] {
  if (event.type === 'answer')
    return questions
      .filter(({ number }) => event.questions.includes(number))
      .map((question) => ({ question, answer: event.body }));
  if (event.type !== 'resolve') return [];
  const { answers, body = '' } = event;
  if (answers === undefined) return questions.map((question) => ({ question, answer: body }));
  return questions.flatMap((question) => {
    const answer = question.title === null ? undefined : answers[question.title];
    return answer === undefined ? [] : [{ question, answer }];
  });
}
