import type { Command } from 'commander'
import { checkAllowed } from '../allowed.ts'
import { withExamples } from '../examples.ts'
import { longWork } from '../long-work.ts'
import { sessionOf } from '../session.ts'
import { showExplanation } from '../show-explanation.ts'
import { collectPair, type FeatureName, parseFeature, parseLimit, parseMoment, typedValues } from '../values.ts'

interface ExplainOptions {
  readonly request?: Readonly<Record<string, string>>
  readonly asOf?: string
  readonly asKnown?: boolean
  readonly limit?: number
}

export function addExplain(program: Command): void {
  const command = program
    .command('explain')
    .description('Says why a feature has its value: how it is computed, and which events count and which do not.')
    .argument('<view.feature>', 'VIEW.FEATURE, or VIEW@VERSION.FEATURE', parseFeature)
    .argument('[key=value...]', 'the keys of the feature', collectPair)
    .option('--request <name=value>', 'a value that on-demand features need; may be repeated', collectPair)
    .option('--as-of <moment>', 'the moment (default: now)', parseMoment)
    .option('--as-known', 'only use what was known at that moment')
    .option('--limit <number>', 'how many events are shown on each side (default: 5)', parseLimit)
    .action(explain)
  withExamples(command, [
    'lockstep explain ranking.user_order_value_avg_90d user_id=u17',
    'lockstep explain ranking.user_click_count_30m user_id=u17 --as-of 2026-03-01T12:00:00Z',
    'lockstep explain ranking.item_price item_id=i204 --json',
  ])
}

async function explain(
  name: FeatureName,
  given: Readonly<Record<string, string>> = {},
  options: ExplainOptions,
  command: Command,
): Promise<void> {
  const session = await sessionOf(command)
  const { output, project } = session
  const view = project.view(name.view)
  await checkAllowed(session, 'read', [view])
  const { request, ...rest } = options
  const owner = `The view ${view.name}`
  const keys = typedValues(given, view.keys, 'key', owner)
  const values = typedValues(request ?? {}, view.request, 'request value', owner)
  await using store = await project.open()
  const explanation = await longWork(output, (work) => store.explain(view, name.feature, keys, { ...rest, ...work, request: values }))
  output.result(explanation, () => showExplanation(explanation))
}
