import type { FeatureGroupData } from '../definition/index.ts'
import { Duck, quoteLiteral } from '../offline/index.ts'
import { type GroupUse, planGroup } from '../plan/index.ts'
import type { TypeData } from '../schema/index.ts'
import type { Interrupt } from './context.ts'
import { type GroupInput, groupValues } from './group-values.ts'

/** One partition of the work on a group: plain data, so that it can be given to a worker. */
export interface PartitionTask {
  readonly group: FeatureGroupData
  readonly keys: GroupUse['keys']
  readonly input: GroupInput
  readonly asKnown: boolean
  readonly temporaryFolder: string
  readonly memoryLimitBytes: number | null
  /** The Parquet file that takes `__row` and the values. */
  readonly output: string
}

/** The columns of computed values: the row of the moment, then each feature; null where nothing is known. */
export function valueColumns(use: GroupUse): Readonly<Record<string, TypeData>> {
  return {
    __row: { kind: 'integer', nullable: false },
    ...Object.fromEntries(use.plan.features.map(({ name, type }) => [name, { ...type, nullable: true }])),
  }
}

/** Computes one partition with an engine of its own, from files and into a file. */
export async function computePartition(task: PartitionTask, interrupt: Interrupt): Promise<void> {
  const use: GroupUse = { plan: planGroup(task.group), keys: task.keys }
  await using duck = await Duck.open({
    threads: 1,
    temporaryFolder: task.temporaryFolder,
    ...(task.memoryLimitBytes === null ? {} : { memoryLimitBytes: task.memoryLimitBytes }),
  })
  const { values, rows, count } = await groupValues(duck, use, task.input, task.asKnown, interrupt)
  const columns = valueColumns(use)
  await duck.createTable('partition_values', columns)
  await duck.append('partition_values', Object.values(columns), [{ values: rows, nulls: null }, ...values.columns()], count)
  await duck.run(`COPY partition_values TO ${quoteLiteral(task.output)} (FORMAT parquet, COMPRESSION snappy)`)
}
