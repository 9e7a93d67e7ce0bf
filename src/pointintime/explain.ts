import { tmpdir } from 'node:os'
import { type AnyView, effectiveMoment, groupHash, onDemandHash, showExpression, showRefresh, showType } from '../definition/index.ts'
import { LockstepError } from '../errors.ts'
import { formatMoment } from '../lib/moment.ts'
import { suggestion } from '../lib/suggestion.ts'
import { cellAt, Duck, placesOf, prepareScan, type Scan, type SourcePlaces } from '../offline/index.ts'
import {
  type AggregatePlan,
  type FeaturePlan,
  type GroupPlan,
  type GroupUse,
  type NamedValue,
  type OnDemandStep,
  planGroup,
  planView,
  runStep,
  type ViewPlan,
} from '../plan/index.ts'
import { type Cell, type TypeData, toCell } from '../schema/index.ts'
import type { FeatureStatus } from '../serving/index.ts'
import { Interrupt, type Progress } from './context.ts'
import { ExplainedEvents, type ExplainedMoment } from './explain-events.ts'
import { explainRows } from './explain-table.ts'
import type { EventsExplanation, Explanation, OnDemandExplanation, TableExplanation } from './explanation.ts'
import { groupValues, historySql } from './group-values.ts'
import { jsonRecord, jsonValue } from './json-value.ts'
import { readKey } from './key-history.ts'

export interface ExplainOptions extends SourcePlaces {
  /** Microseconds since the epoch. */
  readonly asOf: number
  /** Read as known at that moment. Off by default. */
  readonly asKnown?: boolean
  /** How many events or rows are listed at each place; 5 by default. */
  readonly limit?: number
  /** The values that the caller gives, for features computed on demand. */
  readonly request?: Readonly<Record<string, unknown>>
  readonly threads?: number
  readonly temporaryFolder?: string
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
}

/**
 * Why a feature of a view has its value for an entity key: the value, by the evaluation of training sets, with the events
 * or rows that it comes from and those nearby that it does not. Reads the history of the key. Throws `UNKNOWN_NAME`,
 * `MISSING_KEY`, `INVALID_VALUE`, `INVALID_ARGUMENT`, what training sets throw, or `INTERRUPTED`.
 */
