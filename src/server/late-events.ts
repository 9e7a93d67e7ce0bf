import { momentMicros } from '../lib/moment.ts'
import type { Explanation, ShownEvent } from '../pointintime/index.ts'

/** Of the events that an explanation shows to count, those that became known only after a moment: whoever read then did not have them. */
export function lateEvents(explanation: Explanation, knownAt: number): ShownEvent[] {
  if (explanation.kind === 'onDemand') return unique(explanation.inputs.flatMap((input) => lateEvents(input, knownAt)))
  if (explanation.kind === 'table') return []
  const counted = explanation.aggregates.flatMap(({ inside }) => [...inside.newest, ...(inside.oldest ? [inside.oldest] : [])])
  return unique(counted.filter(({ known }) => known !== null && momentMicros(known) > knownAt))
}

const unique = (events: readonly ShownEvent[]): ShownEvent[] => [...new Map(events.map((event) => [JSON.stringify(event), event])).values()]
