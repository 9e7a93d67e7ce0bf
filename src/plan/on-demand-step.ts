import { LockstepError } from '../errors.ts'
import { type Cell, fromCell, toCell } from '../schema/index.ts'
import type { OnDemandStep } from './view-plan.ts'

/**
 * Runs the code of an on-demand step: cells of what it knows and of the request in, cells of its features out, checked
 * against their declared types. Throws `ON_DEMAND_FAILED`.
 */
export function runStep(step: OnDemandStep, known: readonly Cell[], request: readonly Cell[]): Cell[] {
  const { onDemand, features } = step
  const failed = (why: string, cause?: unknown) =>
    new LockstepError('ON_DEMAND_FAILED', why, { where: `on-demand view ${onDemand.name}`, cause })
  let result: Readonly<Record<string, unknown>>
  try {
    result = onDemand.compute(
      Object.fromEntries(step.known.map(({ name, type }, index) => [name, fromCell(type, known[index] as Cell)])),
      Object.fromEntries(step.request.map(({ name, type }, index) => [name, fromCell(type, request[index] as Cell)])),
    )
  } catch (error) {
    throw failed(`compute threw ${error instanceof Error ? error.message : String(error)}`, error)
  }
  if (result === null || typeof result !== 'object') throw failed(`compute returned ${String(result)} instead of its features`)
  return features.map(({ name, type }) => {
    try {
      return toCell(type, result[name], name)
    } catch (error) {
      throw failed(`compute returned a wrong ${name}: ${(error as Error).message}`, error)
    }
  })
}
