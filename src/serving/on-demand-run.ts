import { LockstepError } from '../errors.ts'
import type { OnDemandStep, ViewPlan } from '../plan/index.ts'
import type { Cell } from '../schema/index.ts'
import { type Answer, statusCode } from './answer.ts'
import { StepCache } from './step-cache.ts'
import { withinTime } from './time-limit.ts'
import type { ReadOptions } from './view-reader.ts'

/** What the steps of a row are given: cells of groups (null in the places of what other steps give), and of the request. */
export type StepInputs = readonly {
  readonly known: readonly Cell[]
  readonly given: readonly Cell[]
  /** Something of it is older than the read allows. */
  readonly tooOld: boolean
}[]

/** What a step gave, or why it gave nothing. */
type Outcome = Cell[] | 'FAILED' | 'STALE'

/** Runs the on-demand code of a view for the rows of a read, in order of dependency. */
export class OnDemandRun {
  readonly #plan: ViewPlan
  readonly #steps: readonly StepCache[]

  constructor(plan: ViewPlan) {
    this.#plan = plan
    this.#steps = plan.steps.map((step) => new StepCache(step))
  }

  /** Puts the features of the steps into the answer, as far as time allows; the others stay TIME_OUT. Throws `ON_DEMAND_FAILED`. */
  run(answer: Answer, inputs: readonly StepInputs[], { onDemandLimit, deadline, onDemandErrors }: ReadOptions): void {
    const started = performance.now()
    const limit = Math.min(onDemandLimit ?? Number.POSITIVE_INFINITY, (deadline ?? Number.POSITIVE_INFINITY) - started)
    const work = () => {
      for (const [row, input] of inputs.entries()) this.#put(answer, row, this.#outcomes(answer, input, onDemandErrors === 'mark'))
    }
    if (limit === Number.POSITIVE_INFINITY) work()
    else if (limit > 0) withinTime(Math.ceil(limit), work)
    answer.onDemandTime = performance.now() - started
  }

  #outcomes(answer: Answer, inputs: StepInputs, mark: boolean): Outcome[] {
    const outcomes: Outcome[] = []
    for (const [index, step] of this.#plan.steps.entries()) {
      const { known, given, tooOld } = inputs[index] as StepInputs[number]
      try {
        outcomes.push(lost(step, outcomes, tooOld) ?? (this.#steps[index] as StepCache).run(complete(step, known, outcomes), given))
      } catch (error) {
        if (!mark || !(error instanceof LockstepError)) throw error
        if (!answer.failures.some(({ where }) => where === error.where)) answer.failures.push(error)
        outcomes.push('FAILED')
      }
    }
    return outcomes
  }

  #put(answer: Answer, row: number, outcomes: readonly Outcome[]): void {
    const { output } = this.#plan
    for (const [place, { source }] of output.entries()) {
      if (source.from === 'group') continue
      const outcome = outcomes[source.step] as Outcome
      const cell = typeof outcome === 'string' ? null : (outcome[source.feature] as Cell)
      const at = row * output.length + place
      answer.cells[at] = cell
      answer.statuses[at] = statusCode[typeof outcome === 'string' ? outcome : cell === null ? 'NULL' : 'PRESENT']
    }
  }
}

/** Why a step cannot be run: what it reads is too old, or was not computed. */
function lost(step: OnDemandStep, outcomes: readonly Outcome[], tooOld: boolean): 'FAILED' | 'STALE' | null {
  if (tooOld) return 'STALE'
  for (const { source } of step.known) {
    const outcome = source.from === 'step' ? outcomes[source.step] : null
    if (typeof outcome === 'string') return outcome
  }
  return null
}

/** What a step knows, with the cells of the steps before it. */
const complete = (step: OnDemandStep, known: readonly Cell[], outcomes: readonly Outcome[]): Cell[] =>
  step.known.map(({ source }, place) =>
    source.from === 'step' ? ((outcomes[source.step] as Cell[])[source.feature] as Cell) : (known[place] as Cell),
  )
