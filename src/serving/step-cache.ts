import { ByteWriter } from '../lib/bytes.ts'
import { type OnDemandStep, runStep } from '../plan/index.ts'
import { type Cell, type CellEncoder, cellEncoder } from '../schema/index.ts'

/** Runs an on-demand step, or finds what it gave for the same inputs; the results that were not asked for longest are forgotten. */
export class StepCache {
  readonly #step: OnDemandStep
  readonly #results = new Map<string, Cell[]>()
  readonly #known: readonly CellEncoder[]
  readonly #request: readonly CellEncoder[]
  readonly #writer = new ByteWriter()

  constructor(step: OnDemandStep) {
    this.#step = step
    // Whatever is declared, a key that is not known gives null.
    const encoder = ({ type }: { readonly type: OnDemandStep['known'][number]['type'] }) => cellEncoder({ ...type, nullable: true })
    this.#known = step.known.map(encoder)
    this.#request = step.request.map(encoder)
  }

  run(known: readonly Cell[], request: readonly Cell[]): Cell[] {
    const { cache } = this.#step.onDemand
    if (cache === 0) return runStep(this.#step, known, request)
    const inputs = this.#inputs(known, request)
    const found = this.#results.get(inputs)
    const result = found ?? runStep(this.#step, known, request)
    if (found) this.#results.delete(inputs)
    else if (this.#results.size >= cache) this.#results.delete(this.#results.keys().next().value as string)
    this.#results.set(inputs, result)
    return result
  }

  /** The inputs as stores would keep them, in which no two values are alike. */
  #inputs(known: readonly Cell[], request: readonly Cell[]): string {
    const writer = this.#writer.clear()
    for (const [place, encode] of this.#known.entries()) encode(known[place] as Cell, writer)
    for (const [place, encode] of this.#request.entries()) encode(request[place] as Cell, writer)
    return Buffer.from(writer.finish()).toString('latin1')
  }
}
