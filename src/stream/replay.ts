import type { FeatureGroupData } from '../definition/index.ts'
import type { OnlineStore } from '../online/index.ts'
import { fillTable, unitTable } from './tables.ts'
import { commitOf } from './unit-text.ts'

/**
 * Takes a group's units from their workers and says that it is not filled, so that the next worker that looks builds its state
 * from history again. Its rows stay readable until then.
 */
export async function forgetState(group: FeatureGroupData, partitions: number, state: OnlineStore): Promise<void> {
  for (const table of [fillTable(group), ...Array.from({ length: partitions }, (_, partition) => unitTable(group, partition))]) {
    for (;;) {
      const expected = await state.readMeta(table)
      if (expected === null || expected === '') break
      if (await commitOf(state)([{ table, expected, text: '' }], [])) break
    }
  }
}
