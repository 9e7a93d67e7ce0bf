import { formatMoment, type Micros } from '../lib/moment.ts'
import type { Registry, Run } from '../registry/index.ts'

/** Tells of a change of what is applied that began at a moment and is made: that it cannot be told undoes nothing. */
export async function recordDone(
  { runs, clock }: Pick<Registry, 'runs' | 'clock'>,
  started: Micros,
  run: Pick<Run, 'kind' | 'environment' | 'subject' | 'by' | 'rows'>,
): Promise<void> {
  const seconds = (clock.now() - started) / 1e6
  await runs.record(started, { ...run, bytes: 0, started: formatMoment(started), seconds, outcome: 'done', error: null }).catch(() => {})
}
