import { momentMicros } from '../../src/lib/moment.ts'
import type { ReadRecord } from '../../src/monitoring/index.ts'
import type { Cell } from '../../src/schema/index.ts'
import type { FeatureStatus } from '../../src/serving/index.ts'

/** A record of a read of one row of the view `ranking`, but for what is given otherwise. Cells and statuses row by row. */
export function servedRead(
  given: Partial<Omit<ReadRecord, 'cell' | 'status'>> & {
    readonly cells?: readonly Cell[]
    readonly statuses?: readonly FeatureStatus[]
  } = {},
): ReadRecord {
  const { cells = [3, 'home'], statuses = cells.map((cell) => (cell === null ? 'NULL' : 'PRESENT')), ...rest } = given
  const moment = rest.moment ?? rest.knownAt ?? momentMicros('2026-03-01T10:00:00Z')
  const features = rest.features ?? names
  return {
    id: 'r1',
    view: 'ranking',
    version: 1,
    caller: 'web',
    model: 'm1',
    moment,
    knownAt: moment,
    features,
    types: [
      { kind: 'integer', nullable: false },
      { kind: 'string', nullable: true },
    ],
    keys: [{ user_id: 'ada' }],
    requests: [{}],
    groups: ['user_clicks@1:abc'],
    micros: 250,
    cell: (row, feature) => cells[row * features.length + feature] as Cell,
    status: (row, feature) => statuses[row * features.length + feature] as FeatureStatus,
    ...rest,
  }
}

const names = ['user_click_count_1h', 'user_last_page']
