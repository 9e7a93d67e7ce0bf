import { canonicalJson } from '../lib/canonical-json.ts'
import { type OnDemandStep, runStep } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'

/** Runs an on-demand step, or finds what it gave for the same inputs; the results that were not asked for longest are forgotten. */
export class StepCache {
  readonly #step: OnDemandStep
  readonly #results = new Map<string, Cell[]>()

  constructor(step: OnDemandStep) {
    this.#step = step
  }

  run(known: readonly Cell[], request: readonly Cell[]): Cell[] {
    const { cache } = this.#step.onDemand
    if (cache === 0) return runStep(this.#step, known, request)
    const inputs = canonicalJson([known, request])
    const found = this.#results.get(inputs)
    const result = found ?? runStep(this.#step, known, request)
    if (found) this.#results.delete(inputs)
    else if (this.#results.size >= cache) this.#results.delete(this.#results.keys().next().value as string)
    this.#results.set(inputs, result)
    return result
  }
}