export async function explainFeature(
  view: AnyView,
  feature: string,
  keys: Readonly<Record<string, unknown>>,
  options: ExplainOptions,
): Promise<Explanation> {
  const { limit = 5 } = options
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new LockstepError('INVALID_ARGUMENT', `The limit ${limit} is not a whole number from 0`)
  const plan = planView(view)
  const value = plan.output.find(({ name }) => name === feature)
  if (!value)
    throw new LockstepError('UNKNOWN_NAME', `The view ${view.name} has no feature ${feature}${suggestion(feature, view.featureNames)}`)
  for (const name of Object.keys(keys)) {
    if (!Object.hasOwn(view.keys, name))
      throw new LockstepError('UNKNOWN_NAME', `The view ${view.name} has no key ${name}${suggestion(name, Object.keys(view.keys))}`)
  }
  const interrupt = new Interrupt(options.signal, options.progress)
  await using duck = await Duck.open({
    temporaryFolder: options.temporaryFolder ?? tmpdir(),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  })
  const stop = () => duck.interrupt()
  options.signal?.addEventListener('abort', stop)
  try {
    interrupt.check()
    const explainer = new Explainer(plan, keys, { ...options, limit }, duck, interrupt)
    return (await explainer.explain(value)).explanation
  } catch (error) {
    if (options.signal?.aborted) throw new LockstepError('INTERRUPTED', 'Stopped before the explanation was complete', { cause: error })
    throw error
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

interface Explained<E extends Explanation = Explanation> {
  readonly explanation: E
  readonly cell: Cell
}

class Explainer {
  readonly #plan: ViewPlan
  readonly #keys: Readonly<Record<string, unknown>>
  readonly #options: ExplainOptions & { readonly limit: number }
  readonly #duck: Duck
  readonly #interrupt: Interrupt
  readonly #scans = new Map<string, Promise<Scan>>()

  constructor(
    plan: ViewPlan,
    keys: Readonly<Record<string, unknown>>,
    options: ExplainOptions & { readonly limit: number },
    duck: Duck,
    interrupt: Interrupt,
  ) {
    this.#plan = plan
    this.#keys = keys
    this.#options = options
    this.#duck = duck
    this.#interrupt = interrupt
  }

  explain({ name, source }: NamedValue): Promise<Explained> {
    if (source.from === 'step') return this.#onDemand(name, this.#plan.steps[source.step] as OnDemandStep, source.feature)
    const use = this.#plan.uses[source.use] as GroupUse
    return this.#groupFeature(name, use, use.plan.features[source.feature] as FeaturePlan)
  }

  async #onDemand(name: string, step: OnDemandStep, feature: number): Promise<Explained<OnDemandExplanation>> {
    const { onDemand } = step
    const given = this.#options.request ?? {}
    const request = step.request.map((value) => toCell(value.type, given[value.name], `request value ${value.name}`))
    const inputs: Explained[] = []
    for (const known of step.known) inputs.push(await this.explain(known))
    const { name: own, type } = step.features[feature] as (typeof step.features)[number]
    const cell = runStep(
      step,
      inputs.map((input) => input.cell),
      request,
    )[feature] as Cell
    const read = [...step.known, ...step.request].map((value) => value.name).join(', ')
    const explanation: OnDemandExplanation = {
      kind: 'onDemand',
      ...this.#value(name, type, cell, 'PRESENT'),
      key: Object.assign({}, ...inputs.map((input) => input.explanation.key)),
      definition: `${own} of ${onDemand.name}, computed from ${read === '' ? 'nothing' : read}`,
      onDemand: { name: onDemand.name, version: onDemand.version, hash: onDemandHash(onDemand) },
      inputs: inputs.map((input) => input.explanation),
      request: jsonRecord(step.request.map((value, index) => [value.name, value.type, request[index] as Cell])),
    }
    return { explanation, cell }
  }

  async #groupFeature(name: string, use: GroupUse, feature: FeaturePlan): Promise<Explained<EventsExplanation | TableExplanation>> {
    const { group } = use.plan
    const key = use.keys.map((part) => this.#keyCell(part.name, part.type))
    const { asOf, asKnown = false, limit } = this.#options
    const at: ExplainedMoment = { asOf, moment: effectiveMoment(group.refresh, asOf), asKnown, limit }
    const plan = planGroup({ ...group, features: { [feature.name]: feature.node } })
    const history = await readKey(this.#duck, use, await this.#scan(use), key)
    const read = historySql({ ...use, plan }, asKnown ? history.all : history.latest, history.keysSql, {
      asKnown,
      first: at.moment,
      last: at.moment,
    })
    const aggregates = plan.kind === 'events' ? plan.aggregates : []
    const [cell = null, ...parts] = await this.#values({ ...use, plan: withAggregates(plan, aggregates) }, read)
    const shared = (status: Exclude<FeatureStatus, 'NULL'>, eventTime: number | null) => ({
      ...this.#value(name, feature.type, cell, status),
      key: jsonRecord(use.keys.map((part, index) => [part.name, part.type, key[index] as Cell])),
      definition: showExpression(feature.node),
      group: { name: group.name, version: group.version, hash: groupHash(group), source: group.source.name, feature: feature.name },
      effective: {
        moment: formatMoment(at.moment),
        reason: group.refresh.kind === 'live' ? 'live: the as-of moment itself' : `the last tick of ${showRefresh(group.refresh)}`,
      },
      eventTime: eventTime === null ? null : formatMoment(eventTime),
    })
    if (plan.kind === 'table') {
      const { status, time, ...rows } = await explainRows(this.#duck, { ...use, plan }, history, at, this.#interrupt)
      return { cell, explanation: { kind: 'table', ...shared(status, time), ...rows } }
    }
    const events = await ExplainedEvents.read(this.#duck, { ...use, plan }, history, at, this.#interrupt)
    const explained = aggregates.map(({ node }, index) => events.explain(node, jsonValue(node.type, parts[index] as Cell)))
    return {
      cell,
      explanation: { kind: 'events', ...shared(events.newest === null ? 'NOT_FOUND' : 'PRESENT', events.newest), aggregates: explained },
    }
  }

  #value(feature: string, type: TypeData, cell: Cell, status: Exclude<FeatureStatus, 'NULL'>) {
    const { asOf, asKnown = false } = this.#options
    const shown: FeatureStatus = status === 'PRESENT' && cell === null ? 'NULL' : status
    return { feature, value: jsonValue(type, cell), type: showType(type), status: shown, asOf: formatMoment(asOf), asKnown }
  }

  #keyCell(name: string, type: TypeData): Cell {
    const value = this.#keys[name]
    if (value !== undefined && value !== null) return toCell(type, value, `key ${name}`)
    throw new LockstepError('MISSING_KEY', `The key ${name} of the view ${this.#plan.view.name} is missing`)
  }

  #scan({ plan: { group } }: GroupUse): Promise<Scan> {
    const { source } = group
    const scan = this.#scans.get(source.name) ?? prepareScan(this.#duck, source, { versions: 'all', ...placesOf(this.#options, source) })
    this.#scans.set(source.name, scan)
    return scan
  }

  /** The values of the plan's features, by the evaluation of training sets. */
  async #values(use: GroupUse, read: string): Promise<Cell[]> {
    const { asOf, asKnown = false } = this.#options
    const momentsSql = `SELECT 0::DOUBLE AS __k, ${asOf}::DOUBLE AS __at, 0::DOUBLE AS __row`
    const { values } = await groupValues(
      this.#duck,
      use,
      { keyCount: 1, momentCount: 1, momentsSql, historySql: read },
      asKnown,
      this.#interrupt,
    )
    return values.columns().map((column, index) => cellAt((use.plan.features[index] as FeaturePlan).type, column, 0))
  }
}

/** The plan with each of its aggregates as a feature of its own, after its features. */
function withAggregates(plan: GroupPlan, aggregates: readonly AggregatePlan[]): GroupPlan {
  return { ...plan, features: [...plan.features, ...aggregates.map(({ node }) => ({ name: showExpression(node), node, type: node.type }))] }
}
