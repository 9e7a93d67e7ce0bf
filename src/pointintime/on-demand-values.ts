import { cellAt, type Duck, transportSql } from '../offline/index.ts'
import { runStep, type ValueSource, type ViewPlan } from '../plan/index.ts'
import type { Cell, TypeData } from '../schema/index.ts'
import { ColumnBuilder } from './column-builder.ts'
import { type Interrupt, quoteIdentifier } from './context.ts'
import { labelRequest } from './labels.ts'

/** Rows computed before they are appended. */
const chunk = 65_536

/** The column of a step's feature in the table of steps. */
export const stepColumn = (step: number, feature: string): string => `${step}_${feature}`

/**
 * Runs the on-demand steps of a view for every row of `from` (a FROM clause that joins labels and group values in order),
 * by the code that serving runs, into the table `into`: `stepColumn` for each feature, a row for each label, in order.
 */
export async function computeSteps(
  duck: Duck,
  plan: ViewPlan,
  from: string,
  columnSql: (source: ValueSource) => string,
  into: string,
  interrupt: Interrupt,
): Promise<void> {
  const groupValues = plan.steps.flatMap(({ known }) => known).filter(({ source }) => source.from === 'group')
  const requests = plan.steps.flatMap(({ request }) => request)
  const inputs = new Map<string, { sql: string; type: TypeData }>()
  for (const { source, type } of groupValues) inputs.set(JSON.stringify(source), { sql: columnSql(source), type })
  for (const { name, type } of requests) inputs.set(labelRequest(name), { sql: `labels.${quoteIdentifier(labelRequest(name))}`, type })
  const order = [...inputs.keys()]
  const types = [...inputs.values()].map(({ type }) => ({ ...type, nullable: true }))
  const outputs: Record<string, TypeData> = {}
  plan.steps.forEach(({ features }, step) => {
    for (const { name, type } of features) outputs[stepColumn(step, name)] = { ...type, nullable: true }
  })
  await duck.createTable(into, outputs)
  const outputTypes = Object.values(outputs)
  const selected = order.length === 0 ? '0::DOUBLE' : [...inputs.values()].map(({ sql, type }) => transportSql(type, sql)).join(', ')

  let builders = outputTypes.map((type) => new ColumnBuilder(type, chunk))
  let filled = 0
  const flush = async () => {
    await duck.append(
      into,
      outputTypes,
      builders.map((builder) => builder.column()),
      filled,
    )
    builders = outputTypes.map((type) => new ColumnBuilder(type, chunk))
    filled = 0
  }
  for await (const batch of duck.stream(
    `SELECT ${selected} FROM ${from}`,
    order.length === 0 ? [{ kind: 'float', nullable: false }] : types,
  )) {
    interrupt.check()
    for (let row = 0; row < batch.count; row++) {
      const input = (name: string): Cell => {
        const place = order.indexOf(name)
        return cellAt(types[place] as TypeData, batch.columns[place] as (typeof batch.columns)[number], row)
      }
      const computed: Cell[][] = []
      let column = 0
      for (const step of plan.steps) {
        const known = step.known.map(({ source }) =>
          source.from === 'step' ? ((computed[source.step] as Cell[])[source.feature] as Cell) : input(JSON.stringify(source)),
        )
        const results = runStep(
          step,
          known,
          step.request.map(({ name }) => input(labelRequest(name))),
        )
        computed.push(results)
        for (const cell of results) (builders[column++] as ColumnBuilder).set(filled, cell)
      }
      if (++filled === chunk) await flush()
    }
    interrupt.advance(batch.count)
  }
  await flush()
}
