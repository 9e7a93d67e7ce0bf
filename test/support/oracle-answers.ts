import { LockstepError } from '../../src/errors.ts'
import { fromCell } from '../../src/schema/index.ts'
import { type OracleRow, oracleValues } from '../../src/testing/index.ts'
import type { RandomCase } from './random-case.ts'

/** What the oracle says of a key at a moment, in public values, or the code of the error that it raises. */
export function oracleAnswer(
  { group, rows, asKnown }: Pick<RandomCase, 'group' | 'rows' | 'asKnown'>,
  key: OracleRow,
  moment: number,
): { values: Record<string, unknown>; status: string } | { error: string } {
  try {
    const { values, status } = oracleValues(group, rows, key, moment, { asKnown })
    return {
      values: Object.fromEntries(Object.entries(group.features).map(([name, { type }]) => [name, fromCell(type, values[name] ?? null)])),
      status,
    }
  } catch (error) {
    if (error instanceof LockstepError) return { error: error.code }
    throw error
  }
}

/** How many random cases a property runs: more with LOCKSTEP_RUNS. */
export const runs = (usual: number): number => Number(process.env.LOCKSTEP_RUNS ?? usual)
