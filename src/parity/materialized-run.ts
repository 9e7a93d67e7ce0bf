import { effectiveMoment } from '../definition/index.ts'
import { type MaterializeOptions, materializeGroup } from '../materialize/index.ts'
import type { OnlineStore } from '../online/index.ts'
import type { Interrupt } from '../pointintime/index.ts'
import type { Comparison } from './comparison.ts'
import type { GroupCase } from './group-case.ts'
import { VectorAnswers } from './vector-answers.ts'

/**
 * Fills an online store at each checkpoint, in order, and reads vectors from it: every question that the store can answer then,
 * which is each from the checkpoint on (less the lateness) that no event happened before which the store was not given.
 */
export async function runMaterialized(
  { group, plan, rows, questions, checkpoints, keyTimes }: GroupCase,
  store: OnlineStore,
  comparison: Comparison,
  work: Omit<MaterializeOptions, 'upto'>,
  interrupt: Interrupt,
): Promise<void> {
  const { refresh, source } = group
  for (const checkpoint of checkpoints) {
    await materializeGroup(group, store, { ...work, upto: checkpoint })
    const vectors = await VectorAnswers.open(group, plan.features, rows.keys, store)
    interrupt.stage(`reading ${group.name} as materialized`, questions.count)
    const from = effectiveMoment(refresh, checkpoint) - source.lateness
    for (let question = 0; question < questions.count; question++) {
      const [key, q] = [questions.keys[question] as number, questions.at[question] as number]
      const moment = effectiveMoment(refresh, q)
      if (moment < from) continue
      if (source.kind === 'events' && keyTimes.nextFrom(key, checkpoint) < moment) continue
      comparison.ask(question, () => vectors.answer(key, q))
      if (question % 1024 === 0) {
        interrupt.check()
        interrupt.advance(1024)
      }
    }
  }
}
